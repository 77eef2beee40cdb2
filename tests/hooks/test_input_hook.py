from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.errors import (
    BusClosedError,
    CheckpointDirectoryError,
    ConfigurationError,
    RestoreError,
    StateError,
)
from observed_hooks.events import (
    CheckpointingStarted,
    CheckpointRestored,
    InputRestarted,
    RunEnded,
    RunStarted,
    SaveCompleted,
    SaveFailed,
)
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.hooks.model import CheckpointSaverHook
from observed_hooks.testing import FakeClock, RecordingBus
from tests.training import (
    Diary,
    Hook,
    KilledError,
    LosesSession,
    MakeDataset,
    Stream,
    build,
    initializable,
    input_steps,
    numbers,
    one_shot,
    pair,
    saved_steps,
    session,
    shuffled,
    train,
)

Stock = tf.compat.v1.train.CheckpointSaverHook


def an_estimator(directory: Path, **config: Any) -> Any:
    """As much of an Estimator as an input hook may ask for: TensorFlow's looks at `_config`, ours at `config`."""
    defaults: dict[str, Any] = {
        "save_checkpoints_secs": None,
        "save_checkpoints_steps": 3,
        "keep_checkpoint_max": 5,
        "task_type": "worker",
        "task_id": 0,
        "num_worker_replicas": 1,
    }
    settings = SimpleNamespace(**{**defaults, **config})
    return SimpleNamespace(model_dir=str(directory), config=settings, _config=settings)


def remove_input(directory: Path, *steps: int) -> None:
    for step in steps:
        for path in directory.glob(f"input.ckpt-{step}.*"):
            path.unlink()


def continues(stream: Stream, whole: Stream) -> bool:
    """Tell whether each step of `stream` saw the example that it saw in the training without interruption."""
    return bool(stream) and stream.items() <= whole.items()


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """The stream of an uninterrupted training on `shuffled`."""
    return train(tmp_path_factory.mktemp("whole"), steps=100, dataset=shuffled)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was warned of, by us or by TensorFlow."""

    def heard() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]

    return heard


class TestArguments:
    @pytest.mark.parametrize("both", [False, True])
    def test_either_an_estimator_or_a_directory_is_needed(self, tmp_path: Path, both: bool) -> None:
        arguments = {"estimator": an_estimator(tmp_path), "checkpoint_dir": tmp_path} if both else {}
        with pytest.raises(ConfigurationError, match="either an estimator or checkpoint_dir"):
            CheckpointInputPipelineHook(save_steps=1, **arguments)

    def test_something_that_is_no_estimator_is_refused_with_the_way_to_do_without(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="got PosixPath; to save without one, pass checkpoint_dir="):
            CheckpointInputPipelineHook(tmp_path)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "exactly one of save_secs and save_steps"),
            ({"save_secs": 1, "save_steps": 1}, "exactly one of save_secs and save_steps"),
            ({"save_steps": 0}, "above 0, got 0"),
            ({"save_secs": -1}, "above 0, got -1"),
            ({"save_steps": 1, "saver": object(), "scaffold": object()}, "both saver and scaffold"),
            ({"save_steps": 1, "on_step_mismatch": "newest"}, "nearest, fail, restart, got 'newest'"),
            ({"save_steps": 1, "external_state_policy": "maybe"}, "fail, warn, ignore, got 'maybe'"),
        ],
    )
    def test_those_that_cannot_work_are_a_value_error_that_says_what_came(
        self, tmp_path: Path, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message) as raised:
            CheckpointInputPipelineHook(checkpoint_dir=tmp_path, **arguments)
        assert isinstance(raised.value, ValueError)

    @pytest.mark.parametrize("policy", [None, "fail", "WARN", tf.data.experimental.ExternalStatePolicy.IGNORE])
    def test_the_external_state_policy_is_a_word_or_tensorflow_s_own(self, tmp_path: Path, policy: Any) -> None:
        CheckpointInputPipelineHook(an_estimator(tmp_path), policy)

    def test_a_directory_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CheckpointDirectoryError, match=r"got the file '.*file'"):
            CheckpointInputPipelineHook(checkpoint_dir=tmp_path / "file", save_steps=1)

    def test_a_closed_bus_is_refused(self, tmp_path: Path) -> None:
        bus = CheckpointBus()
        bus.close()
        with pytest.raises(BusClosedError):
            CheckpointInputPipelineHook(checkpoint_dir=tmp_path, bus=bus)

    def test_it_is_no_checkpoint_saver_hook_or_an_estimator_would_leave_out_its_own(self, tmp_path: Path) -> None:
        assert not isinstance(CheckpointInputPipelineHook(an_estimator(tmp_path)), Stock)


class TestBegin:
    def test_refuses_a_graph_without_iterators_as_a_value_error(self, tmp_path: Path, graph: tf.Graph) -> None:
        build(dataset=None)
        with pytest.raises(ConfigurationError, match="found none; make the input pipeline's iterator before"):
            CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=1).begin()

    def test_refuses_a_graph_without_a_global_step_as_a_runtime_error(self, tmp_path: Path, graph: tf.Graph) -> None:
        initializable(numbers())
        with pytest.raises(StateError, match="global step"):
            CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=1).begin()

    def test_refuses_a_directory_that_cannot_be_made(self, graph: tf.Graph) -> None:
        build()
        with pytest.raises(CheckpointDirectoryError, match="/proc/checkpoints"):
            CheckpointInputPipelineHook(checkpoint_dir="/proc/checkpoints", save_steps=1).begin()

    def test_refuses_a_bus_that_was_closed_since(self, tmp_path: Path, graph: tf.Graph) -> None:
        build()
        bus = CheckpointBus()
        hook = CheckpointInputPipelineHook(checkpoint_dir=tmp_path, bus=bus)
        bus.close()
        with pytest.raises(BusClosedError):
            hook.begin()

    def test_on_a_bus_without_a_model_hook_a_schedule_is_asked_for(self, tmp_path: Path) -> None:
        hook = CheckpointInputPipelineHook(checkpoint_dir=tmp_path, bus=RecordingBus())
        with pytest.raises(ConfigurationError, match="or pass save_steps or save_secs"):
            train(tmp_path, hook, steps=3)


@pytest.fixture
def on_disk_at_each_model_save(monkeypatch: pytest.MonkeyPatch) -> dict[int, set[int]]:
    """The steps of the whole input checkpoints on disk when the writing of a model checkpoint begins, by its step."""
    found: dict[int, set[int]] = {}
    save = tf.compat.v1.train.Saver.save

    def spy(self: Any, sess: Any, save_path: str, global_step: Any = None, *args: Any, **kwargs: Any) -> Any:
        path = Path(save_path)
        if path.name == "model.ckpt":
            found[int(global_step)] = set(input_steps(path.parent))
        return save(self, sess, save_path, global_step, *args, **kwargs)

    monkeypatch.setattr(tf.compat.v1.train.Saver, "save", spy)
    return found


ORDERS = pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["model first", "input first"])


class TestPair:
    @ORDERS
    def test_both_are_saved_at_the_same_steps(self, tmp_path: Path, order: list[int]) -> None:
        hooks = pair(tmp_path, save_steps=3)
        train(tmp_path, *(hooks[place] for place in order), steps=10)
        assert input_steps(tmp_path) == saved_steps(tmp_path) == [0, 3, 6, 9, 10]

    @ORDERS
    def test_the_input_checkpoint_is_complete_before_the_model_s_is_begun(
        self, tmp_path: Path, order: list[int], on_disk_at_each_model_save: dict[int, set[int]]
    ) -> None:
        hooks = pair(tmp_path, save_steps=3)
        train(tmp_path, *(hooks[place] for place in order), steps=10)
        # At step 0 of a new model the iterators are not initialised yet, and a fresh pipeline is their partner.
        del on_disk_at_each_model_save[0]
        assert sorted(on_disk_at_each_model_save) == [3, 6, 9, 10]
        assert all(step in inputs for step, inputs in on_disk_at_each_model_save.items())

    def test_its_own_schedule_is_not_used_beside_a_model_hook(self, tmp_path: Path) -> None:
        train(tmp_path, *pair(tmp_path, save_steps=4, save_secs=1000), steps=9)
        assert input_steps(tmp_path) == saved_steps(tmp_path) == [0, 4, 8, 9]

    def test_they_stay_a_pair_after_a_resume(self, tmp_path: Path) -> None:
        for steps in (5, 8, 17):
            train(tmp_path, *pair(tmp_path, save_steps=3), steps=steps)
            assert input_steps(tmp_path) == saved_steps(tmp_path)

    @pytest.mark.parametrize("advance", [2, 5])
    def test_they_are_a_pair_when_one_run_advances_several_steps(self, tmp_path: Path, advance: int) -> None:
        train(tmp_path, *pair(tmp_path, save_steps=3), steps=20, advance=advance)
        assert input_steps(tmp_path) == saved_steps(tmp_path)

    def test_each_save_of_each_kind_is_told_once(self, tmp_path: Path) -> None:
        bus = RecordingBus()
        train(tmp_path, *pair(tmp_path, bus=bus), steps=7)
        found = [(event.kind, event.step) for event in bus.events(SaveCompleted)]
        assert sorted(found) == [(kind, step) for kind in ("input_pipeline", "model") for step in (0, 3, 6, 7)]
        assert len(bus.events(RunStarted)) == len(bus.events(RunEnded)) == 1
        assert {event.kind for event in bus.events(CheckpointingStarted)} == {"model", "input_pipeline"}

    def test_a_save_that_fails_costs_the_model_nothing(self, tmp_path: Path, warnings: Callable[[], list[str]]) -> None:
        class FullDisk:
            last_checkpoints = ()

            def save(self, *_: Any, **__: Any) -> str:
                raise tf.errors.ResourceExhaustedError(None, None, "no space left on device")

        bus = RecordingBus()
        train(tmp_path, *pair(tmp_path, bus=bus, saver=FullDisk()), steps=7)
        assert saved_steps(tmp_path) == [0, 3, 6, 7]
        assert input_steps(tmp_path) == []
        assert [event.step for event in bus.events(SaveFailed) if event.kind == "input_pipeline"] == [0, 3, 6, 7]
        assert any("training goes on" in text for text in warnings())

    def test_files_and_state_file_are_named_as_tensorflow_names_them(self, tmp_path: Path) -> None:
        train(tmp_path, *pair(tmp_path), steps=3)
        names = {path.name for path in tmp_path.iterdir() if "input" in path.name}
        assert {"checkpoint_input", "input.ckpt-3.index", "input.ckpt-3.data-00000-of-00001"} <= names
        assert tf.train.latest_checkpoint(str(tmp_path), "checkpoint_input") == str(tmp_path / "input.ckpt-3")
        assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-3")


class TestListeners:
    @ORDERS
    def test_are_called_around_each_save_and_end_last(self, tmp_path: Path, order: list[int]) -> None:
        diary = Diary()
        hooks = pair(tmp_path, listeners=[diary])
        train(tmp_path, *(hooks[place] for place in order), steps=4)
        around = [(call, step) for step in (0, 3, 4) for call in ("before_save", "after_save")]
        assert diary.calls == [("begin", None), *around, ("end", 4)]

    @pytest.mark.parametrize("options", [{}, {"bus": None, "save_steps": 3}])
    def test_one_that_says_so_stops_training(self, tmp_path: Path, options: dict[str, Any]) -> None:
        diary = Diary(stops_at=6)
        if options:
            hooks = [CheckpointInputPipelineHook(checkpoint_dir=tmp_path, listeners=[diary], **options)]
        else:
            hooks = pair(tmp_path, listeners=[diary])
        assert max(train(tmp_path, *hooks, steps=50)) == 6


class TestFollowing:
    @ORDERS
    def test_a_hook_of_tensorflow_s_through_the_listener_of_the_bus(
        self, tmp_path: Path, order: list[int], whole: Stream
    ) -> None:
        bus = RecordingBus()
        for steps in (7, 20):
            hooks: list[Hook] = [
                Stock(str(tmp_path), save_steps=3, listeners=[bus.listener("model")]),
                CheckpointInputPipelineHook(checkpoint_dir=tmp_path, bus=bus),
            ]
            stream = train(tmp_path, *(hooks[place] for place in order), steps=steps, dataset=shuffled, killed=True)
            assert continues(stream, whole)
            assert input_steps(tmp_path) == saved_steps(tmp_path)
        assert [event.step for event in bus.events(CheckpointRestored)] == [6]


class TestAlone:
    def test_saves_at_its_own_steps(self, tmp_path: Path) -> None:
        train(tmp_path, CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=4), steps=9)
        assert input_steps(tmp_path) == [0, 4, 8, 9]

    def test_saves_when_its_own_time_has_come(self, tmp_path: Path) -> None:
        clock = FakeClock()
        bus = RecordingBus()
        hook = CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_secs=4, clock=clock, bus=bus)
        train(tmp_path, hook, OneSecondAStep(clock), steps=9)
        assert [event.step for event in bus.events(SaveCompleted)] == [0, 4, 8, 9]

    @pytest.mark.parametrize("lengths", [(5, 10, 15), (7, 8, 20)])
    def test_by_the_schedule_of_an_estimator_it_saves_at_the_model_s_steps(
        self, tmp_path: Path, lengths: tuple[int, ...]
    ) -> None:
        for steps in lengths:
            model = Stock(str(tmp_path), save_steps=3, save_graph_def=False)
            train(tmp_path, model, CheckpointInputPipelineHook(an_estimator(tmp_path)), steps=steps)
            assert input_steps(tmp_path) == saved_steps(tmp_path)

    def test_a_position_is_kept_for_each_model_checkpoint_although_their_steps_differ(
        self, tmp_path: Path, whole: Stream
    ) -> None:
        def hooks() -> list[Hook]:
            return [
                Stock(str(tmp_path), save_steps=4),
                CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=5),
            ]

        train(tmp_path, *hooks(), steps=15, dataset=shuffled, killed=True)
        assert saved_steps(tmp_path)[-1] == 12
        assert input_steps(tmp_path)[-1] == 15
        bus = RecordingBus()
        model = Stock(str(tmp_path), save_steps=4)
        hook = CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=5, bus=bus)
        train(tmp_path, model, hook, steps=16, dataset=shuffled)
        (restored,) = bus.events(CheckpointRestored)
        assert (restored.step, restored.model_step) == (10, 12)

    def test_by_seconds_it_saves_at_the_model_s_steps_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = FakeClock()
        monkeypatch.setattr("time.time", clock.time)
        model = Stock(str(tmp_path), save_secs=4, save_graph_def=False)
        estimator = an_estimator(tmp_path, save_checkpoints_secs=4, save_checkpoints_steps=None)
        hook = CheckpointInputPipelineHook(estimator, clock=clock)
        train(tmp_path, OneSecondAStep(clock), model, hook, steps=14)
        assert input_steps(tmp_path) == saved_steps(tmp_path)


class OneSecondAStep(tf.compat.v1.train.SessionRunHook):
    """Lets a second go by before each step."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def before_run(self, run_context: Any) -> None:
        self._clock.advance(1.0)


class TestResume:
    @pytest.mark.parametrize("killed_at", [1, 2, 3, 4, 5, 6, 9])
    def test_continues_from_the_model_s_step_wherever_it_was_killed(
        self, tmp_path: Path, whole: Stream, killed_at: int
    ) -> None:
        train(tmp_path, *pair(tmp_path), steps=killed_at, dataset=shuffled, killed=True)
        stream = train(tmp_path, *pair(tmp_path), steps=50, dataset=shuffled)
        assert min(stream) == 3 * (killed_at // 3) + 1
        assert continues(stream, whole)

    def test_continues_after_an_orderly_end(self, tmp_path: Path, whole: Stream) -> None:
        for steps in (5, 6, 11, 50):
            assert continues(train(tmp_path, *pair(tmp_path), steps=steps, dataset=shuffled), whole)

    def test_after_the_end_of_the_data_there_is_no_more(self, tmp_path: Path) -> None:
        def three() -> Any:
            return tf.data.Dataset.range(3)

        assert max(train(tmp_path, *pair(tmp_path, save_steps=10), steps=50, dataset=three)) == 3
        assert train(tmp_path, *pair(tmp_path, save_steps=10), steps=50, dataset=three) == {}

    def test_one_from_after_the_model_s_step_is_never_used(self, tmp_path: Path, whole: Stream) -> None:
        train(tmp_path, *pair(tmp_path), steps=9, dataset=shuffled)
        for path in tmp_path.glob("model.ckpt-9.*"):
            path.unlink()
        prefixes = [str(tmp_path / f"model.ckpt-{step}") for step in (0, 3, 6)]
        tf.compat.v1.train.update_checkpoint_state(str(tmp_path), prefixes[-1], prefixes)
        assert 9 in input_steps(tmp_path)
        stream = train(tmp_path, *pair(tmp_path), steps=20, dataset=shuffled)
        assert min(stream) == 7
        assert continues(stream, whole)

    def test_the_start_of_a_session_does_not_overwrite_the_state_that_it_will_restore(self, tmp_path: Path) -> None:
        train(tmp_path, *pair(tmp_path), steps=6, dataset=shuffled)
        before = {path.name: path.read_bytes() for path in tmp_path.glob("input.ckpt-6.*")}
        train(tmp_path, *pair(tmp_path), steps=7, dataset=shuffled, killed=True)
        assert {path.name: path.read_bytes() for path in tmp_path.glob("input.ckpt-6.*")} == before

    def test_nor_does_a_session_that_dies_before_its_first_step(self, tmp_path: Path, whole: Stream) -> None:
        train(tmp_path, *pair(tmp_path), steps=6, dataset=shuffled)
        for _ in range(2):
            with tf.Graph().as_default():
                build(shuffled)
                with contextlib.suppress(KilledError), session(tmp_path, *pair(tmp_path)):
                    raise KilledError
        assert continues(train(tmp_path, *pair(tmp_path), steps=20, dataset=shuffled), whole)

    def test_is_told_with_both_steps_and_its_duration(self, tmp_path: Path) -> None:
        train(tmp_path, *pair(tmp_path), steps=6)
        bus = RecordingBus()
        train(tmp_path, *pair(tmp_path, bus=bus), steps=7)
        (restored,) = [event for event in bus.events(CheckpointRestored) if event.kind == "input_pipeline"]
        assert (restored.step, restored.model_step, restored.skew_steps) == (6, 6, 0)
        assert restored.duration_seconds is not None
        assert restored.duration_seconds >= 0


class TestWithoutAPartner:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        """A model at step 9 whose partner is lost; those of steps 0, 3 and 6 are there."""
        train(tmp_path, *pair(tmp_path), steps=9, dataset=shuffled)
        remove_input(tmp_path, 9)
        return tmp_path

    def test_nearest_takes_the_newest_before_it_and_warns_of_both_steps(
        self, directory: Path, whole: Stream, warnings: Callable[[], list[str]]
    ) -> None:
        bus = RecordingBus()
        stream = train(directory, *pair(directory, bus=bus), steps=12, dataset=shuffled)
        assert [stream[step] for step in (10, 11, 12)] == [whole[step] for step in (7, 8, 9)]
        (restored,) = [event for event in bus.events(CheckpointRestored) if event.kind == "input_pipeline"]
        assert restored.skew_steps == 3
        (text,) = [text for text in warnings() if "a second time" in text]
        assert "step 9" in text
        assert "step 6" in text

    def test_nearest_leaves_the_model_with_a_partner_again(self, directory: Path) -> None:
        train(directory, *pair(directory), steps=10, killed=True, dataset=shuffled)
        assert 9 in input_steps(directory)

    def test_fail_raises_and_says_what_to_do(self, directory: Path) -> None:
        with pytest.raises(RestoreError, match="on_step_mismatch='nearest'") as raised:
            train(directory, *pair(directory, on_step_mismatch="fail"), steps=12, dataset=shuffled)
        assert isinstance(raised.value, RuntimeError)
        assert "step 9" in str(raised.value)

    def test_restart_begins_the_pipeline_afresh(
        self, directory: Path, whole: Stream, warnings: Callable[[], list[str]]
    ) -> None:
        bus = RecordingBus()
        stream = train(directory, *pair(directory, bus=bus, on_step_mismatch="restart"), steps=12, dataset=shuffled)
        assert [stream[step] for step in (10, 11, 12)] == [whole[step] for step in (1, 2, 3)]
        assert [event.model_step for event in bus.events(InputRestarted)] == [9]
        assert any("starts at its beginning" in text for text in warnings())

    @pytest.mark.parametrize("policy", ["nearest", "restart"])
    def test_a_job_that_saved_only_its_model_so_far_starts_the_pipeline_at_its_beginning_and_says_so(
        self, tmp_path: Path, whole: Stream, warnings: Callable[[], list[str]], policy: str
    ) -> None:
        train(tmp_path, CheckpointSaverHook(str(tmp_path), save_steps=3), steps=5, dataset=shuffled)
        bus = RecordingBus()
        stream = train(tmp_path, *pair(tmp_path, bus=bus, on_step_mismatch=policy), steps=8, dataset=shuffled)
        assert [stream[step] for step in (6, 7, 8)] == [whole[step] for step in (1, 2, 3)]
        assert [event.model_step for event in bus.events(InputRestarted)] == [5]
        assert any("starts at its beginning" in text for text in warnings())
        assert 5 in input_steps(tmp_path)

    def test_a_new_training_is_no_cause_for_a_warning(self, tmp_path: Path, warnings: Callable[[], list[str]]) -> None:
        bus = RecordingBus()
        train(tmp_path, *pair(tmp_path, bus=bus, on_step_mismatch="fail"), steps=4)
        assert bus.events(InputRestarted) == []
        assert warnings() == []


class TestSessionRecovery:
    @ORDERS
    @pytest.mark.parametrize("runs", [(1,), (3,), (5,), (5, 6), (4, 9, 10)])
    def test_continues_exactly_where_the_model_does(
        self, tmp_path: Path, whole: Stream, order: list[int], runs: tuple[int, ...]
    ) -> None:
        hooks = pair(tmp_path)
        loses = LosesSession(*runs)
        stream = train(tmp_path, *(hooks[place] for place in order), loses, steps=15, dataset=shuffled)
        assert loses.sessions == len(runs) + 1
        assert max(stream) == 15
        assert continues(stream, whole)
        assert input_steps(tmp_path) == saved_steps(tmp_path)

    def test_alone_it_continues_too(self, tmp_path: Path, whole: Stream) -> None:
        model = Stock(str(tmp_path), save_steps=3)
        hook = CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=3)
        stream = train(tmp_path, model, hook, LosesSession(5), steps=15, dataset=shuffled)
        assert continues(stream, whole)


class TestOneHookOverManySessions:
    def test_is_restored_each_time_and_keeps_within_the_limit(self, tmp_path: Path, whole: Stream) -> None:
        hooks = pair(tmp_path, save_steps=4)
        before = threading.active_count()
        for steps in range(3, 31, 3):
            assert continues(train(tmp_path, *hooks, steps=steps, dataset=shuffled), whole)
            assert input_steps(tmp_path) == saved_steps(tmp_path)
        assert len(input_steps(tmp_path)) == 5
        assert threading.active_count() == before

    def test_a_new_pair_each_time_does_the_same(self, tmp_path: Path, whole: Stream) -> None:
        before = threading.active_count()
        for steps in range(3, 31, 3):
            assert continues(train(tmp_path, *pair(tmp_path, save_steps=4), steps=steps, dataset=shuffled), whole)
        assert input_steps(tmp_path) == saved_steps(tmp_path)
        assert len(input_steps(tmp_path)) == 5
        assert threading.active_count() == before

    def test_one_that_was_killed_may_be_used_again(self, tmp_path: Path, whole: Stream) -> None:
        hooks = pair(tmp_path)
        for steps in (5, 10, 15):
            assert continues(train(tmp_path, *hooks, steps=steps, dataset=shuffled, killed=True), whole)
        assert input_steps(tmp_path) == saved_steps(tmp_path)


class TestRetention:
    @pytest.mark.parametrize("max_to_keep", [1, 2, 0, None])
    def test_follows_the_model_s(self, tmp_path: Path, max_to_keep: int | None) -> None:
        for steps in (7, 14):
            train(tmp_path, *pair(tmp_path), steps=steps, saver={"max_to_keep": max_to_keep})
        assert input_steps(tmp_path) == saved_steps(tmp_path)
        assert len(saved_steps(tmp_path)) == (max_to_keep or 7)

    def test_without_a_model_in_the_directory_the_estimator_s_limit_counts(self, tmp_path: Path) -> None:
        hook = CheckpointInputPipelineHook(an_estimator(tmp_path, keep_checkpoint_max=2))
        train(tmp_path / "elsewhere", hook, steps=13)
        assert input_steps(tmp_path) == [12, 13]

    def test_the_checkpoints_of_another_worker_are_left_alone(self, tmp_path: Path) -> None:
        for worker in (0, 1):
            estimator = an_estimator(tmp_path, num_worker_replicas=2, task_id=worker, keep_checkpoint_max=2)
            train(tmp_path / "elsewhere", CheckpointInputPipelineHook(estimator), steps=7)
        assert [saved_steps(tmp_path, f"input_worker_{worker}.ckpt") for worker in (0, 1)] == [[6, 7], [6, 7]]

    def test_what_a_saver_of_the_user_s_keeps_is_the_user_s_affair(self, tmp_path: Path) -> None:
        with tf.Graph().as_default():
            fetches = build()
            saver = _saver_of_iterators(max_to_keep=2)
            with session(tmp_path, *pair(tmp_path, saver=saver)) as monitored:
                for _ in range(10):
                    monitored.run(fetches)
        assert input_steps(tmp_path) == [9, 10]


def _saver_of_iterators(**options: Any) -> Any:
    from observed_hooks import _tensorflow

    saveables = _tensorflow.iterator_saveables(_tensorflow.iterator_resources(), "fail")
    return tf.compat.v1.train.Saver(saveables, **options)


class TestNames:
    def test_come_from_tf_config_on_one_of_several_workers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}}))
        train(tmp_path, CheckpointInputPipelineHook(checkpoint_dir=tmp_path, save_steps=3), steps=4)
        assert saved_steps(tmp_path, "input_worker_1.ckpt") == [0, 3, 4]
        assert (tmp_path / "checkpoint_input_worker_1").is_file()

    def test_come_from_a_config_object(self, tmp_path: Path) -> None:
        estimator = an_estimator(tmp_path, num_worker_replicas=3, task_type="chief", task_id=0)
        train(tmp_path, CheckpointInputPipelineHook(estimator), steps=4)
        assert saved_steps(tmp_path, "input_chief_0.ckpt") == [0, 3, 4]

    def test_two_workers_in_one_directory_restore_each_its_own(self, tmp_path: Path, whole: Stream) -> None:
        def hook(worker: int) -> Hook:
            return CheckpointInputPipelineHook(an_estimator(tmp_path, num_worker_replicas=2, task_id=worker))

        model = CheckpointSaverHook(str(tmp_path), save_steps=3)
        train(tmp_path, model, hook(0), steps=6, dataset=shuffled)
        train(tmp_path, hook(1), steps=9, dataset=shuffled)
        assert continues(train(tmp_path, hook(0), steps=12, dataset=shuffled), whole)


class TestEvaluation:
    def test_without_the_hook_disturbs_nothing(self, tmp_path: Path, whole: Stream) -> None:
        hooks = pair(tmp_path)
        for steps in (5, 9, 20):
            assert continues(train(tmp_path, *hooks, steps=steps, dataset=shuffled), whole)
            before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
            with tf.Graph().as_default():
                fetches = build(shuffled)
                creator = tf.compat.v1.train.ChiefSessionCreator(checkpoint_dir=str(tmp_path))
                with tf.compat.v1.train.MonitoredSession(creator) as monitored:
                    for _ in range(4):
                        monitored.run(fetches)
            assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def _interleaved() -> Any:
    return tf.data.Dataset.range(6).interleave(
        lambda first: tf.data.Dataset.range(first * 10, first * 10 + 7),
        cycle_length=3,
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def _mapped_in_parallel() -> Any:
    return tf.data.Dataset.range(30).map(lambda x: x * x, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _zipped() -> Any:
    first = tf.data.Dataset.range(17).shuffle(5, seed=1)
    second = tf.data.Dataset.range(100, 200).shuffle(9, seed=2)
    return tf.data.Dataset.zip((first, second)).map(lambda one, other: one * 1000 + other)


PIPELINES: dict[str, MakeDataset] = {
    "shuffle with a seed": lambda: tf.data.Dataset.range(20).shuffle(8, seed=3).repeat(),
    "shuffle with the graph's seed": lambda: tf.data.Dataset.range(20).shuffle(8).repeat(),
    "shuffle alike each epoch": lambda: (
        tf.data.Dataset.range(20).shuffle(8, seed=3, reshuffle_each_iteration=False).repeat()
    ),
    "repeat before shuffle": lambda: tf.data.Dataset.range(20).repeat().shuffle(8, seed=3),
    "a buffer larger than the data": lambda: tf.data.Dataset.range(5).shuffle(100, seed=3).repeat(),
    "cache": lambda: tf.data.Dataset.range(20).cache().shuffle(8, seed=3).repeat(),
    "interleave": lambda: _interleaved().shuffle(4, seed=3).repeat(),
    "parallel map": lambda: _mapped_in_parallel().repeat(),
    "prefetch": lambda: tf.data.Dataset.range(20).shuffle(8, seed=3).repeat().prefetch(tf.data.AUTOTUNE),
    "batch and unbatch": lambda: tf.data.Dataset.range(20).batch(3).prefetch(2).unbatch().repeat(),
    "filter and take": lambda: tf.data.Dataset.range(100).filter(lambda x: tf.equal(x % 3, 0)).take(11).repeat(),
    "zip": lambda: _zipped().repeat(),
    "flat map": lambda: tf.data.Dataset.range(1, 9).flat_map(tf.data.Dataset.range).repeat(),
}


class TestPipelines:
    @pytest.mark.parametrize("name", PIPELINES)
    def test_are_continued_within_an_epoch_and_over_its_edge(self, tmp_path: Path, name: str) -> None:
        dataset = PIPELINES[name]
        whole = train(tmp_path / "whole", *pair(tmp_path / "whole", save_steps=1000), steps=48, dataset=dataset)
        directory = tmp_path / "killed"
        for steps in (8, 21, 48):
            stream = train(directory, *pair(directory, save_steps=5), steps=steps, dataset=dataset, killed=True)
            assert continues(stream, whole)
        assert max(stream) == 48

    def test_a_one_shot_iterator_is_continued(self, tmp_path: Path) -> None:
        for steps in (8, 21):
            stream = train(tmp_path, *pair(tmp_path), steps=steps, iterator=one_shot, killed=True)
            assert stream == {step: step - 1 for step in stream}
        assert min(stream) == 7

    def test_a_shuffle_without_any_seed_loses_and_repeats_nothing_in_an_epoch(self, tmp_path: Path) -> None:
        streams: Stream = {}
        for steps in (8, 17, 40):
            stream = train(
                tmp_path,
                *pair(tmp_path),
                steps=steps,
                dataset=lambda: tf.data.Dataset.range(20).shuffle(8).repeat(),
                graph_seed=None,
                killed=True,
            )
            streams.update(stream)
        for epoch in (range(1, 21), range(21, 41)):
            assert sorted(streams[step] for step in epoch) == list(range(20))

    def test_several_iterators_of_one_graph_are_all_continued(self, tmp_path: Path) -> None:
        def two() -> Any:
            side = initializable(numbers()).get_next()
            return tf.data.Dataset.range(0, 10_000, 100), side

        def trained(steps: int) -> list[int]:
            with tf.Graph().as_default():
                dataset, side = two()
                step, example = build(lambda: dataset)
                seen = []
                with session(tmp_path, *pair(tmp_path)) as monitored:
                    reached = 0
                    while reached < steps:
                        reached, first, second = monitored.run((step, example, side))
                        seen.append(int(first + second))
            return seen

        assert trained(5) == [0, 101, 202, 303, 404]
        assert trained(8) == [505, 606, 707]

    def test_a_pipeline_with_a_python_function_is_refused_clearly(self, tmp_path: Path) -> None:
        def dataset() -> Any:
            return tf.data.Dataset.range(10).map(lambda x: tf.compat.v1.py_func(lambda value: value, [x], tf.int64))

        with pytest.raises(RuntimeError, match="external_state_policy='warn' or 'ignore'"):
            train(tmp_path, *pair(tmp_path), steps=5, dataset=dataset)


@pytest.mark.estimator
class TestBesideTensorFlowSInputHook:
    """TensorFlow's own was removed with Estimator."""

    @pytest.fixture
    def estimator(self, tmp_path: Path) -> Any:
        return an_estimator(tmp_path)

    def stock_pair(self, estimator: Any) -> list[Hook]:
        model = Stock(estimator.model_dir, save_steps=3)
        return [model, tf.data.experimental.CheckpointInputPipelineHook(estimator)]

    def test_its_checkpoints_restore_here(self, tmp_path: Path, estimator: Any, whole: Stream) -> None:
        train(tmp_path, *self.stock_pair(estimator), steps=6, dataset=shuffled)
        stream = train(tmp_path, *pair(tmp_path), steps=20, dataset=shuffled)
        assert min(stream) == 7
        assert continues(stream, whole)

    def test_ours_restore_there(self, tmp_path: Path, estimator: Any, whole: Stream) -> None:
        train(tmp_path, *pair(tmp_path), steps=6, dataset=shuffled)
        stream = train(tmp_path, *self.stock_pair(estimator), steps=20, dataset=shuffled)
        assert min(stream) == 7
        assert continues(stream, whole)

    def test_its_files_have_the_names_of_ours(self, tmp_path: Path, estimator: Any) -> None:
        train(tmp_path, *self.stock_pair(estimator), steps=4)
        train(tmp_path / "ours", *pair(tmp_path / "ours"), steps=4)
        stock, ours = (
            {path.name for path in directory.glob("*input*") if path.suffix != ".meta"}
            for directory in (tmp_path, tmp_path / "ours")
        )
        assert ours == stock

    def test_its_trap_a_kill_between_its_saves_and_the_model_s_is_none_here(
        self, tmp_path: Path, estimator: Any, whole: Stream
    ) -> None:
        for steps in (5, 10, 18):
            stock = train(tmp_path, *self.stock_pair(estimator), steps=steps, dataset=shuffled, killed=True)
            ours = train(tmp_path / "ours", *pair(tmp_path / "ours"), steps=steps, dataset=shuffled, killed=True)
            assert continues(ours, whole)
        assert not continues(stock, whole)
