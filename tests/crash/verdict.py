"""Whether a resume was right: the diary of one life against the uninterrupted run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.crash.diary import Life, State, Step


@dataclass(frozen=True, slots=True)
class Reference:
    """The uninterrupted run: the state at the beginning, and all steps."""

    start: State
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, life: Life) -> Reference:
        """Take the diary of a run that nobody killed."""
        if life.start is None or life.start.step or not life.ended or life.error:
            raise ValueError(f"expected a run from its beginning to its end, got start={life.start}, {life.error!r}")
        return cls(life.start, tuple(life.steps))

    def state(self, step: int) -> State:
        """Return the model after `step` steps."""
        return self.steps[step - 1].state if step else self.start


def mismatch(reference: Reference, life: Life, newest_saved_step: int) -> str:
    """Return what is wrong with a life that began after a kill; empty when nothing is.

    Args:
        reference: the uninterrupted run.
        life: the diary; a life that died before its model was restored says nothing.
        newest_saved_step: of the checkpoints that were complete before this life; -1 for none.
    """
    start = life.start
    if start is None:
        return ""
    if start.step < newest_saved_step:
        return f"resumed at step {start.step}, although step {newest_saved_step} had been saved"
    if start.step > len(reference.steps) or start != reference.state(start.step):
        return f"the model restored at step {start.step} was not trained on the examples before that step"
    return _stream_mismatch(reference, start.step, life.steps)


def _stream_mismatch(reference: Reference, start_step: int, steps: Sequence[Step]) -> str:
    for offset, step in enumerate(steps):
        number = start_step + offset + 1
        expected = reference.steps[number - 1] if number <= len(reference.steps) else None
        if step == expected:
            continue
        if expected is None or step.state.step != number:
            return f"expected step {number}, got step {step.state.step}"
        if step.ids != expected.ids:
            return _differing_examples(reference, start_step, steps, number)
        return f"the model at step {number} was not trained on the examples up to that step"
    return ""


def _differing_examples(reference: Reference, start_step: int, steps: Sequence[Step], number: int) -> str:
    got = Counter(example for step in steps for example in step.ids)
    wanted = Counter(example for step in reference.steps[start_step : start_step + len(steps)] for example in step.ids)
    return (
        f"resumed at step {start_step}; from step {number} on other examples came: in {len(steps)} steps "
        f"{(wanted - got).total()} lost and {(got - wanted).total()} repeated"
    )
