"""How long the first batch of a session takes."""

from __future__ import annotations

from typing import Any

from observed_hooks.clock import Clock


class Stopwatch:
    """Times the first step of a session, as a pair of hooks: one before the input pipeline's hook, one behind it.

    A session calls hooks in the order of its list. Between the two, the input pipeline's hook brings the pipeline to
    the model's step: that counts for a resumption, and not for a cold start.
    """

    def __init__(self, clock: Clock) -> None:
        self.before = _Mark(clock)
        self.behind = _Mark(clock)

    def first_batch_seconds(self, *, resumed: bool) -> float:
        """Return how long the first step took, with the restore or without what came before the step."""
        start = self.before if resumed else self.behind
        return self.before.ended_seconds - start.began_seconds


class _Mark:
    """Notes when the first step begins and ends; a session's hook, though not a TensorFlow class."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = self._ended = False
        self.began_seconds = self.ended_seconds = 0.0

    def begin(self) -> None:
        """Add nothing to the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Leave the session as it is."""

    def before_run(self, run_context: Any) -> None:  # noqa: ARG002 - TensorFlow's signature
        """Note the beginning of the first step."""
        if not self._begun:
            self._begun, self.began_seconds = True, self._clock.monotonic()

    def after_run(self, run_context: Any, run_values: Any) -> None:  # noqa: ARG002 - TensorFlow's signature
        """Note the end of the first step."""
        if not self._ended:
            self._ended, self.ended_seconds = True, self._clock.monotonic()

    def end(self, session: Any) -> None:
        """Leave the session as it is."""
