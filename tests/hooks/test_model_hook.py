from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from observed_hooks.bus import CheckpointBus
from observed_hooks.errors import BusClosedError, CheckpointDirectoryError, ConfigurationError, StateError
from observed_hooks.events import (
    CheckpointingStarted,
    CheckpointRestored,
    Event,
    RunEnded,
    RunStarted,
    SaveCompleted,
    SaveFailed,
)
from observed_hooks.hooks.model import CheckpointSaverHook
from observed_hooks.testing import FakeClock, RecordingBus
from tests.training import (
    Diary,
    LosesSession,
    build,
    event_files,
    graphs_in,
    pair,
    saved_steps,
    session,
    train,
)

Stock = tf.compat.v1.train.CheckpointSaverHook

Calls = list[tuple[str, int | None]]


def steps_of(events: list[SaveCompleted]) -> list[int]:
    return [event.step for event in events]


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if path.is_file()}


class TestArguments:
    def test_the_positional_ones_are_tensorflow_s_in_name_order_and_default(self) -> None:
        ours = [
            (each.name, each.default)
            for each in inspect.signature(CheckpointSaverHook).parameters.values()
            if each.kind is each.POSITIONAL_OR_KEYWORD
        ]
        theirs = [(each.name, each.default) for each in inspect.signature(Stock).parameters.values()]
        # TensorFlow writes the graph unless told not to; we only when told to.
        assert [name for name, _ in ours] == [name for name, _ in theirs]
        assert dict(ours) == {**dict(theirs), "save_graph_def": False}

    def test_every_public_method_of_tensorflow_s_is_there(self) -> None:
        assert {name for name in dir(Stock) if not name.startswith("_")} <= set(dir(CheckpointSaverHook))

    def test_it_is_one_of_tensorflow_s_so_that_an_estimator_adds_none(self, tmp_path: Path) -> None:
        assert isinstance(CheckpointSaverHook(str(tmp_path), save_steps=1), Stock)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "exactly one of save_secs and save_steps"),
            ({"save_secs": 1, "save_steps": 1}, "save_secs=1 and save_steps=1"),
            ({"save_steps": 0}, "above 0, got 0"),
            ({"save_steps": -1}, "above 0, got -1"),
            ({"save_secs": 0}, "above 0, got 0"),
            ({"save_secs": -0.5}, "above 0, got -0.5"),
            ({"save_steps": "ten"}, "a number above 0, got 'ten'"),
            ({"save_steps": 1, "saver": object(), "scaffold": object()}, "both saver and scaffold"),
        ],
    )
    def test_those_that_cannot_work_are_a_value_error_that_says_what_came(
        self, tmp_path: Path, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message) as raised:
            CheckpointSaverHook(str(tmp_path), **arguments)
        assert isinstance(raised.value, ValueError)

    @pytest.mark.parametrize("directory", [None, "", 3])
    def test_a_directory_that_is_no_path_is_refused(self, directory: Any) -> None:
        with pytest.raises(ConfigurationError, match="the path of a directory"):
            CheckpointSaverHook(directory, save_steps=1)

    def test_a_directory_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CheckpointDirectoryError, match=r"got the file '.*file'"):
            CheckpointSaverHook(str(tmp_path / "file"), save_steps=1)

    def test_nothing_is_touched_on_disk_before_training_begins(self, tmp_path: Path) -> None:
        CheckpointSaverHook(str(tmp_path / "new"), save_steps=1)
        assert list(tmp_path.iterdir()) == []

    def test_a_closed_bus_is_refused(self, tmp_path: Path) -> None:
        bus = CheckpointBus()
        bus.close()
        with pytest.raises(BusClosedError, match="make a new one"):
            CheckpointSaverHook(str(tmp_path), save_steps=1, bus=bus)


class TestBegin:
    def test_refuses_a_bus_that_was_closed_since(self, tmp_path: Path, graph: tf.Graph) -> None:
        bus = CheckpointBus()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=1, bus=bus)
        bus.close()
        with pytest.raises(BusClosedError):
            hook.begin()

    def test_refuses_a_directory_that_cannot_be_made(self, graph: tf.Graph) -> None:
        with pytest.raises(CheckpointDirectoryError, match="/proc/checkpoints"):
            CheckpointSaverHook("/proc/checkpoints", save_steps=1).begin()

    def test_refuses_a_graph_without_a_global_step_as_a_runtime_error(self, tmp_path: Path, graph: tf.Graph) -> None:
        with pytest.raises(StateError, match="global step") as raised:
            CheckpointSaverHook(str(tmp_path), save_steps=1).begin()
        assert isinstance(raised.value, RuntimeError)

    def test_makes_the_directory(self, tmp_path: Path, graph: tf.Graph) -> None:
        tf.compat.v1.train.get_or_create_global_step()
        CheckpointSaverHook(str(tmp_path / "deep" / "er"), save_steps=1).begin()
        assert (tmp_path / "deep" / "er").is_dir()

    @pytest.mark.parametrize("savers", [0, 2])
    def test_a_graph_with_no_saver_or_several_is_refused_at_the_first_save(
        self, tmp_path: Path, graph: tf.Graph, savers: int
    ) -> None:
        step = tf.compat.v1.train.get_or_create_global_step()
        for _ in range(savers):
            tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.SAVERS, tf.compat.v1.train.Saver())
        hook = CheckpointSaverHook(str(tmp_path), save_steps=1)
        hook.begin()
        with tf.compat.v1.Session() as plain:
            plain.run(step.initializer)
            with pytest.raises(StateError, match=r"pass .*saver= or scaffold=.* to CheckpointSaverHook"):
                hook.after_create_session(plain, tf.train.Coordinator())


def schedule_of(
    make: Callable[..., Any], directory: Path, lengths: list[int], advance: int, **arguments: Any
) -> tuple[Calls, list[int]]:
    """Train with a hook over several sessions, up to each of `lengths`; return its listener's calls and its files."""
    diary = Diary()
    for steps in lengths:
        hook = make(str(directory), listeners=[diary], **arguments)
        train(directory, hook, steps=steps, advance=advance, dataset=None)
    return diary.calls, saved_steps(directory)


class PastTheHooks:
    """Runs an op in the raw session, as a step function may."""

    def __init__(self, op: Any) -> None:
        self._op = op

    def run(self, step_context: Any) -> None:
        step_context.session.run(self._op)


class TestBesideTensorFlowSHook:
    @given(
        save_steps=st.integers(1, 8),
        advance=st.integers(1, 5),
        lengths=st.lists(st.integers(1, 14), min_size=1, max_size=3).map(sorted),
    )
    @settings(max_examples=12, deadline=None, derandomize=True)
    def test_it_saves_the_same_steps_with_the_same_calls_in_the_same_order(
        self, tmp_path_factory: pytest.TempPathFactory, save_steps: int, advance: int, lengths: list[int]
    ) -> None:
        root = tmp_path_factory.mktemp("pair")
        stock = schedule_of(Stock, root / "stock", lengths, advance, save_steps=save_steps)
        ours = schedule_of(CheckpointSaverHook, root / "ours", lengths, advance, save_steps=save_steps)
        assert ours == stock

    def test_it_saves_the_same_steps_after_a_session_was_lost(self, tmp_path: Path) -> None:
        found = []
        for make in (Stock, CheckpointSaverHook):
            diary = Diary()
            hook = make(str(tmp_path / make.__module__), save_steps=3, listeners=[diary])
            train(tmp_path / make.__module__, hook, LosesSession(5, 9), steps=12, dataset=None)
            found.append(diary.calls)
        assert found[0] == found[1]

    def test_it_saves_the_same_steps_when_hooks_do_not_see_every_run(self, tmp_path: Path) -> None:
        found = []
        for make in (Stock, CheckpointSaverHook):
            diary, directory = Diary(), tmp_path / make.__module__
            hook = make(str(directory), save_steps=10, listeners=[diary])
            with tf.Graph().as_default():
                advance, _ = build()

                with session(directory, hook) as monitored:
                    for _ in range(15):
                        monitored.run_step_fn(PastTheHooks(advance).run)
                        monitored.run(advance)
            found.append(diary.calls)
        assert found[0] == found[1]

    def test_its_files_hold_the_same_bytes_under_the_same_names(self, tmp_path: Path) -> None:
        for make in (Stock, CheckpointSaverHook):
            hook = make(str(tmp_path / make.__module__), save_steps=3, save_graph_def=False)
            train(tmp_path / make.__module__, hook, steps=7)
        stock, ours = (tmp_path / make.__module__ for make in (Stock, CheckpointSaverHook))
        assert names(ours) == {name for name in names(stock) if "tfevents" not in name}
        for name in names(ours):
            written = (ours / name).read_bytes().replace(bytes(ours), bytes(stock))
            assert written == (stock / name).read_bytes(), name

    def test_each_restores_what_the_other_saved(self, tmp_path: Path) -> None:
        train(tmp_path, Stock(str(tmp_path), save_steps=3), steps=4)
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3), steps=8)
        train(tmp_path, Stock(str(tmp_path), save_steps=3), steps=12)
        assert tf.train.load_variable(str(tmp_path), "global_step") == 12

    def test_a_seconds_trigger_saves_when_the_time_has_come_and_not_before(self, tmp_path: Path) -> None:
        clock, bus = FakeClock(), RecordingBus()

        class OneSecondAStep(tf.compat.v1.train.SessionRunHook):
            def before_run(self, run_context: Any) -> None:
                clock.advance(1.0)

        hook = CheckpointSaverHook(str(tmp_path), save_secs=4, bus=bus, clock=clock)
        train(tmp_path, OneSecondAStep(), hook, steps=10, dataset=None)
        assert steps_of(bus.events(SaveCompleted)) == [0, 4, 8, 10]


class TestListeners:
    def test_one_that_says_so_stops_training_after_the_save(self, tmp_path: Path) -> None:
        diary = Diary(stops_at=6)
        hook = CheckpointSaverHook(str(tmp_path), save_steps=3, listeners=[diary, Diary()])
        stream = train(tmp_path, hook, steps=100)
        assert max(stream) == 6
        assert diary.steps == [0, 3, 6]

    def test_end_is_called_once_also_when_the_last_step_is_a_save_step(self, tmp_path: Path) -> None:
        for steps in (6, 7):
            diary = Diary()
            train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3, listeners=[diary]), steps=steps)
            assert diary.calls[-1] == ("end", steps)
            assert [call for call, _ in diary.calls].count("end") == 1
            assert diary.steps.count(steps) == 1

    def test_their_errors_reach_the_user_as_with_tensorflow(self, tmp_path: Path) -> None:
        class Refuses(Diary):
            def after_save(self, session: Any, global_step_value: Any) -> bool | None:
                if global_step_value == 3:
                    raise KeyError("the user's own")
                return None

        hook = CheckpointSaverHook(str(tmp_path), save_steps=3, listeners=[Refuses()])
        with pytest.raises(KeyError, match="the user's own"):
            train(tmp_path, hook, steps=10)
        assert saved_steps(tmp_path) == [0, 3]

    def test_one_that_is_appended_as_an_estimator_does_it_is_called(self, tmp_path: Path) -> None:
        hook, diary = CheckpointSaverHook(str(tmp_path), save_steps=3), Diary()
        # What Estimator.train(saving_listeners=...) does with the first CheckpointSaverHook it finds.
        if diary not in hook._listeners:
            hook._listeners.append(diary)
        train(tmp_path, hook, steps=4)
        assert diary.calls[0] == ("begin", None)
        assert diary.steps == [0, 3, 4]
        assert diary.calls[-1] == ("end", 4)

    def test_a_list_that_is_the_user_s_is_left_as_it_is(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        listeners = [bus.listener("model")]
        CheckpointSaverHook(str(tmp_path), save_steps=3, listeners=listeners, bus=bus)
        assert len(listeners) == 1

    def test_the_listener_of_its_own_bus_does_not_count_a_save_twice(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        bus = RecordingBus()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=3, listeners=[bus.listener("model")], bus=bus)
        train(tmp_path, hook, steps=4)
        assert steps_of(bus.events(SaveCompleted)) == [0, 3, 4]

    def test_nor_when_an_estimator_appends_it(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=3, bus=bus)
        hook._listeners.append(bus.listener("model"))
        train(tmp_path, hook, steps=4)
        assert steps_of(bus.events(SaveCompleted)) == [0, 3, 4]


class TestOnTheBus:
    def test_a_run_is_told_from_its_start_to_its_end(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3, bus=bus), steps=4)
        kinds: list[type[Event]] = [type(event) for event in bus.published]
        assert kinds == [RunStarted, CheckpointingStarted, SaveCompleted, SaveCompleted, SaveCompleted, RunEnded]
        (start,) = bus.events(CheckpointingStarted)
        assert (start.kind, start.checkpoint_dir, start.step) == ("model", str(tmp_path), 0)
        assert (start.interval_seconds, start.interval_steps) == (None, 3)
        assert bus.events(SaveCompleted)[-1].prefix == str(tmp_path / "model.ckpt-4")

    def test_a_killed_run_has_no_end_and_the_next_a_start_of_its_own(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=3, bus=bus)
        train(tmp_path, hook, steps=4, killed=True)
        assert bus.events(RunEnded) == []
        train(tmp_path, hook, steps=8)
        assert len(bus.events(RunStarted)) == 2
        assert len(bus.events(RunEnded)) == 1

    def test_a_restored_model_is_told_and_a_new_one_is_not(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=3, bus=bus)
        train(tmp_path, hook, steps=4)
        assert bus.events(CheckpointRestored) == []
        train(tmp_path, hook, steps=8)
        (restored,) = bus.events(CheckpointRestored)
        assert (restored.step, restored.skew_steps, restored.duration_seconds) == (4, 0, None)

    def test_a_session_that_is_lost_is_not_a_new_run(self, tmp_path: Path) -> None:
        bus, loses = RecordingBus(), LosesSession(5)
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3, bus=bus), loses, steps=9)
        assert loses.sessions == 2
        assert len(bus.events(RunStarted)) == len(bus.events(RunEnded)) == 1
        assert [event.step for event in bus.events(CheckpointingStarted)] == [0, 3]
        assert [event.step for event in bus.events(CheckpointRestored)] == [3]

    def test_without_one_nothing_is_left_running(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3), steps=4)
        ours = [each.name for each in set(threading.enumerate()) - before if each.name.startswith("observed_hooks")]
        assert ours == []
        assert not (tmp_path / "observed_hooks").exists()


class TestOneHookOverManySessions:
    def test_saves_each_graph_with_the_saver_of_that_graph(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=5, bus=bus)
        for steps in range(3, 31, 3):
            train(tmp_path, hook, steps=steps)
        assert tf.train.load_variable(str(tmp_path), "global_step") == 30
        assert len(bus.events(RunStarted)) == len(bus.events(RunEnded)) == 10
        assert bus.events(SaveFailed) == []

    def test_begins_again_in_another_directory_s_fresh_model(self, tmp_path: Path) -> None:
        diary = Diary()
        hook = CheckpointSaverHook(str(tmp_path / "ours"), save_steps=4, listeners=[diary])
        for _ in range(2):
            train(tmp_path / "empty", hook, steps=9, dataset=None)
        assert diary.steps == [0, 4, 8, 9] * 2

    def test_uses_the_saver_or_scaffold_it_was_given(self, tmp_path: Path) -> None:
        with tf.Graph().as_default():
            fetches = build()
            saver = tf.compat.v1.train.Saver(max_to_keep=1)
            hooks = [
                CheckpointSaverHook(str(tmp_path / "saver"), save_steps=1, saver=saver),
                CheckpointSaverHook(
                    str(tmp_path / "scaffold"),
                    None,
                    1,
                    None,
                    "other.ckpt",
                    tf.compat.v1.train.Scaffold(saver=tf.compat.v1.train.Saver(max_to_keep=2)),
                ),
            ]
            with session(tmp_path / "own", *hooks) as monitored:
                for _ in range(5):
                    monitored.run(fetches)
        assert saved_steps(tmp_path / "saver") == [5]
        assert saved_steps(tmp_path / "scaffold", "other.ckpt") == [4, 5]


class TestGraphs:
    def test_no_graph_file_and_no_meta_file_unless_asked_for(self, tmp_path: Path) -> None:
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3), steps=4)
        assert not [name for name in names(tmp_path) if name.endswith((".meta", ".pbtxt"))]

    def test_both_when_asked_for(self, tmp_path: Path) -> None:
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3, save_graph_def=True), steps=4)
        assert {"graph.pbtxt", "model.ckpt-3.meta", "model.ckpt-4.meta"} <= names(tmp_path)
        with tf.Graph().as_default():
            saver = tf.compat.v1.train.import_meta_graph(str(tmp_path / "model.ckpt-4.meta"))
            assert saver is not None

    @pytest.mark.parametrize("save_graph_def", [False, True])
    def test_none_in_any_event_file_also_when_a_session_was_lost(self, tmp_path: Path, save_graph_def: bool) -> None:
        from observed_hooks.sinks.tensorboard import TensorBoardSink

        bus = CheckpointBus([TensorBoardSink(tmp_path / "observed_hooks" / "tensorboard")])
        loses = LosesSession(5, 8)
        _, input_hook = pair(tmp_path, bus=bus)
        model_hook = CheckpointSaverHook(str(tmp_path), save_steps=3, save_graph_def=save_graph_def, bus=bus)
        train(tmp_path, model_hook, input_hook, loses, steps=10)
        bus.close()
        assert loses.sessions == 3
        found = event_files(tmp_path)
        assert [path.parent for path in found] == [tmp_path / "observed_hooks" / "tensorboard"]
        assert [graphs_in(path) for path in found] == [0]

    def test_the_counting_of_graphs_would_see_those_of_tensorflow_s_hook(self, tmp_path: Path) -> None:
        train(tmp_path, Stock(str(tmp_path), save_steps=3), steps=4)
        assert sum(graphs_in(path) for path in event_files(tmp_path)) > 0


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was warned of, by us or by TensorFlow."""

    def heard() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]

    return heard


class TestBesideTheSessionSOwnSaver:
    @pytest.mark.parametrize(
        "default_saver",
        [{"save_checkpoint_secs": 600}, {"save_checkpoint_steps": 2}, {"save_checkpoint_steps": 3}],
    )
    def test_one_warning_names_the_arguments_and_each_step_is_counted_once(
        self, tmp_path: Path, warnings: Callable[[], list[str]], default_saver: dict[str, float]
    ) -> None:
        bus = RecordingBus()
        train(
            tmp_path,
            CheckpointSaverHook(str(tmp_path), save_steps=3, bus=bus),
            steps=10,
            default_saver=default_saver,
        )
        (warning,) = [text for text in warnings() if "save_checkpoint_secs=None" in text]
        assert "save_checkpoint_steps=None" in warning
        assert steps_of(bus.events(SaveCompleted)) == [0, 3, 6, 9, 10]

    def test_no_warning_when_it_is_switched_off(self, tmp_path: Path, warnings: Callable[[], list[str]]) -> None:
        hook = CheckpointSaverHook(str(tmp_path), save_steps=3)
        for steps in (4, 9):
            train(tmp_path, hook, LosesSession(3), steps=steps)
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3), steps=12)
        assert [text for text in warnings() if "Another CheckpointSaverHook" in text] == []
