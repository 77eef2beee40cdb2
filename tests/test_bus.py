from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from observed_hooks.bus import CheckpointBus
from observed_hooks.dispatch import Limits
from observed_hooks.errors import BusClosedError, ConfigurationError
from observed_hooks.events import CheckpointSaved, Event, Record, RunEnded, RunStarted, SaveCompleted, SaveSkipped
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.testing import FakeClock
from tests.doubles import PATIENCE_SECONDS, ClosingSink, Gate, HangingSink

STARTED = RunStarted(version="1", tensorflow_version="2", mode="graph")
SKIPPED = SaveSkipped(kind="model", step=1, reason="an example")


def a_companion() -> Any:
    """Stands for whoever saves beside the model; the bus only keeps it."""
    return object()


class Bus:
    """A bus and what it has told, without its reports on itself."""

    def __init__(self) -> None:
        self.clock = FakeClock(time_seconds=1000.0)
        self.sink = MemorySink()
        self.bus = CheckpointBus([self.sink], task="worker-0", clock=self.clock)

    def told(self) -> list[Event]:
        assert self.bus.flush(PATIENCE_SECONDS)
        return [each.event for each in self.sink.records if isinstance(each.event, RunStarted | RunEnded | SaveSkipped)]


@pytest.fixture
def watched() -> Iterator[Bus]:
    watched = Bus()
    yield watched
    watched.bus.close(PATIENCE_SECONDS)


class TestPublish:
    def test_stamps_run_task_and_time(self) -> None:
        sink = MemorySink()
        clock = FakeClock(time_seconds=1000.0)
        bus = CheckpointBus([sink], run="digits", task="chief-0", clock=clock)
        clock.advance(5.0)
        bus.publish(SKIPPED)
        bus.close(PATIENCE_SECONDS)
        assert sink.records[0] == Record(run="digits", task="chief-0", time_seconds=1005.0, event=SKIPPED)

    def test_the_task_comes_from_the_environment_unless_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker", "index": 1}}')
        sink = MemorySink()
        bus = CheckpointBus([sink])
        bus.publish(SKIPPED)
        bus.close(PATIENCE_SECONDS)
        assert sink.records[0].task == "worker-1"

    def test_sizes_are_measured_before_the_sinks_see_a_save(self, watched: Bus) -> None:
        watched.bus.publish(
            SaveCompleted(
                kind="model",
                step=1,
                prefix="/nowhere/m-1",
                duration_seconds=1.0,
                stall_seconds=1.0,
                write_seconds=1.0,
            )
        )
        watched.bus.flush(PATIENCE_SECONDS)
        assert len(watched.sink.events(CheckpointSaved)) == 1
        assert watched.sink.events(SaveCompleted) == []

    def test_never_waits_for_a_sink(self) -> None:
        gate = Gate()
        bus = CheckpointBus([HangingSink(gate)], limits=Limits(queue_records=3))
        for _ in range(100):
            bus.publish(SKIPPED)
        gate.open()
        bus.close(PATIENCE_SECONDS)

    def test_loses_nothing_when_several_threads_publish(self, watched: Bus) -> None:
        def publish() -> None:
            for _ in range(50):
                watched.bus.publish(SKIPPED)

        threads = [threading.Thread(target=publish) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(watched.told()) == 200

    def test_without_a_thread_to_hand_it_to_training_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        bus = CheckpointBus([MemorySink()])
        with monkeypatch.context() as exhausted:
            exhausted.setattr(threading.Thread, "start", refuse)
            bus.publish(SKIPPED)
        bus.close(0.0)


class TestPublishLater:
    def test_tells_what_is_made_on_another_thread_in_its_turn_and_with_the_time_of_the_call(self) -> None:
        sink, threads = MemorySink(), []
        clock = FakeClock(time_seconds=1000.0)
        bus = CheckpointBus([sink], run="digits", task="chief-0", clock=clock)

        def make() -> Event:
            threads.append(threading.current_thread())
            clock.advance(1.0)
            return SKIPPED

        bus.publish(STARTED)
        bus.publish_later(make)
        bus.publish(RunEnded())
        bus.close(PATIENCE_SECONDS)
        told = [each for each in sink.records if isinstance(each.event, RunStarted | SaveSkipped | RunEnded)]
        assert [type(each.event) for each in told] == [RunStarted, SaveSkipped, RunEnded]
        assert told[1] == Record(run="digits", task="chief-0", time_seconds=1000.0, event=SKIPPED)
        assert threads[0] is not threading.current_thread()

    def test_tells_nothing_when_there_is_nothing_to_tell(self, watched: Bus) -> None:
        watched.bus.publish_later(lambda: None)
        assert watched.told() == []

    def test_counts_what_cannot_be_made_and_goes_on(self, watched: Bus) -> None:
        def fail() -> Event:
            raise ValueError("an example")

        watched.bus.publish_later(fail)
        watched.bus.publish(SKIPPED)
        assert watched.told() == [SKIPPED]
        assert ("measure", 1) in watched.bus.totals().failed

    def test_makes_nothing_on_a_closed_bus(self, watched: Bus) -> None:
        watched.bus.close(PATIENCE_SECONDS)
        made: list[Event] = []
        watched.bus.publish_later(lambda: made.append(SKIPPED))
        assert made == []
        assert ("all", 1) in watched.bus.totals().dropped


class TestSubscribe:
    def test_calls_back_with_every_record_from_now_on(self, watched: Bus) -> None:
        heard: list[Event] = []
        watched.bus.publish(STARTED)
        watched.bus.flush(PATIENCE_SECONDS)
        watched.bus.subscribe(lambda record: heard.append(record.event))
        watched.bus.publish(SKIPPED)
        watched.bus.flush(PATIENCE_SECONDS)
        assert heard == [SKIPPED]

    def test_a_callback_that_raises_is_counted_under_its_name(self, watched: Bus) -> None:
        def divide_by_zero(_: Record) -> float:
            return 1 / 0

        watched.bus.subscribe(divide_by_zero)
        watched.bus.publish(SKIPPED)
        watched.bus.flush(PATIENCE_SECONDS)
        failed = {name: count for name, count in watched.bus.totals().failed if "divide_by_zero" in name}
        assert sum(failed.values()) >= 1
        assert watched.told() == [SKIPPED]

    def test_is_refused_by_a_closed_bus(self, watched: Bus) -> None:
        watched.bus.close()
        with pytest.raises(BusClosedError, match="make a new one"):
            watched.bus.subscribe(print)


class TestRun:
    def test_begins_with_the_first_to_join_and_ends_with_the_last_to_leave(self, watched: Bus) -> None:
        graph = object()
        watched.bus.join("model", "/runs/digits", graph, STARTED)
        watched.bus.join("input_pipeline", "/runs/digits", graph, STARTED)
        watched.bus.leave("input_pipeline")
        assert watched.told() == [STARTED]
        watched.bus.leave("model")
        assert watched.told() == [STARTED, RunEnded()]

    def test_begins_again_with_another_graph_although_the_last_one_died(self, watched: Bus) -> None:
        watched.bus.join("model", "/runs/digits", object(), STARTED)
        watched.bus.join("model", "/runs/digits", object(), STARTED)
        assert watched.told() == [STARTED, STARTED]

    def test_ends_once_although_left_twice(self, watched: Bus) -> None:
        watched.bus.join("model", "/runs/digits", object(), STARTED)
        watched.bus.leave("model")
        watched.bus.leave("model")
        assert watched.told() == [STARTED, RunEnded()]

    def test_is_named_after_the_first_directory_unless_told(self, watched: Bus) -> None:
        watched.bus.join("model", "/runs/digits/", object(), STARTED)
        watched.bus.join("input_pipeline", "/elsewhere", object(), STARTED)
        assert watched.bus.run == "digits"

    def test_keeps_the_name_it_was_given(self) -> None:
        bus = CheckpointBus(run="digits")
        bus.join("model", "/runs/else", object(), STARTED)
        assert bus.run == "digits"
        bus.close()

    def test_knows_who_has_joined(self, watched: Bus) -> None:
        watched.bus.join("model", None, object(), STARTED)
        assert watched.bus.has_joined("model")
        assert not watched.bus.has_joined("input_pipeline")
        watched.bus.leave("model")
        assert not watched.bus.has_joined("model")


class TestCompanions:
    def test_the_newest_of_one_name_counts(self, watched: Bus) -> None:
        first, second, other = a_companion(), a_companion(), a_companion()
        for name, companion in (("input", first), ("other", other), ("input", second)):
            watched.bus.accompany(name, companion)
        assert list(watched.bus.companions) == [second, other]

    def test_those_of_a_training_that_died_are_not_called_in_the_next(self, watched: Bus) -> None:
        watched.bus.join("input_pipeline", None, object(), STARTED)
        watched.bus.accompany("input", a_companion())
        watched.bus.join("model", None, object(), STARTED)
        assert watched.bus.companions == ()

    def test_they_stay_until_the_last_has_left(self, watched: Bus) -> None:
        graph = object()
        watched.bus.join("input_pipeline", None, graph, STARTED)
        watched.bus.join("model", None, graph, STARTED)
        watched.bus.accompany("input", a_companion())
        watched.bus.leave("input_pipeline")
        assert len(watched.bus.companions) == 1
        watched.bus.leave("model")
        assert len(watched.bus.companions) == 0


class TestListener:
    def test_is_refused_for_a_kind_that_does_not_exist(self, watched: Bus) -> None:
        with pytest.raises(ConfigurationError, match="model, input_pipeline, got 'models'"):
            watched.bus.listener("models")  # type: ignore[arg-type]

    def test_is_refused_a_basename_without_its_directory(self, watched: Bus) -> None:
        with pytest.raises(ConfigurationError, match="without checkpoint_dir"):
            watched.bus.listener("model", checkpoint_basename="m.ckpt")

    def test_is_refused_by_a_closed_bus(self, watched: Bus) -> None:
        watched.bus.close()
        with pytest.raises(BusClosedError):
            watched.bus.listener("model")


class TestClose:
    def test_the_sinks_have_everything_and_are_closed_once_however_often_it_is_called(self) -> None:
        sink = ClosingSink()
        bus = CheckpointBus([sink])
        bus.publish(SKIPPED)
        assert bus.close(PATIENCE_SECONDS)
        assert bus.close(PATIENCE_SECONDS)
        assert bus.closed
        assert sink.events(SaveSkipped) == [SKIPPED]
        assert len(sink.had_when_closed) == 1

    def test_what_is_published_afterwards_is_dropped_counted_and_warned_of_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        bus = CheckpointBus(run="digits")
        bus.close()
        bus.publish(SKIPPED)
        bus.publish(SKIPPED)
        assert dict(bus.totals().dropped)["all"] == 2
        (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert "digits" in line.getMessage()
        assert "SaveSkipped" in line.getMessage()

    def test_flushing_afterwards_waits_for_nothing(self) -> None:
        bus = CheckpointBus([MemorySink()])
        bus.publish(SKIPPED)
        assert bus.close(PATIENCE_SECONDS)
        assert bus.flush(PATIENCE_SECONDS)

    def test_what_is_published_while_it_closes_is_handed_on_or_counted(self) -> None:
        sink = MemorySink()
        bus = CheckpointBus([sink])
        published = 0
        begun = threading.Event()
        closed = threading.Event()

        def publish() -> None:
            nonlocal published
            while not closed.is_set() or published < 100:
                bus.publish(SKIPPED)
                published += 1
                begun.set()

        thread = threading.Thread(target=publish)
        thread.start()
        assert begun.wait(PATIENCE_SECONDS)
        bus.close(PATIENCE_SECONDS)
        closed.set()
        thread.join(PATIENCE_SECONDS)
        lost = dict(bus.totals().dropped)
        # What the sink lost may also be a report of the bus on itself.
        assert len(sink.events(SaveSkipped)) + lost["all"] + lost["memory"] >= published

    def test_returns_within_its_bound_when_a_sink_hangs(self) -> None:
        gate = Gate()
        bus = CheckpointBus([HangingSink(gate)])
        bus.publish(SKIPPED)
        gate.wait_until_reached()
        assert not bus.close(0.05)
        gate.open()

    def test_a_bus_that_nobody_used_has_no_threads_and_goes_when_it_is_let_go(self) -> None:
        before = set(threading.enumerate())
        bus = CheckpointBus([MemorySink()])
        gone = weakref.ref(bus)
        assert set(threading.enumerate()) == before
        del bus
        gc.collect()
        assert gone() is None


class TestTwoBuses:
    def test_do_not_hear_each_other(self) -> None:
        sinks = [MemorySink(), MemorySink()]
        buses = [CheckpointBus([sink]) for sink in sinks]
        buses[0].publish(SKIPPED)
        for bus in buses:
            bus.close(PATIENCE_SECONDS)
        assert [len(sink.events(SaveSkipped)) for sink in sinks] == [1, 0]
