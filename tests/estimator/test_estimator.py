"""The example of TensorFlow's own input hook, as its documentation has it, with ours."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.events import CheckpointRestored, SaveCompleted
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.hooks.model import CheckpointSaverHook
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.testing import RecordingBus
from tests.doubles import PATIENCE_SECONDS
from tests.training import Diary, KilledError, event_files, graphs_in, input_steps, saved_steps

pytestmark = pytest.mark.estimator

SHUFFLE_BUFFER = 8
EXAMPLES = 20


class Consumed(tf.compat.v1.train.SessionRunHook):
    """Writes down the example behind each step; kills the training behind one of them, if asked to."""

    def __init__(self) -> None:
        self.stream: dict[int, int] = {}
        self.kills_at: int | None = None

    def before_run(self, run_context: Any) -> Any:
        graph = run_context.session.graph
        names = ("step_after:0", "example:0")
        return tf.compat.v1.train.SessionRunArgs([graph.get_tensor_by_name(name) for name in names])

    def after_run(self, run_context: Any, run_values: Any) -> None:
        step, example = run_values.results
        self.stream[int(step)] = int(example)
        if int(step) == self.kills_at:
            raise KilledError


def input_fn() -> Any:
    return tf.data.Dataset.range(EXAMPLES).shuffle(SHUFFLE_BUFFER, seed=5).repeat().map(lambda x: ({"x": x}, x))


def model_fn(features: Any, labels: Any, mode: str) -> Any:
    weight = tf.compat.v1.get_variable("weight", [], tf.float32, tf.compat.v1.zeros_initializer())
    loss = tf.square(weight - tf.cast(labels, tf.float32))
    global_step = tf.compat.v1.train.get_or_create_global_step()
    tf.identity(labels, name="example")
    train_op = None
    if mode == "train":
        with tf.control_dependencies([weight.assign_add(tf.cast(labels, tf.float32))]):
            train_op = tf.identity(global_step.assign_add(1), name="step_after")
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)


MakeEstimator = Callable[..., Any]


@pytest.fixture
def estimator_of(tmp_path: Path) -> MakeEstimator:
    """Makes an Estimator that saves every 3 steps into `tmp_path`."""

    def make(**options: Any) -> Any:
        schedule = {} if "save_checkpoints_secs" in options else {"save_checkpoints_steps": 3}
        config = tf.estimator.RunConfig(str(tmp_path), tf_random_seed=1, **{**schedule, **options})
        return tf.estimator.Estimator(model_fn, config=config)

    return make


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[int, int]:
    """The stream of an uninterrupted training."""
    consumed = Consumed()
    config = tf.estimator.RunConfig(str(tmp_path_factory.mktemp("whole")), tf_random_seed=1)
    tf.estimator.Estimator(model_fn, config=config).train(input_fn, hooks=[consumed], steps=60)
    return consumed.stream


class TestTheDocumentedExample:
    def test_continues_where_it_left_off_in_every_round_undisturbed_by_evaluation(
        self, tmp_path: Path, estimator_of: MakeEstimator, whole: dict[int, int]
    ) -> None:
        est = estimator_of()
        consumed = Consumed()
        for _ in range(4):
            est.train(input_fn, hooks=[CheckpointInputPipelineHook(est), consumed], steps=5)
            assert input_steps(tmp_path) == saved_steps(tmp_path)
            before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("input*")}
            est.evaluate(input_fn, steps=3)
            assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("input*")} == before
        assert list(consumed.stream) == list(range(1, 21))
        assert consumed.stream.items() <= whole.items()

    @pytest.mark.parametrize("killed_at", [4, 8, 9])
    def test_continues_from_the_model_s_step_after_a_kill(
        self, estimator_of: MakeEstimator, whole: dict[int, int], killed_at: int
    ) -> None:
        est = estimator_of()
        consumed = Consumed()
        consumed.kills_at = killed_at
        with pytest.raises(KilledError):
            est.train(input_fn, hooks=[CheckpointInputPipelineHook(est), consumed], steps=20)
        resumed = Consumed()
        est.train(input_fn, hooks=[CheckpointInputPipelineHook(est), resumed], max_steps=20)
        assert min(resumed.stream) <= killed_at + 1
        assert resumed.stream.items() <= whole.items()

    def test_holds_for_the_same_hook_over_twenty_calls(
        self, tmp_path: Path, estimator_of: MakeEstimator, whole: dict[int, int]
    ) -> None:
        est = estimator_of(keep_checkpoint_max=3)
        consumed = Consumed()
        hook = CheckpointInputPipelineHook(est)
        threads = []
        for _ in range(20):
            est.train(input_fn, hooks=[hook, consumed], steps=2)
            assert input_steps(tmp_path) == saved_steps(tmp_path)
            threads.append(threading.active_count())
        assert len(input_steps(tmp_path)) == 3
        assert consumed.stream.items() <= whole.items()
        assert threads[-1] == threads[1]

    @pytest.mark.parametrize("keep_checkpoint_max", [1, 0, None])
    def test_keeps_as_many_of_one_kind_as_of_the_other(
        self, tmp_path: Path, estimator_of: MakeEstimator, keep_checkpoint_max: int | None
    ) -> None:
        est = estimator_of(keep_checkpoint_max=keep_checkpoint_max)
        for _ in range(3):
            est.train(input_fn, hooks=[CheckpointInputPipelineHook(est)], steps=8)
        assert input_steps(tmp_path) == saved_steps(tmp_path)
        assert len(input_steps(tmp_path)) == (keep_checkpoint_max or 10)

    def test_leaves_the_estimator_its_own_saver(self, tmp_path: Path, estimator_of: MakeEstimator) -> None:
        est = estimator_of()
        est.train(input_fn, hooks=[CheckpointInputPipelineHook(est)], steps=4)
        assert saved_steps(tmp_path) == [0, 3, 4]

    def test_opens_no_event_file_of_its_own(self, tmp_path: Path, estimator_of: MakeEstimator) -> None:
        est = estimator_of()
        est.train(input_fn, steps=4)
        before = event_files(tmp_path)
        est.train(input_fn, hooks=[CheckpointInputPipelineHook(est)], steps=4)
        assert event_files(tmp_path) == before

    def test_takes_tensorflow_s_policy_for_external_state(self, tmp_path: Path, estimator_of: MakeEstimator) -> None:
        def random_input_fn() -> Any:
            noise = tf.data.Dataset.range(EXAMPLES).map(lambda x: x + tf.random.uniform([], 0, 2, tf.int64))
            return noise.repeat().map(lambda x: ({"x": x}, x))

        est = estimator_of()
        with pytest.raises(RuntimeError, match="external_state_policy='warn' or 'ignore'"):
            est.train(random_input_fn, hooks=[CheckpointInputPipelineHook(est)], steps=4)
        est.train(random_input_fn, hooks=[CheckpointInputPipelineHook(est, "ignore")], steps=4)
        assert input_steps(tmp_path)[-1] == saved_steps(tmp_path)[-1]


class TestSavingListeners:
    def test_of_the_bus_report_the_saves_of_the_estimator_s_own_hook(
        self, tmp_path: Path, estimator_of: MakeEstimator
    ) -> None:
        bus = RecordingBus()
        est = estimator_of()
        for _ in range(2):
            est.train(input_fn, steps=4, saving_listeners=[bus.listener("model")])
        assert [(event.step, event.prefix) for event in bus.events(SaveCompleted)] == [
            (step, str(tmp_path / f"model.ckpt-{step}")) for step in (0, 3, 4, 4, 7, 8)
        ]

    def test_of_the_bus_let_the_input_hook_save_with_the_model_and_first(
        self, tmp_path: Path, estimator_of: MakeEstimator, whole: dict[int, int]
    ) -> None:
        bus = RecordingBus()
        est = estimator_of()
        consumed = Consumed()
        for _ in range(3):
            hook = CheckpointInputPipelineHook(est, bus=bus)
            est.train(input_fn, hooks=[hook, consumed], steps=5, saving_listeners=[bus.listener("model")])
            assert input_steps(tmp_path) == saved_steps(tmp_path)
        assert consumed.stream.items() <= whole.items()
        restored = [event.step for event in bus.events(CheckpointRestored) if event.kind == "input_pipeline"]
        assert restored == [5, 10]

    def test_are_called_when_the_model_hook_is_ours(self, estimator_of: MakeEstimator, tmp_path: Path) -> None:
        diary = Diary()
        hook = CheckpointSaverHook(str(tmp_path), save_steps=2)
        estimator_of().train(input_fn, hooks=[hook], steps=4, saving_listeners=[diary])
        assert diary.steps == [0, 2, 4]
        assert diary.calls[-1] == ("end", 4)


class TestBothHooksOnOneBus:
    @pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["model first", "input first"])
    def test_save_a_pair_in_the_estimator_s_place(
        self, tmp_path: Path, estimator_of: MakeEstimator, whole: dict[int, int], order: list[int]
    ) -> None:
        sink = MemorySink()
        bus = CheckpointBus([sink])
        est = estimator_of(save_checkpoints_secs=600)
        consumed = Consumed()
        hooks = [
            CheckpointSaverHook(str(tmp_path), save_steps=4, bus=bus),
            CheckpointInputPipelineHook(est, bus=bus),
        ]
        for _ in range(3):
            est.train(input_fn, hooks=[*(hooks[place] for place in order), consumed], steps=6)
            assert input_steps(tmp_path) == saved_steps(tmp_path)
            est.evaluate(input_fn, steps=2)
        assert consumed.stream.items() <= whole.items()
        assert bus.close(PATIENCE_SECONDS)
        assert dict(bus.totals().failed)["memory"] == 0

    def test_write_no_graph_anywhere(self, tmp_path: Path, estimator_of: MakeEstimator) -> None:
        bus = CheckpointBus()
        est = estimator_of(save_summary_steps=None, log_step_count_steps=None)
        hooks = [CheckpointSaverHook(str(tmp_path), save_steps=4, bus=bus), CheckpointInputPipelineHook(est, bus=bus)]
        est.train(input_fn, hooks=hooks, steps=6)
        assert sum(graphs_in(path) for path in event_files(tmp_path)) == 0
        assert not list(tmp_path.glob("*.meta"))


class TestImports:
    def test_estimator_is_never_loaded_by_the_package_itself(self, tmp_path: Path) -> None:
        program = (
            "import sys\n"
            "from observed_hooks import observe\n"
            "from tests.training import train\n"
            f"with observe({str(tmp_path)!r}, save_steps=3, prometheus_port=None) as observed:\n"
            f"    train({str(tmp_path)!r}, *observed.hooks, steps=4)\n"
            "print([name for name in sys.modules if name.startswith('tensorflow_estimator')])\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
