"""What a source holds, found out once and before anything is measured, in a process that measures nothing.

Bad input is found here: whatever is wrong with a source is one `ConfigurationError`, with one line.

Examples are numbered in input order. Of the digits and of TFRecord files the order under a buffer needs no reading, see
`order`. The examples of a user's pipeline are known again by their fingerprints, which have to be the same each time
and different from each other: after random augmentation, or with duplicates, mixing cannot be told.

`<plan.survey>/survey.json` is written last: when it is there, everything is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from observed_hooks.clock import Clock, SystemClock
from observed_hooks.compare.digits import write_digits
from observed_hooks.compare.examples import described, read_epoch
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.readable import endless, first_batch_size, named, require_batches, require_buildable
from observed_hooks.compare.sources import epoch_of
from observed_hooks.compare.whole import write_whole
from observed_hooks.errors import ConfigurationError, StateError, telling_line

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

_REREAD = 1000
"""Examples that are read twice, to see whether they stay the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a source is read before it counts as endless."""

    examples: int = 50_000_000
    seconds: float = 90.0
    """Less than its process may take: what does not end is then told as that, not by the end of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is known of a source."""

    subject: str
    """Such as `37,500 handwritten digits of 264 bytes`."""
    examples: int
    """Of one epoch, without a shuffle."""
    batch_size: int
    """The plan's; that of the first batch where the pipeline makes batches itself."""
    example_bytes: int
    """Of one example in memory, as it comes out of the pipeline; the mean, rounded."""
    mixing_left_out: str
    """Why the order under a buffer cannot be told; empty when it can."""
    labels: Integers | None = None
    """Of each example in input order; None where there are none."""
    fingerprints: Integers | None = None
    """Of each example in input order; None where they are not needed, or no use."""


_ARRAYS = ("labels", "fingerprints")


def survey(plan: Plan, limits: Limits | None = None, clock: Clock | None = None) -> Survey:
    """Look at the source of `plan`, for every buffer size; write down what it holds and return it.

    The digits are written first where they are what is read.

    Args:
        plan: what is to be compared.
        limits: how far to read.
        clock: for the limit of seconds.

    Raises:
        ConfigurationError: the source cannot be compared.
        MissingExtraError: the digits are asked for, and scikit-learn is not installed.
    """
    if plan.source.kind == "digits":
        write_digits(plan.data)
    require_buildable(plan)
    batch_size = first_batch_size(plan)
    clock = clock or SystemClock()
    began = clock.monotonic()
    whole = _Reader(plan, limits or Limits(), clock).read()
    require_batches(plan, whole["bytes"], batch_size, clock.monotonic() - began)
    fingerprints, left_out = _usable(plan, whole.get("fingerprint"))
    examples = len(whole["bytes"])
    example_bytes = round(int(whole["bytes"].sum()) / examples)
    found = Survey(
        subject=_subject(plan.source, examples, example_bytes),
        examples=examples,
        batch_size=batch_size,
        example_bytes=example_bytes,
        mixing_left_out=left_out,
        labels=whole.get("label"),
        fingerprints=fingerprints,
    )
    _write(plan, found)
    return found


def load(plan: Plan) -> Survey:
    """Return what the survey of `plan` has found out.

    Raises:
        StateError: there was none.
    """
    try:
        with open(_path(plan, "survey.json"), encoding="utf-8") as file:
            fields = json.load(file)
    except FileNotFoundError as error:
        raise StateError(f"the source of {plan.path} was not surveyed; run the survey first") from error
    paths = {name: _path(plan, f"{name}.npy") for name in _ARRAYS}
    return Survey(**fields, **{name: np.load(path) for name, path in paths.items() if os.path.exists(path)})


def _write(plan: Plan, found: Survey) -> None:
    os.makedirs(plan.survey, exist_ok=True)
    fields = asdict(found)
    for name in _ARRAYS:
        array = fields.pop(name)
        if array is not None:
            np.save(_path(plan, f"{name}.npy"), array)
        elif os.path.exists(_path(plan, f"{name}.npy")):
            os.remove(_path(plan, f"{name}.npy"))
    write_whole(_path(plan, "survey.json"), json.dumps(fields, indent=2))


def _path(plan: Plan, name: str) -> str:
    return os.path.join(plan.survey, name)


class _Reader:
    """Reads one epoch without a shuffle, as far as the limits allow."""

    def __init__(self, plan: Plan, limits: Limits, clock: Clock) -> None:
        self._plan = plan
        self._limits = limits
        self._clock = clock
        self._begin_seconds = clock.monotonic()

    def read(self) -> dict[str, Integers]:
        """Return `examples.Described` of all examples."""
        import tensorflow as tf

        try:
            chunks = list(self._chunks())
        except tf.errors.OpError as error:
            raise ConfigurationError(
                f"{named(self._plan.source)} cannot be read: {telling_line(str(error))}"
            ) from error
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}

    def _chunks(self) -> Iterator[dict[str, Integers]]:
        examples = 0
        for chunk in read_epoch(lambda: _described_epoch(self._plan)):
            yield chunk
            examples += len(chunk["bytes"])
            if examples > self._limits.examples:
                raise endless(self._plan.source, f"{self._limits.examples:,} examples")
            if self._clock.monotonic() - self._begin_seconds > self._limits.seconds:
                raise endless(self._plan.source, f"{self._limits.seconds:,.0f} seconds ({examples:,} examples)")


def _described_epoch(plan: Plan) -> Any:
    """Return a dataset of `examples.Described` of one epoch without a shuffle, with fingerprints where they help."""
    return described(epoch_of(plan), batched=not plan.batch_size, fingerprints=plan.source.kind == "pipeline")


def _usable(plan: Plan, fingerprints: Integers | None) -> tuple[Integers | None, str]:
    """Return the fingerprints if examples can be known again by them, and otherwise why not."""
    if plan.source.kind != "pipeline":
        return None, ""
    if fingerprints is None:
        return None, "examples that are not made of plain tensors cannot be told apart"
    # With another seed: what is random is to come out another way.
    again = next(read_epoch(lambda: _described_epoch(plan), seed=1))["fingerprint"][:_REREAD]
    if not np.array_equal(fingerprints[: len(again)], again):
        return None, "without a buffer, too, the pipeline yields other examples, or another order, each time it is read"
    twice = len(fingerprints) - len(np.unique(fingerprints))
    if twice:
        return None, f"{twice:,} of the examples are the same as another, and cannot be told apart"
    return fingerprints, ""


def _subject(source: Source, examples: int, example_bytes: int) -> str:
    size = f"of {example_bytes:,} bytes"
    if source.kind == "digits":
        return f"{examples:,} handwritten digits {size}"
    if source.kind == "tfrecord":
        return f"{examples:,} records {size} from {source.text}"
    return f"{examples:,} examples {size} from {source.text}"
