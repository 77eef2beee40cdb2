"""The record of consumed examples, kept outside TensorFlow, and the proof that is made from it.

Each process that trains appends to one file: a line at which step of the model it continues, then for every step the
ids of the examples it consumed. A line is handed to the operating system before the step can be saved, so it survives a
SIGKILL. Relative to the model a step counts once: what a process did after the checkpoint from which the next one
continued is gone with it, and done again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from observed_hooks.sinks.jsonl import json_line, read_jsonl

Batch: TypeAlias = tuple[int, ...]
"""Ids of the examples of one step, in order."""


class ConsumedRecord:
    """Appends to the record at `path`. Used by the training thread only."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Unbuffered: a line has left this process when `write` returns.
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close(), or by the kill it is made for

    def begin(self, step: int) -> None:
        """Note that this process continues a model at `step`."""
        # The line that a killed process left torn, if any, is ended first.
        self._file.write(b"\n" + json_line({"continues_at": step, "pid": os.getpid()}))

    def consumed(self, step: int, ids: Iterable[int]) -> None:
        """Note the examples that brought the model to `step`."""
        self._file.write(json_line({"step": step, "ids": list(ids)}))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(slots=True)
class Stretch:
    """What one process consumed."""

    continues_at: int
    """Step of the model at which it began; 0 for a fresh one."""
    batches: dict[int, Batch] = field(default_factory=dict)
    """By the step to which each brought the model."""

    @property
    def last_step(self) -> int:
        """The last step it is known to have done."""
        return max(self.batches, default=self.continues_at)


def read_stretches(path: str | os.PathLike[str]) -> list[Stretch]:
    """Return what the processes that wrote the record at `path` consumed, the first one first.

    Raises:
        OSError: it cannot be read.
    """
    stretches: list[Stretch] = []
    for line in read_jsonl(path):
        if "continues_at" in line:
            stretches.append(Stretch(line["continues_at"]))
        else:
            stretches[-1].batches[line["step"]] = tuple(line["ids"])
    return stretches


def effective_stream(stretches: Iterable[Stretch]) -> dict[int, Batch]:
    """Return the batches that made the final model, by step: what a resume replaced is not among them."""
    stream: dict[int, Batch] = {}
    for stretch in stretches:
        kept = {step: batch for step, batch in stream.items() if step <= stretch.continues_at}
        stream = kept | stretch.batches
    return stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How the stream that made the model compares with one that was never interrupted."""

    killed_after_step: int
    """The last step of the process that was killed."""
    resumed_at_step: int
    """The step of the checkpoint from which the next process went on."""
    steps: int
    examples: int
    """In the uninterrupted stream."""
    lost: int
    """Examples that the uninterrupted stream has and the other lacks, each as often as it is missing."""
    repeated: int
    """Examples that the other has too many."""
    first_difference: int | None
    """The first step whose examples, or their order, differ; None when there is none."""

    @property
    def holds(self) -> bool:
        """Whether the two streams are the same, step by step and example by example."""
        return self.first_difference is None

    @property
    def steps_done_again(self) -> int:
        """Steps that were lost with the killed process."""
        return self.killed_after_step - self.resumed_at_step

    @property
    def verdict(self) -> str:
        """What was found, in a few words."""
        if self.holds:
            return "No example was lost, none repeated"
        if self.lost or self.repeated:
            return "Examples were lost or repeated"
        return "Examples came in another order"

    @property
    def story(self) -> str:
        """What it was found in, with numbers."""
        history = (
            f"killed after step {self.killed_after_step:,} and resumed from the checkpoint of step "
            f"{self.resumed_at_step:,} ({_count(self.steps_done_again, 'step')} done again)"
        )
        if self.holds:
            return (
                f"{history}, the model saw the same {self.examples:,} examples in the same order as in a run that "
                "is never interrupted."
            )
        return (
            f"{history}, the model saw from step {self.first_difference:,} on other examples than in a run that is "
            f"never interrupted; {self.lost:,} of {self.examples:,} were lost, {self.repeated:,} repeated."
        )

    @property
    def sentence(self) -> str:
        """Verdict and story."""
        return f"{self.verdict}: {self.story}"


def prove(stretches: Sequence[Stretch], uninterrupted: Mapping[int, Batch]) -> Proof:
    """Compare what two processes consumed, one killed and one resumed, with the `uninterrupted` stream by step.

    Raises:
        ValueError: there are not two stretches.
    """
    killed, resumed = stretches
    stream = effective_stream(stretches)
    expected, got = _examples(uninterrupted), _examples(stream)
    differing = [step for step in {*uninterrupted, *stream} if uninterrupted.get(step) != stream.get(step)]
    return Proof(
        killed_after_step=killed.last_step,
        resumed_at_step=resumed.continues_at,
        steps=len(uninterrupted),
        examples=expected.total(),
        lost=(expected - got).total(),
        repeated=(got - expected).total(),
        first_difference=min(differing, default=None),
    )


def _examples(stream: Mapping[int, Batch]) -> Counter[int]:
    return Counter(example for batch in stream.values() for example in batch)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
