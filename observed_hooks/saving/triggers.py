"""When to save: every so many steps, or every so many seconds.

The same decisions as TensorFlow's `SecondOrStepTimer`, on a clock that never jumps, and without a look at the global
step after every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from observed_hooks.clock import Clock
from observed_hooks.errors import ConfigurationError
from observed_hooks.saving.watch import UNKNOWN, Reach, StepWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The distance between two saves: either seconds or steps."""

    seconds: float | None
    steps: int | None

    @classmethod
    def of(cls, save_secs: float | None, save_steps: int | None) -> Interval:
        """Check a hook's arguments.

        Raises:
            ConfigurationError: both are given, neither is, or the one is not positive.
        """
        if (save_secs is None) == (save_steps is None):
            raise ConfigurationError(
                "expected exactly one of save_secs and save_steps, "
                f"got save_secs={save_secs!r} and save_steps={save_steps!r}; leave one of them out"
            )
        _require_positive("save_secs", save_secs)
        _require_positive("save_steps", save_steps)
        return cls(seconds=save_secs, steps=save_steps)


def _require_positive(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, int | float | np.number) or not value > 0:
        raise ConfigurationError(f"expected {name} to be a number above 0, got {value!r}")


class SaveTrigger:
    """Decides whether a save is due. Used by the training thread only.

    After each run ask `may_be_due`; only when it says so read the global step, and ask `is_due`.
    """

    def __init__(self, interval: Interval, clock: Clock) -> None:
        """Be due at once: nothing was saved yet."""
        self._interval = interval
        self._clock = clock
        self._watch = StepWatch(UNKNOWN)
        self._last_step: int | None = None
        self._last_seconds = 0.0

    @property
    def last_step(self) -> int | None:
        """The step counted as saved last; None before the first."""
        return self._last_step

    def begin_session(self, reach: Reach) -> None:
        """Learn how far a run of a new session can carry the step."""
        self._watch = StepWatch(reach)

    def may_be_due(self) -> bool:
        """Count a run; tell whether a look at the global step is worth it. Costs nothing worth measuring."""
        if self._interval.seconds is not None and self._last_step is not None:
            return self._clock.monotonic() >= self._last_seconds + self._interval.seconds
        return self._watch.ran()

    def is_due(self, step: int) -> bool:
        """Tell whether the state after `step` steps is to be saved; never twice for one step."""
        if self._last_step is None:
            return True
        if step == self._last_step:
            return False
        if self._interval.seconds is not None:
            return self._clock.monotonic() >= self._last_seconds + self._interval.seconds
        goal = self._last_step + (self._interval.steps or 0)
        self._watch.plan(step, goal)
        return step >= goal

    def saved(self, step: int, decided_seconds: float) -> None:
        """Count the next interval from `step`, whose save was decided at `decided_seconds` of the clock.

        Not called for a save that failed, which therefore is due again at the next step.
        """
        self._last_step = step
        self._last_seconds = decided_seconds
        if self._interval.steps is not None:
            self._watch.plan(step, step + self._interval.steps)
