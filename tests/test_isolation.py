"""Telemetry never hurts training: whatever happens to a sink, the last step is reached."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.dispatch import Limits, Sink
from observed_hooks.events import CheckpointSaved, Event, Record, RunEnded, RunStarted
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.sinks.memory import MemorySink
from tests.doubles import PATIENCE_SECONDS, AwaitedSink, Gate, HangingSink, RaisingSink
from tests.training import Hook, LosesSession, Stream, pair, train

STEPS = 10
SAVED = [0, 3, 6, 9, 10]

ERRORS = [
    ValueError("broken"),
    # Raised in a hook, these make MonitoredSession build a new session and roll back in silence,
    tf.errors.UnavailableError(None, None, "broken"),
    tf.errors.AbortedError(None, None, "broken"),
    # end training as if it had succeeded,
    tf.errors.OutOfRangeError(None, None, "broken"),
    StopIteration("broken"),
    # or end the process.
    SystemExit(3),
    KeyboardInterrupt("broken"),
]


def our_pair(directory: Path, bus: CheckpointBus) -> list[Hook]:
    return pair(directory, bus=bus)


def tensorflow_s_hook(directory: Path, bus: CheckpointBus) -> list[Hook]:
    listeners = [bus.listener("model")]
    return [
        tf.compat.v1.train.CheckpointSaverHook(str(directory), save_steps=3, listeners=listeners),
        CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus),
    ]


def train_watched_by(directory: Path, bus: CheckpointBus, make_hooks: Any = our_pair) -> Stream:
    """Train to the end, and see that no session was lost on the way."""
    sessions = LosesSession()
    stream = train(directory, *make_hooks(directory, bus), sessions, steps=STEPS)
    assert sessions.sessions == 1
    return stream


def saved(sink: MemorySink, kind: str) -> list[int]:
    return [event.step for event in sink.events(CheckpointSaved) if event.kind == kind]


UNHURT = {step: step - 1 for step in range(1, STEPS + 1)}


class TestASinkThatRaises:
    @pytest.mark.parametrize("make_hooks", [our_pair, tensorflow_s_hook])
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_costs_neither_training_nor_the_other_sinks_anything(
        self, tmp_path: Path, error: BaseException, make_hooks: Any
    ) -> None:
        broken, healthy = RaisingSink(error), MemorySink()
        bus = CheckpointBus([broken, healthy])
        stream = train_watched_by(tmp_path, bus, make_hooks)
        assert bus.close(PATIENCE_SECONDS)
        assert stream == UNHURT
        assert list(stream) == sorted(stream)
        assert saved(healthy, "model") == saved(healthy, "input_pipeline") == SAVED
        assert dict(bus.totals().failed)["raising"] == broken.tried + 1
        assert dict(bus.totals().failed)["memory"] == 0

    def test_is_logged_once_with_what_it_raised(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        bus = CheckpointBus([RaisingSink(OSError("no space left on device"))])
        train_watched_by(tmp_path, bus)
        bus.close(PATIENCE_SECONDS)
        (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert line.exc_info is not None
        assert str(line.exc_info[1]) == "no space left on device"

    def test_may_be_a_subscriber_as_well(self, tmp_path: Path) -> None:
        def raises(record: Record) -> None:
            raise tf.errors.OutOfRangeError(None, None, "broken")

        healthy = MemorySink()
        bus = CheckpointBus([healthy])
        bus.subscribe(raises)
        assert train_watched_by(tmp_path, bus) == UNHURT
        bus.close(PATIENCE_SECONDS)
        assert saved(healthy, "model") == SAVED

    def test_is_told_to_the_healthy_ones_while_training_goes_on(self, tmp_path: Path) -> None:
        from observed_hooks.sinks.prometheus import PrometheusSink

        prometheus = PrometheusSink()
        bus = CheckpointBus([RaisingSink(ValueError("broken")), prometheus], run="digits", task="worker-0")
        train_watched_by(tmp_path, bus)
        bus.close(PATIENCE_SECONDS)
        labels = {"run": "digits", "task": "worker-0", "sink": "raising"}
        counted = prometheus.registry.get_sample_value("observed_hooks_sink_errors_total", labels)
        assert counted is not None
        assert counted >= len(SAVED)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


class TestASinkThatHangs:
    def test_costs_neither_training_nor_the_other_sinks_anything(self, tmp_path: Path, gate: Gate) -> None:
        healthy = AwaitedSink()
        bus = CheckpointBus([HangingSink(gate), healthy])
        assert train_watched_by(tmp_path, bus) == UNHURT
        healthy.wait_for(RunEnded, 1)
        assert saved(healthy, "model") == saved(healthy, "input_pipeline") == SAVED

    def test_lets_the_bus_be_closed_within_its_bound_and_is_counted(self, tmp_path: Path, gate: Gate) -> None:
        bus = CheckpointBus([HangingSink(gate)])
        train_watched_by(tmp_path, bus)
        gate.wait_until_reached()
        assert not bus.close(0.05)
        assert dict(bus.totals().failed)["hanging"] == 1

    def test_loses_what_it_has_no_room_for_and_the_loss_is_counted(self, tmp_path: Path, gate: Gate) -> None:
        healthy = AwaitedSink()
        bus = CheckpointBus([HangingSink(gate), healthy], limits=Limits(queue_records=100))
        train_watched_by(tmp_path, bus)
        gate.wait_until_reached()
        for _ in range(15):
            for _ in range(10):
                bus.publish(RunEnded())
            bus.flush(0.01)
        healthy.wait_for(RunEnded, 150)
        assert dict(bus.totals().dropped)["hanging"] > 0
        assert dict(bus.totals().dropped)["memory"] == 0

    def test_does_not_come_between_two_trainings(self, tmp_path: Path, gate: Gate) -> None:
        healthy = AwaitedSink()
        bus = CheckpointBus([HangingSink(gate), healthy])
        for steps in (4, 8):
            train(tmp_path, *pair(tmp_path, bus=bus), steps=steps)
        healthy.wait_for(RunEnded, 2)
        assert len(healthy.events(RunStarted)) == 2


class TestMeasuring:
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_that_fails_costs_training_nothing(self, tmp_path: Path, error: BaseException) -> None:
        def measure(event: Event) -> Iterator[Event]:
            if isinstance(event, RunStarted | RunEnded):
                yield event
                return
            raise error

        sink = MemorySink()
        bus = CheckpointBus([sink], measure=measure)
        assert train_watched_by(tmp_path, bus) == UNHURT
        assert bus.close(PATIENCE_SECONDS)
        assert len(sink.events(RunEnded)) == 1
        assert dict(bus.totals().failed)["measure"] > 0


class TestABusClosedDuringTraining:
    def test_costs_training_nothing(self, tmp_path: Path) -> None:
        bus = CheckpointBus([MemorySink()])

        class ClosesTheBus(tf.compat.v1.train.SessionRunHook):
            def after_run(self, run_context: Any, run_values: Any) -> None:
                bus.close(PATIENCE_SECONDS)

        assert train(tmp_path, *pair(tmp_path, bus=bus), ClosesTheBus(), steps=STEPS) == UNHURT
        assert dict(bus.totals().dropped)["all"] > 0


def test_the_sinks_of_these_tests_are_sinks() -> None:
    sinks: list[Sink] = [RaisingSink(ValueError()), HangingSink(Gate()), AwaitedSink()]
    assert [callable(sink.write) for sink in sinks] == [True] * 3
