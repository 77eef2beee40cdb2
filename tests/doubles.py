"""Sinks that misbehave on command, and a worker's item that does."""

from __future__ import annotations

import threading

from observed_hooks.dispatch import Letter
from observed_hooks.events import Event, Record, RunEnded
from observed_hooks.sinks.memory import MemorySink

PATIENCE_SECONDS = 20.0
"""How long a test waits for something that happens at once, before it calls it a failure."""

EVENT = RunEnded()


def letter(event: Event = EVENT, *, time_seconds: float = 1.0) -> Letter:
    """What becomes `record` of the same arguments."""
    return ("digits", "worker-0", time_seconds, event)


def record(event: Event = EVENT, *, time_seconds: float = 1.0) -> Record:
    return Record(run="digits", task="worker-0", time_seconds=time_seconds, event=event)


class Gate:
    """Lets nobody through until it is opened, and tells when somebody stands before it."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    def pass_through(self, _item: object = None) -> None:
        self._reached.set()
        assert self._opened.wait(PATIENCE_SECONDS), "the test never opened the gate"

    def wait_until_reached(self) -> None:
        assert self._reached.wait(PATIENCE_SECONDS), "nobody came to the gate"

    def open(self) -> None:
        self._opened.set()


class HangingSink:
    """Takes a record and does not come back until its gate is opened."""

    name = "hanging"

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def write(self, record: Record) -> None:
        self._gate.pass_through()

    def close(self) -> None:
        """Holds nothing."""


class RaisingSink:
    """Raises on every record, and remembers how many it was given."""

    name = "raising"

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self.tried = 0

    def write(self, record: Record) -> None:
        self.tried += 1
        raise self._error

    def close(self) -> None:
        raise self._error


class AwaitedSink(MemorySink):
    """Lets a test wait until it has a certain number of events of one type."""

    def __init__(self) -> None:
        super().__init__()
        self._more = threading.Condition()

    def write(self, record: Record) -> None:
        super().write(record)
        with self._more:
            self._more.notify_all()

    def wait_for(self, kind: type[Event], count: int) -> None:
        with self._more:
            there = self._more.wait_for(lambda: len(self.events(kind)) >= count, PATIENCE_SECONDS)
        assert there, f"{len(self.events(kind))} of {count} events came"


class ClosingSink(MemorySink):
    """Counts how often it is closed, and what it had by then."""

    def __init__(self) -> None:
        super().__init__()
        self.had_when_closed: list[int] = []

    def close(self) -> None:
        self.had_when_closed.append(len(self.records))
