from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator

import pytest

from observed_hooks.dispatch import Dispatcher, Lane, Limits, Measure, Sink
from observed_hooks.events import Event, ObserverReport, RunEnded, RunStarted, SaveSkipped
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.tally import Tally
from observed_hooks.testing import FakeClock
from tests.doubles import PATIENCE_SECONDS, AwaitedSink, ClosingSink, Gate, HangingSink, RaisingSink, letter, record

STARTED = RunStarted(version="1", tensorflow_version="2", mode="graph")


def skipped(step: int) -> SaveSkipped:
    return SaveSkipped(kind="model", step=step, reason="an example")


def as_it_is(event: Event) -> Iterable[Event]:
    yield event


def steps(sink: MemorySink) -> list[int]:
    return [event.step for event in sink.events(SaveSkipped)]


def reports(sink: MemorySink) -> list[ObserverReport]:
    return sink.events(ObserverReport)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


Start = Callable[..., Dispatcher]


@pytest.fixture
def start(clock: FakeClock) -> Iterator[Start]:
    """Makes a dispatcher with sinks; it is closed when the test is over."""
    started: list[Dispatcher] = []

    def make(*sinks: Sink, measure: Measure = as_it_is, limits: Limits | None = None) -> Dispatcher:
        dispatcher = Dispatcher(measure, clock, limits or Limits())
        for sink in sinks:
            dispatcher.add(sink)
        started.append(dispatcher)
        return dispatcher

    yield make
    for dispatcher in started:
        dispatcher.close(0.0)


class TestFanOut:
    def test_every_sink_gets_every_record_in_the_order_of_publishing(self, start: Start) -> None:
        sinks = [MemorySink(), MemorySink()]
        dispatcher = start(*sinks)
        for step in range(20):
            dispatcher.put(letter(skipped(step)))
        assert dispatcher.flush(PATIENCE_SECONDS)
        assert [steps(sink) for sink in sinks] == [list(range(20))] * 2

    def test_an_event_is_measured_once_whatever_the_number_of_sinks(self, start: Start) -> None:
        measured: list[Event] = []

        def measure(event: Event) -> Iterable[Event]:
            measured.append(event)
            return [event]

        dispatcher = start(MemorySink(), MemorySink(), MemorySink(), measure=measure)
        dispatcher.put(letter(skipped(1)))
        dispatcher.flush(PATIENCE_SECONDS)
        assert measured == [skipped(1)]

    def test_measuring_may_turn_one_event_into_several_of_the_same_origin(self, start: Start) -> None:
        sink = MemorySink()
        dispatcher = start(sink, measure=lambda _: [skipped(1), skipped(2)])
        dispatcher.put(letter(RunEnded(), time_seconds=42.0))
        dispatcher.flush(PATIENCE_SECONDS)
        found = [each for each in sink.records if isinstance(each.event, SaveSkipped)]
        assert found == [record(skipped(step), time_seconds=42.0) for step in (1, 2)]

    def test_a_sink_added_later_gets_what_comes_from_then_on(self, start: Start) -> None:
        early, late = MemorySink(), MemorySink()
        dispatcher = start(early)
        dispatcher.put(letter(skipped(1)))
        dispatcher.flush(PATIENCE_SECONDS)
        dispatcher.add(late)
        dispatcher.put(letter(skipped(2)))
        dispatcher.flush(PATIENCE_SECONDS)
        assert (steps(early), steps(late)) == ([1, 2], [2])

    def test_an_event_that_cannot_be_measured_is_counted_logged_once_and_the_next_follows(
        self, start: Start, caplog: pytest.LogCaptureFixture
    ) -> None:
        def measure(event: Event) -> Iterable[Event]:
            if event != skipped(3):
                raise PermissionError("no")
            return [event]

        sink = MemorySink()
        dispatcher = start(sink, measure=measure)
        for step in (1, 2, 3):
            dispatcher.put(letter(skipped(step)))
        dispatcher.flush(PATIENCE_SECONDS)
        assert steps(sink) == [3]
        assert dict(dispatcher.tally.total().failed)["measure"] == 2
        assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) == 1


class TestWithoutSinks:
    def test_nothing_is_measured_and_no_thread_is_started(self, start: Start) -> None:
        measured: list[Event] = []

        def measure(event: Event) -> Iterable[Event]:
            measured.append(event)
            return [event]

        before = set(threading.enumerate())
        dispatcher = start(measure=measure)
        dispatcher.put(letter(skipped(1)))
        assert dispatcher.flush(PATIENCE_SECONDS)
        assert measured == []
        assert set(threading.enumerate()) <= before


class TestFailingSink:
    def test_costs_the_other_sinks_nothing(self, start: Start) -> None:
        broken, healthy = RaisingSink(ValueError("broken")), MemorySink()
        dispatcher = start(broken, healthy)
        for step in range(5):
            dispatcher.put(letter(skipped(step)))
        dispatcher.flush(PATIENCE_SECONDS)
        assert steps(healthy) == list(range(5))
        assert broken.tried >= 5

    def test_is_counted_each_time_and_logged_once(self, start: Start, caplog: pytest.LogCaptureFixture) -> None:
        broken = RaisingSink(ValueError("broken"))
        dispatcher = start(broken)
        for step in range(5):
            dispatcher.put(letter(skipped(step)))
        dispatcher.flush(PATIENCE_SECONDS)
        assert dict(dispatcher.tally.total().failed)["raising"] == broken.tried
        (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert "raising" in line.getMessage()
        assert line.exc_info is not None
        assert line.exc_info[0] is ValueError

    def test_two_of_one_name_are_told_apart(self, start: Start) -> None:
        dispatcher = start(MemorySink(), MemorySink(), MemorySink())
        names = [name for name, _ in dispatcher.tally.total().failed]
        assert sorted(names) == ["measure", "memory", "memory-2", "memory-3"]

    def test_a_sink_that_raises_from_close_is_counted_and_the_others_are_closed(self, start: Start) -> None:
        broken, healthy = RaisingSink(OSError("broken")), ClosingSink()
        dispatcher = start(broken, healthy)
        dispatcher.put(letter(skipped(1)))
        assert dispatcher.close(PATIENCE_SECONDS)
        assert dict(dispatcher.tally.total().failed)["raising"] == broken.tried + 1
        assert len(healthy.had_when_closed) == 1


class TestHangingSink:
    def test_holds_up_no_other_sink(self, start: Start, gate: Gate) -> None:
        healthy = AwaitedSink()
        dispatcher = start(HangingSink(gate), healthy)
        for step in range(5):
            dispatcher.put(letter(skipped(step)))
        healthy.wait_for(SaveSkipped, 5)
        assert steps(healthy) == list(range(5))

    def test_counts_as_failed_once_for_each_record_that_outlasts_our_patience(
        self, clock: FakeClock, gate: Gate, caplog: pytest.LogCaptureFixture
    ) -> None:
        tally = Tally()
        lane = Lane(HangingSink(gate), "hanging", tally, clock, Limits(patience_seconds=10.0))
        lane.put(record())
        gate.wait_until_reached()
        clock.advance(9.0)
        lane.put(record())
        assert dict(tally.total().failed)["hanging"] == 0
        clock.advance(2.0)
        for _ in range(3):
            lane.put(record())
        assert dict(tally.total().failed)["hanging"] == 1
        assert [each.getMessage() for each in caplog.records if "does not answer" in each.getMessage()] != []

    def test_that_keeps_a_flush_waiting_counts_as_failed(self, clock: FakeClock, gate: Gate) -> None:
        tally = Tally()
        lane = Lane(HangingSink(gate), "hanging", tally, clock, Limits(patience_seconds=10.0))
        lane.put(record())
        gate.wait_until_reached()
        clock.advance(0.5)
        assert not lane.flush(0.01)
        assert dict(tally.total().failed)["hanging"] == 1

    @pytest.mark.parametrize("left_seconds", [0.0, -3.0])
    def test_one_that_was_given_no_time_is_not_blamed_for_another_that_used_it_up(
        self, clock: FakeClock, gate: Gate, left_seconds: float
    ) -> None:
        tally = Tally()
        lane = Lane(HangingSink(gate), "busy", tally, clock, Limits())
        lane.put(record())
        gate.wait_until_reached()
        clock.advance(0.001)
        assert not lane.flush(left_seconds)
        assert dict(tally.total().failed)["busy"] == 0

    def test_drops_and_counts_what_does_not_fit_its_queue(self, clock: FakeClock, gate: Gate) -> None:
        tally = Tally()
        lane = Lane(HangingSink(gate), "hanging", tally, clock, Limits(queue_records=2))
        lane.put(record())
        gate.wait_until_reached()
        for _ in range(5):
            lane.put(record())
        assert dict(tally.total().dropped)["hanging"] == 3


class TestBackpressure:
    def test_a_full_queue_before_the_measuring_drops_the_newest_and_counts_it_for_all_sinks(
        self, start: Start, gate: Gate
    ) -> None:
        measured: list[Event] = []

        def measure(event: Event) -> Iterable[Event]:
            gate.pass_through()
            measured.append(event)
            return [event]

        dispatcher = start(MemorySink(), measure=measure, limits=Limits(queue_records=2))
        dispatcher.put(letter(skipped(0)))
        gate.wait_until_reached()
        for step in range(1, 6):
            dispatcher.put(letter(skipped(step)))
        gate.open()
        dispatcher.flush(PATIENCE_SECONDS)
        assert measured == [skipped(step) for step in (0, 1, 2)]
        assert dict(dispatcher.tally.total().dropped)["all"] == 3


class TestReports:
    def test_the_first_record_is_followed_by_one_with_every_sink_at_zero(self, start: Start) -> None:
        sink = MemorySink()
        dispatcher = start(sink)
        dispatcher.put(letter(STARTED))
        dispatcher.flush(PATIENCE_SECONDS)
        (told,) = reports(sink)
        assert dict(told.failed) == {"measure": 0, "memory": 0}
        assert dict(told.dropped) == {"all": 0, "memory": 0}

    def test_nothing_is_told_again_before_its_time(self, start: Start, clock: FakeClock) -> None:
        sink = MemorySink()
        dispatcher = start(sink, limits=Limits(report_every_seconds=10.0))
        for seconds in (0.0, 9.0, 2.0, 1.0):
            clock.advance(seconds)
            dispatcher.put(letter(skipped(1)))
            dispatcher.flush(PATIENCE_SECONDS)
        assert len(reports(sink)) == 2

    def test_a_failure_is_told_with_the_next_record(self, start: Start) -> None:
        sink = MemorySink()
        dispatcher = start(RaisingSink(ValueError("broken")), sink)
        for step in (1, 2):
            dispatcher.put(letter(skipped(step)))
            dispatcher.flush(PATIENCE_SECONDS)
        assert sum(dict(told.failed)["raising"] for told in reports(sink)) > 0

    def test_the_end_of_a_run_is_told_at_once(self, start: Start) -> None:
        sink = MemorySink()
        dispatcher = start(sink)
        for event in (skipped(1), RunEnded()):
            dispatcher.put(letter(event))
        dispatcher.flush(PATIENCE_SECONDS)
        assert isinstance(sink.records[-1].event, ObserverReport)
        assert isinstance(sink.records[-2].event, RunEnded)

    def test_the_sum_of_all_is_the_total_when_the_dispatcher_is_closed(self, start: Start) -> None:
        sink = MemorySink()
        dispatcher = start(RaisingSink(ValueError("broken")), sink)
        for step in range(4):
            dispatcher.put(letter(skipped(step)))
        dispatcher.flush(PATIENCE_SECONDS)
        failures = dict(dispatcher.tally.total().failed)["raising"]
        dispatcher.close(PATIENCE_SECONDS)
        assert sum(dict(told.failed)["raising"] for told in reports(sink)) >= failures >= 4


class TestClose:
    def test_closes_each_sink_once_behind_its_last_record(self, start: Start) -> None:
        sink = ClosingSink()
        dispatcher = start(sink)
        for step in range(3):
            dispatcher.put(letter(skipped(step)))
        assert dispatcher.close(PATIENCE_SECONDS)
        assert sink.had_when_closed == [len(sink.records)]
        assert steps(sink) == [0, 1, 2]

    def test_closes_a_sink_that_never_got_a_record(self, start: Start) -> None:
        sink = ClosingSink()
        assert start(sink).close(PATIENCE_SECONDS)
        assert sink.had_when_closed == [0]

    def test_tells_that_it_could_not_wait_for_a_sink_that_hangs(self, start: Start, gate: Gate) -> None:
        dispatcher = start(HangingSink(gate))
        dispatcher.put(letter(skipped(1)))
        gate.wait_until_reached()
        assert not dispatcher.close(0.01)
