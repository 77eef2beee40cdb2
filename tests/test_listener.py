from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.events import (
    CheckpointingStarted,
    Kind,
    RunEnded,
    RunStarted,
    SaveCompleted,
    SaveFailed,
)
from observed_hooks.hooks.model import CheckpointSaverHook
from observed_hooks.sinks.jsonl import JsonlSink, read_jsonl
from observed_hooks.testing import FakeClock, RecordingBus
from tests.doubles import PATIENCE_SECONDS
from tests.training import LosesSession, build, session, train

if TYPE_CHECKING:
    import pytest

Stock = tf.compat.v1.train.CheckpointSaverHook


def watched(directory: Path, bus: CheckpointBus, kind: Kind = "model", **options: Any) -> Any:
    """A hook of TensorFlow's own that saves every 3 steps, and whose saves are told on `bus`."""
    return Stock(str(directory), save_steps=3, listeners=[bus.listener(kind, **options)])


class TestASave:
    def test_is_told_once_with_its_step_and_prefix(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, watched(tmp_path, bus), steps=4)
        assert [(event.step, event.prefix) for event in bus.events(SaveCompleted)] == [
            (step, str(tmp_path / f"model.ckpt-{step}")) for step in (0, 3, 4)
        ]

    def test_has_a_step_that_every_sink_can_write(self, tmp_path: Path) -> None:
        bus = CheckpointBus([JsonlSink(tmp_path / "events.jsonl")])
        train(tmp_path, watched(tmp_path, bus), steps=4)
        bus.close(PATIENCE_SECONDS)
        assert dict(bus.totals().failed)["jsonl"] == 0
        lines = list(read_jsonl(tmp_path / "events.jsonl"))
        assert [line["step"] for line in lines if line["event"] == "CheckpointSaved"] == [0, 3, 4]
        assert [line["step"] for line in lines if line["event"] == "CheckpointingStarted"] == [0]

    def test_lasts_from_the_listener_s_before_save_to_its_after_save(self, tmp_path: Path) -> None:
        clock = FakeClock()

        class TakesTwoSeconds(tf.compat.v1.train.CheckpointSaverListener):
            def before_save(self, session: Any, global_step_value: Any) -> None:
                clock.advance(2.0)

        bus = RecordingBus()
        bus._clock = clock
        hook = Stock(str(tmp_path), save_steps=3, listeners=[bus.listener("model"), TakesTwoSeconds()])
        train(tmp_path, hook, steps=3)
        assert {(event.duration_seconds, event.stall_seconds) for event in bus.events(SaveCompleted)} == {(2.0, 2.0)}

    def test_is_found_where_the_listener_was_told_to_look(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        hook = watched(tmp_path, bus, checkpoint_dir=str(tmp_path), checkpoint_basename="other.ckpt")
        train(tmp_path, hook, steps=3)
        assert bus.events(SaveCompleted)[-1].prefix == str(tmp_path / "other.ckpt-3")

    def test_of_the_input_pipeline_has_its_own_basename(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, watched(tmp_path, bus, "input_pipeline", checkpoint_dir=str(tmp_path)), steps=3)
        (last,) = bus.events(SaveCompleted)[-1:]
        assert (last.kind, last.prefix) == ("input_pipeline", str(tmp_path / "input.ckpt-3"))

    def test_has_no_prefix_rather_than_that_of_another_step(self, tmp_path: Path) -> None:
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3), steps=3)
        bus = RecordingBus()
        with tf.Graph().as_default():
            fetches = build()
            elsewhere, saver = tf.compat.v1.train.Saver(), tf.compat.v1.train.Saver()
            tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.SAVERS, saver)
            listeners = [bus.listener("model")]
            hook = Stock(str(tmp_path / "elsewhere"), save_steps=3, saver=elsewhere, listeners=listeners)
            with session(tmp_path, hook) as monitored:
                monitored.run(fetches)
        assert [event.prefix for event in bus.events(SaveCompleted) if event.step == 4] == [""]

    def test_that_was_never_completed_is_told_as_failed_before_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save: Callable[..., Any] = tf.compat.v1.train.Saver.save
        failures = [tf.errors.AbortedError(None, None, "the session is lost")]

        def fails_once(self: Any, sess: Any, path: str, global_step: Any = None, *args: Any, **options: Any) -> Any:
            if int(global_step) == 3 and failures:
                raise failures.pop()
            return save(self, sess, path, global_step, *args, **options)

        monkeypatch.setattr(tf.compat.v1.train.Saver, "save", fails_once)
        bus = RecordingBus()
        train(tmp_path, watched(tmp_path, bus), steps=4)
        saves = [event for event in bus.published if isinstance(event, SaveCompleted | SaveFailed)]
        assert [(type(event), event.step) for event in saves] == [
            (SaveCompleted, 0),
            (SaveFailed, 3),
            (SaveCompleted, 0),
            (SaveCompleted, 3),
            (SaveCompleted, 4),
        ]


class TestARun:
    def test_begins_and_ends_with_the_hook_that_is_listened_to(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, watched(tmp_path, bus), steps=4)
        assert isinstance(bus.published[0], RunStarted)
        assert isinstance(bus.published[-1], RunEnded)

    def test_is_told_where_it_saves(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, watched(tmp_path, bus, checkpoint_dir=str(tmp_path)), steps=4)
        (start,) = bus.events(CheckpointingStarted)
        assert (start.kind, start.checkpoint_dir, start.step) == ("model", str(tmp_path), 0)

    def test_goes_on_when_its_session_is_lost(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, watched(tmp_path, bus), LosesSession(5), steps=9)
        assert len(bus.events(RunStarted)) == len(bus.events(RunEnded)) == 1
        assert bus.events(SaveFailed) == []

    def test_may_be_followed_by_others_with_the_same_listener(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        listener = bus.listener("model")
        for steps in (3, 6, 9):
            train(tmp_path, Stock(str(tmp_path), save_steps=3, listeners=[listener]), steps=steps)
        assert [event.step for event in bus.events(SaveCompleted)] == [0, 3, 3, 6, 6, 9]
        assert len(bus.events(RunStarted)) == len(bus.events(RunEnded)) == 3

    def test_is_not_hurt_by_a_bus_that_was_closed_meanwhile(self, tmp_path: Path) -> None:
        bus = CheckpointBus()
        hook = watched(tmp_path, bus)
        bus.close()
        assert max(train(tmp_path, hook, steps=4)) == 4
