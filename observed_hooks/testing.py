"""Test doubles, for this package's tests and for those of its users: a clock that is set, a bus that remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from observed_hooks.bus import CheckpointBus
from observed_hooks.events import Event

EventType = TypeVar("EventType")


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, time_seconds: float = 1_700_000_000.0) -> None:
        """Show `time_seconds` since the epoch, and 0 on the monotonic clock."""
        self._start_seconds = time_seconds
        self._elapsed_seconds = 0.0

    def monotonic(self) -> float:
        """Seconds by which the clock has been advanced."""
        return self._elapsed_seconds

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._start_seconds + self._elapsed_seconds

    def advance(self, seconds: float) -> None:
        """Let `seconds` go by."""
        self._elapsed_seconds += seconds

    def jump(self, seconds: float) -> None:
        """Set the calendar forward or back, as an administrator would; the monotonic clock does not notice."""
        self._start_seconds += seconds


class RecordingBus(CheckpointBus):
    """A bus that keeps every published event, in order and at once: no sink, no thread, nothing measured."""

    def __init__(self) -> None:
        super().__init__(run="test", task="worker-0")
        self.published: list[Event] = []

    def publish(self, event: Event, *, time_seconds: float | None = None) -> None:  # noqa: ARG002 - when is not kept
        """Keep `event`."""
        self.published.append(event)

    def publish_later(self, make: Callable[[], Event | None]) -> None:
        """Keep the event that `make` returns, at once."""
        event = make()
        if event is not None:
            self.publish(event)

    def events(self, kind: type[EventType]) -> list[EventType]:
        """Return the published events of one type, in order."""
        return [event for event in self.published if isinstance(event, kind)]
