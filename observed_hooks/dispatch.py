"""From one record to every sink: measured once, then handed to each sink on a thread of its own.

Order: every sink gets the records in the order in which they were published. What is inside a checkpoint takes longer
to find out, and comes some time behind its save.
Threads: one measures and fans out, one looks into checkpoints, one serves each sink. A sink that hangs on a dead file
system holds up neither training nor the other sinks: Prometheus still pages while TensorBoard's disk does not answer.
Failure: whatever a sink raises is caught, counted, and logged the first time; it gets the next record all the same. A
sink that falls behind loses the newest records, counted. The counts travel to the sinks as an `ObserverReport`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from observed_hooks.clock import Clock
from observed_hooks.events import CheckpointSaved, Event, Record, RunEnded, RunStarted
from observed_hooks.tally import ALL_SINKS, INSIDE_STAGE, MEASURE_STAGE, Tally
from observed_hooks.worker import Worker

log = logging.getLogger("observed_hooks")

Measure = Callable[[Event], Iterable[Event]]

Letter: TypeAlias = tuple[str, str, float, Event | Callable[[], Event | None]]
"""Run, task, seconds since the epoch, and the event or what makes it.

A `Record` to be: a tuple is made in a third of the time, and the training thread makes it.
"""


class Sink(Protocol):
    """Where records go. All calls come on one thread; a sink may raise anything."""

    def write(self, record: Record) -> None:
        """Take one record."""
        ...

    def close(self) -> None:
        """Take no more. Called once, behind the last record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the observer may hold, and how long it waits."""

    queue_records: int = 1000
    """Records waiting for measurement, and for each sink; more are dropped and counted."""
    patience_seconds: float = 10.0
    """A sink that is busy with one record for longer counts as failed once for that record."""
    report_every_seconds: float = 10.0
    """How often the observer's own cost is told to the sinks, at most, when nothing went wrong."""


class Lane:
    """One sink with its queue, its thread and its guard."""

    def __init__(self, sink: Sink, name: str, tally: Tally, clock: Clock, limits: Limits) -> None:
        """Serve `sink`, counted under `name`."""
        self.name = name
        self._sink = sink
        self._tally = tally
        self._clock = clock
        self._patience_seconds = limits.patience_seconds
        self._overdue = False
        self._worker = Worker[Record | None](
            self._handle,
            name=f"observed_hooks-{name}",
            capacity=limits.queue_records,
            on_error=self._failed,
            monotonic=clock.monotonic,
        )
        tally.expect(name)

    def put(self, record: Record) -> None:
        """Queue `record` for the sink; drop and count it when the sink is too far behind."""
        self._look_after(self._patience_seconds)
        if not self._worker.put(record):
            self._tally.dropped(self.name)

    def flush(self, timeout: float) -> bool:
        """Wait until the sink has what was put; a sink that keeps us waiting is counted as failed."""
        return self._worker.flush(timeout) or self._late(timeout)

    def close(self, timeout: float) -> bool:
        """Close the sink behind its last record, and end its thread."""
        self._worker.put(None)
        return self._worker.close(timeout) or self._late(timeout)

    def _handle(self, record: Record | None) -> None:
        start = self._clock.monotonic()
        self._overdue = False
        try:
            self._sink.close() if record is None else self._sink.write(record)
        finally:
            self._tally.spent(self.name, self._clock.monotonic() - start)

    def _failed(self, _record: Record | None, error: BaseException) -> None:
        if self._tally.failed(self.name) == 1:
            log.warning("Sink %s failed; training and the other sinks go on.", self.name, exc_info=error)

    def _late(self, waited_seconds: float) -> bool:
        if waited_seconds > 0:  # otherwise another sink has used up the time, and nothing is known of this one
            self._look_after(min(waited_seconds, self._patience_seconds))
        return False

    def _look_after(self, patience_seconds: float) -> None:
        busy_seconds = self._worker.busy_seconds
        if busy_seconds < patience_seconds or busy_seconds == 0 or self._overdue:
            return
        self._overdue = True
        if self._tally.failed(self.name) == 1:
            log.warning("Sink %s does not answer; training and the other sinks go on.", self.name)


class Dispatcher:
    """Measures records and hands them to the lanes. Threads start with the first record."""

    def __init__(self, measure: Measure, clock: Clock, limits: Limits, look: Measure | None = None) -> None:
        """Pass every event through `measure`, once, before the sinks see it.

        Args:
            measure: turns an event into those that the sinks get.
            clock: the clocks to use.
            limits: queue length and patience with slow sinks.
            look: says more of a `CheckpointSaved`, on a thread of its own, behind it: this may take its time.
        """
        self.tally = Tally()
        self._measure = measure
        self._look = look
        self._clock = clock
        self._limits = limits
        self._lanes: tuple[Lane, ...] = ()
        self._lanes_lock = threading.Lock()
        self._last: Record | None = None
        self._report_due_seconds = 0.0
        self._failures_told = 0
        self._worker = Worker[Letter](
            self._take,
            name="observed_hooks-bus",
            capacity=limits.queue_records,
            on_error=self._unmeasured,
            monotonic=clock.monotonic,
        )
        self._insider = Worker[Record](
            self._look_inside,
            name="observed_hooks-inside",
            capacity=limits.queue_records,
            on_error=self._unmeasured,
            monotonic=clock.monotonic,
        )

    def add(self, sink: Sink) -> None:
        """Serve one more sink, from the next record on."""
        with self._lanes_lock:
            name = _unique(str(getattr(sink, "name", type(sink).__name__)), {lane.name for lane in self._lanes})
            self._lanes = (*self._lanes, Lane(sink, name, self.tally, self._clock, self._limits))

    def put(self, letter: Letter) -> None:
        """Take one event for all sinks: never blocks, never raises. Without a sink nothing is measured or started."""
        if self._lanes and not self._worker.put(letter):
            self.tally.dropped(ALL_SINKS)

    def refuse(self) -> int:
        """Count a record that comes after `close`; return how many records found no way in."""
        return self.tally.dropped(ALL_SINKS)

    def flush(self, timeout: float) -> bool:
        """Wait until the sinks have all that was put; tell whether they have within `timeout` seconds."""
        deadline = self._clock.monotonic() + timeout
        done = [self._worker.flush(timeout), self._insider.flush(deadline - self._clock.monotonic())]
        done += [lane.flush(deadline - self._clock.monotonic()) for lane in self._lanes]
        return all(done)

    def close(self, timeout: float) -> bool:
        """Flush, tell the sinks the last counts, close them and end all threads, as far as `timeout` seconds allow."""
        deadline = self._clock.monotonic() + timeout
        done = self.flush(timeout)
        self._worker.close(0.0)
        self._insider.close(0.0)
        if self._last is not None:
            self._hand_out(replace(self._last, event=self.tally.unreported()))
        closed = [lane.close(deadline - self._clock.monotonic()) for lane in self._lanes]
        return done and all(closed)

    def _take(self, letter: Letter) -> None:
        run, task, time_seconds, content = letter
        event = self._made(content) if callable(content) else content
        if event is not None:
            self._fan_out(Record(run=run, task=task, time_seconds=time_seconds, event=event))

    def _made(self, make: Callable[[], Event | None]) -> Event | None:
        start = self._clock.monotonic()
        try:
            return make()
        finally:
            self.tally.spent(MEASURE_STAGE, self._clock.monotonic() - start)

    def _fan_out(self, record: Record) -> None:
        self._last = record
        start = self._clock.monotonic()
        try:
            events = tuple(self._measure(record.event))
        finally:
            self.tally.spent(MEASURE_STAGE, self._clock.monotonic() - start)
        for event in events:
            self._hand_out(replace(record, event=event))
            if isinstance(event, CheckpointSaved) and self._look is not None:
                self._insider.put(replace(record, event=event))
        self._report(record)

    def _look_inside(self, record: Record) -> None:
        # What it spends of the processor: most of the time it sleeps, to leave that to training.
        start = time.thread_time()
        try:
            for event in self._look(record.event) if self._look is not None else ():
                self._hand_out(replace(record, event=event))
        finally:
            self.tally.spent(INSIDE_STAGE, time.thread_time() - start)

    def _hand_out(self, record: Record) -> None:
        for lane in self._lanes:
            lane.put(record)

    def _unmeasured(self, _item: object, error: BaseException) -> None:
        if self.tally.failed(MEASURE_STAGE) == 1:
            log.warning("A record could not be measured and is lost; training goes on.", exc_info=error)

    def _report(self, record: Record) -> None:
        """Tell the sinks what watching cost: at the run's start and end, after a failure, and now and then."""
        report = self.tally.total()
        failures = sum(count for _, count in (*report.failed, *report.dropped))
        now = self._clock.monotonic()
        edge = isinstance(record.event, RunStarted | RunEnded)
        if edge or failures > self._failures_told or now >= self._report_due_seconds:
            self._failures_told = failures
            self._report_due_seconds = now + self._limits.report_every_seconds
            self._hand_out(replace(record, event=self.tally.unreported()))


def _unique(name: str, taken: set[str]) -> str:
    """Return `name`, or the first of `name-2`, `name-3`, ... that is free."""
    candidates = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 2))]
    return next(candidate for candidate in candidates if candidate not in taken)
