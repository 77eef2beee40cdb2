"""What a user meets when a save or a restore goes wrong, on real files."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks import CheckpointInputPipelineHook, CheckpointSaverHook
from observed_hooks.checkpoints.files import checkpoints
from observed_hooks.errors import ConfigurationError, InputTooLargeError, RestoreError, SaveError, UnserializableError
from observed_hooks.events import (
    CheckpointRestored,
    InputRestarted,
    LeftoversRemoved,
    RestoreFailed,
    SaveCompleted,
    SaveFailed,
    SaveSkipped,
)
from observed_hooks.testing import RecordingBus

v1 = tf.compat.v1
EVERY = 2


def numbers() -> tf.data.Dataset:
    return tf.data.Dataset.range(1000).shuffle(50, seed=7).repeat()


def with_python_code() -> tf.data.Dataset:
    return numbers().map(lambda x: tf.numpy_function(lambda y: y, [x], tf.int64))


class Training:
    """One short job in one directory; each `run` is a process's worth of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.bus = RecordingBus()
        self.seen: dict[int, int] = {}

    def run(
        self,
        steps: int,
        dataset: Callable[[], tf.data.Dataset] = numbers,
        after_step: Callable[[int], object] = lambda step: None,
        **options: Any,
    ) -> None:
        self.bus = RecordingBus()
        with tf.Graph().as_default():
            iterator = v1.data.make_initializable_iterator(dataset())
            v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
            element = iterator.get_next()
            v1.get_variable("weights", shape=[2000])
            advance = v1.assign_add(v1.train.get_or_create_global_step(), 1)
            with self._session(options) as session:
                for _ in range(steps):
                    number, step = session.run([element, advance])
                    self.seen[int(step)] = int(number)
                    after_step(int(step))

    def _session(self, options: dict[str, Any]) -> Any:
        hooks = [
            CheckpointSaverHook(self.directory, save_steps=EVERY, bus=self.bus),
            CheckpointInputPipelineHook(checkpoint_dir=self.directory, bus=self.bus, **options),
        ]
        return v1.train.MonitoredTrainingSession(
            checkpoint_dir=self.directory,
            hooks=hooks,
            save_checkpoint_secs=None,
            save_checkpoint_steps=None,
            save_summaries_steps=None,
            log_step_count_steps=None,
        )

    def steps_of(self, basename: str) -> list[int]:
        return list(checkpoints(self.directory, basename))

    def path(self, name: str) -> Path:
        return Path(self.directory, name)


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path / "job")


@pytest.fixture
def uninterrupted(tmp_path: Path) -> dict[int, int]:
    job = Training(tmp_path / "reference")
    job.run(12)
    return job.seen


def only_shard(training: Training, step: int) -> Path:
    return training.path(f"input.ckpt-{step}.data-00000-of-00001")


class TestADamagedInputCheckpoint:
    def damage(self, training: Training, how: str) -> None:
        if how == "truncated data":
            os.truncate(only_shard(training, 6), 40)
        elif how == "no data":
            only_shard(training, 6).unlink()
        elif how == "flipped bytes":
            data = bytearray(only_shard(training, 6).read_bytes())
            data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
            only_shard(training, 6).write_bytes(data)
        else:
            os.truncate(training.path("input.ckpt-6.index"), 20)

    @pytest.mark.parametrize("how", ["truncated data", "no data", "flipped bytes", "truncated index"])
    def test_gives_way_to_the_next_older_one(self, training: Training, how: str) -> None:
        training.run(6)
        self.damage(training, how)

        training.run(2)

        (failed,) = training.bus.events(RestoreFailed)
        restored = training.bus.events(CheckpointRestored)[-1]
        assert failed.prefix.endswith("input.ckpt-6")
        assert (restored.step, restored.model_step, restored.skew_steps) == (4, 6, 2)

    def test_continues_the_stream_from_the_older_position(
        self, training: Training, uninterrupted: dict[int, int]
    ) -> None:
        training.run(6)
        self.damage(training, "flipped bytes")

        training.run(2)

        assert [training.seen[7], training.seen[8]] == [uninterrupted[5], uninterrupted[6]]

    def test_without_an_older_one_lets_the_pipeline_begin_afresh(
        self, training: Training, uninterrupted: dict[int, int]
    ) -> None:
        training.run(6)
        for step in training.steps_of("input.ckpt"):
            os.truncate(only_shard(training, step), 40)

        training.run(2)

        assert [event.model_step for event in training.bus.events(InputRestarted)] == [6]
        assert [training.seen[7], training.seen[8]] == [uninterrupted[1], uninterrupted[2]]

    def test_is_an_error_for_those_who_want_no_other(self, training: Training) -> None:
        training.run(6)
        self.damage(training, "no data")

        with pytest.raises(RestoreError, match="on_step_mismatch='nearest'"):
            training.run(2, on_step_mismatch="fail")

    def test_without_an_index_is_as_good_as_missing(self, training: Training) -> None:
        training.run(6)
        training.path("input.ckpt-6.index").unlink()

        training.run(2)

        assert training.bus.events(CheckpointRestored)[-1].step == 4


class TestAShuffleBufferOfAnotherSize:
    """TensorFlow 2.15 crashes on some of these, 2.21 raises at a later step, and both may yield wrong elements."""

    @pytest.mark.parametrize("size", [10, 500])
    def test_lets_the_pipeline_begin_afresh(self, training: Training, size: int) -> None:
        def resized() -> tf.data.Dataset:
            return tf.data.Dataset.range(1000).shuffle(size, seed=7).repeat()

        training.run(6)

        training.run(40, resized)

        assert [event.model_step for event in training.bus.events(InputRestarted)] == [6]
        assert max(training.seen) == 46

    def test_is_an_error_for_those_who_want_an_exact_resume(self, training: Training) -> None:
        training.run(6)

        with pytest.raises(RestoreError, match="cannot be restored"):
            training.run(2, lambda: tf.data.Dataset.range(1000).shuffle(10).repeat(), on_step_mismatch="fail")

    def test_continues_exactly_from_the_second_run_on(self, training: Training) -> None:
        def resized() -> tf.data.Dataset:
            return tf.data.Dataset.range(1000).shuffle(10, seed=7).repeat()

        training.run(6)
        training.run(4, resized)

        training.run(2, resized)

        assert training.bus.events(CheckpointRestored)[-1].skew_steps == 0


class TestADamagedStateFile:
    @pytest.mark.parametrize(
        "content",
        [b"", b"\x00\xffnonsense", b'model_checkpoint_path: "model.ckpt-999"\n'],
        ids=["empty", "noise", "gone"],
    )
    def test_of_the_model_loses_no_checkpoint(self, training: Training, content: bytes) -> None:
        training.run(6)
        training.path("checkpoint").write_bytes(content)

        training.run(1)

        assert training.bus.events(CheckpointRestored)[0].step == 6
        assert 7 in training.seen

    def test_of_the_input_pipeline_is_not_needed(self, training: Training) -> None:
        training.run(6)
        training.path("checkpoint_input").write_bytes(b"\x00\xff")

        training.run(1)

        assert training.bus.events(CheckpointRestored)[-1].skew_steps == 0

    def test_that_was_taken_away_asks_for_a_fresh_start(self, training: Training) -> None:
        training.run(6)
        training.path("checkpoint").unlink()

        training.run(1)

        assert not training.bus.events(CheckpointRestored) or training.bus.events(CheckpointRestored)[0].step == 0


class TestAPipelineThatCannotBeSaved:
    def test_is_an_error_that_names_op_iterator_and_option(self, training: Training) -> None:
        with pytest.raises(UnserializableError, match=r"'IteratorV2'.*PyFunc.*external_state_policy='warn'"):
            training.run(3, with_python_code)

    def test_trains_on_without_input_checkpoints_when_told_to(self, training: Training) -> None:
        training.run(4, with_python_code, on_unserializable="disable")

        assert training.steps_of("model.ckpt") == [0, 2, 4]
        assert training.steps_of("input.ckpt") == []
        assert [event.step for event in training.bus.events(SaveSkipped)] == [0, 2, 4]

    def test_is_saved_without_that_state_under_another_policy(self, training: Training) -> None:
        training.run(2, with_python_code, external_state_policy="warn")

        assert training.steps_of("input.ckpt") == [0, 2]


class TestAnInputCheckpointBeyondItsLimit:
    def test_stays_with_a_warning(self, training: Training) -> None:
        training.run(4, max_input_checkpoint_bytes=100)

        assert training.steps_of("input.ckpt") == [0, 2, 4]

    def test_is_skipped(self, training: Training) -> None:
        training.run(4, max_input_checkpoint_bytes=100, on_oversize="skip")

        assert training.steps_of("input.ckpt") == []
        assert [event.step for event in training.bus.events(SaveSkipped)] == [0, 2, 4]
        assert training.steps_of("model.ckpt") == [0, 2, 4]

    def test_is_an_error(self, training: Training) -> None:
        with pytest.raises(InputTooLargeError, match="max_input_checkpoint_bytes=100"):
            training.run(4, max_input_checkpoint_bytes=100, on_oversize="raise")

    def test_below_the_limit_it_is_an_ordinary_save(self, training: Training) -> None:
        training.run(4, max_input_checkpoint_bytes=10**9, on_oversize="raise")

        assert training.steps_of("input.ckpt") == [0, 2, 4]


class TestChoices:
    @pytest.mark.parametrize("name", ["on_step_mismatch", "on_unserializable", "on_oversize", "external_state_policy"])
    def test_that_are_misspelt_are_named_with_the_right_ones(self, name: str) -> None:
        wrong: dict[str, Any] = {name: "sometimes"}

        with pytest.raises(ConfigurationError, match=rf"expected {name} to be one of .*, got 'sometimes'"):
            CheckpointInputPipelineHook(checkpoint_dir="somewhere", save_steps=1, **wrong)


@contextlib.contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Let every write beyond `size_bytes` fail, as on a full disk; Python ignores the signal that comes with it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here; the limit on file size stands in for it")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class TestADiskThatIsFull:
    def test_costs_the_input_checkpoint_and_not_the_model(self, training: Training) -> None:
        # 12,000 bytes are enough for the 8,000 of the model, and too few for a thousand buffered elements.
        with largest_file(12_000):
            training.run(4, lambda: tf.data.Dataset.range(1000).shuffle(1000, seed=1))

        assert training.steps_of("model.ckpt") == [0, 2, 4]
        assert [event.kind for event in training.bus.events(SaveFailed)] == ["input_pipeline"] * 3

    def test_lets_the_models_error_reach_the_user(self, training: Training) -> None:
        training.run(2)

        with pytest.raises(SaveError), largest_file(4_000):
            training.run(2)

        assert "model" in [event.kind for event in training.bus.events(SaveFailed)]

    def test_is_not_taken_for_the_end_of_the_data(self, training: Training) -> None:
        """TensorFlow reports a file that may not grow as OutOfRangeError, by which sessions end in silence."""
        limits = contextlib.ExitStack()

        with limits, pytest.raises(SaveError, match="step 4 could not be written"):
            training.run(8, after_step=lambda step: limits.enter_context(largest_file(4_000)) if step == 3 else None)

        assert max(training.seen) == 3

    def test_leaves_the_last_good_checkpoint_the_latest(self, training: Training) -> None:
        training.run(2)
        with contextlib.suppress(SaveError), largest_file(4_000):
            training.run(2)

        assert tf.train.latest_checkpoint(training.directory) == str(training.path("model.ckpt-2"))
        training.run(2)
        assert training.steps_of("model.ckpt") == training.steps_of("input.ckpt") == [0, 2, 4]

    def test_leaves_nothing_half_written_behind(self, training: Training) -> None:
        training.run(2)
        with contextlib.suppress(SaveError), largest_file(4_000):
            training.run(2)

        assert not [name for name in os.listdir(training.directory) if "temp" in name]

    @pytest.mark.integration
    def test_that_is_real_is_survived_by_the_checkpoints_on_it(self, small_disk: Path) -> None:
        job = Training(small_disk / "job")
        job.run(2)
        (small_disk / "filler").write_bytes(bytes(max(0, shutil.disk_usage(small_disk).free - 8_000)))

        with pytest.raises(tf.errors.OpError):
            job.run(6)
        (small_disk / "filler").unlink()
        newest = job.steps_of("model.ckpt")[-1]
        job.run(2)

        assert job.bus.events(CheckpointRestored)[-1].model_step == newest


class TestADirectoryThatIsTakenAway:
    def test_lets_the_models_error_reach_the_user(self, training: Training) -> None:
        def take_away(step: int) -> None:
            if step == 3:
                shutil.rmtree(training.directory)

        with pytest.raises((ValueError, tf.errors.OpError)):
            training.run(6, after_step=take_away)

        assert {event.kind for event in training.bus.events(SaveFailed)} == {"model", "input_pipeline"}


class TestADirectoryThatMayNotBeWrittenAnyMore:
    def test_lets_the_models_error_reach_the_user_and_the_next_run_go_on(self, tmp_path: Path) -> None:
        root = Path(__file__).parents[2]
        ended = subprocess.run(
            [sys.executable, "-m", "tests.hooks.unprivileged", str(tmp_path / "job")],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == 0, ended.stderr[-2000:]
        assert json.loads(ended.stdout) == {
            "raised": "PermissionDeniedError",
            "failed": ["input_pipeline", "model"],
            "newest": 2,
            "raised_again": "",
            "steps": [0, 2, 4, 6, 8],
        }


class TestLeftoversOfAKilledSave:
    def test_are_removed_and_told_of_when_the_next_run_begins(self, training: Training) -> None:
        training.run(2)
        shards = training.path("model.ckpt-4_temp")
        shards.mkdir()
        (shards / "part-00000-of-00001.data-00000-of-00001").write_bytes(bytes(3000))
        training.path("input.ckpt-4.data-00000-of-00001.tempstate123").write_bytes(bytes(50))

        training.run(1)

        removed = {event.kind: event.size_bytes for event in training.bus.events(LeftoversRemoved)}
        assert removed == {"model": 3000, "input_pipeline": 50}
        assert not [name for name in os.listdir(training.directory) if "temp" in name]

    def test_are_data_without_an_index_and_state_files_half_written_too(self, training: Training) -> None:
        training.run(2)
        left = [
            training.path("input.ckpt-99.data-00000-of-00001"),
            training.path("model.ckpt-99.data-00000-of-00002"),
            training.path("checkpoint.tmp0a1b2c"),
            training.path("checkpoint_input.tmp"),
        ]
        for path in left:
            path.write_bytes(b"x")

        training.run(1)

        assert not [path for path in left if path.exists()]
        assert training.steps_of("input.ckpt") == training.steps_of("model.ckpt") == [0, 2, 3]

    def test_stay_when_they_are_not_ours(self, training: Training) -> None:
        training.run(2)
        other = training.path("theirs.ckpt-4.index.tempstate1")
        other.write_bytes(b"x")

        training.run(1)

        assert other.exists()

    def test_do_not_count_as_a_checkpoint(self, training: Training) -> None:
        training.run(2)
        training.path("input.ckpt-99.data-00000-of-00001").write_bytes(b"x")

        training.run(2)

        assert training.bus.events(CheckpointRestored)[-1].step == 2


class TestAFailedSave:
    def test_is_tried_again_at_the_next_chance(self, training: Training) -> None:
        attempts: list[int] = []

        class FailsOnce:
            last_checkpoints: tuple[str, ...] = ()

            def save(self, session: Any, path: str, global_step: int, **options: Any) -> str:
                attempts.append(global_step)
                if global_step == 3:
                    raise tf.errors.ResourceExhaustedError(None, None, "no space left")
                return f"{path}-{global_step}"

        bus = RecordingBus()
        with tf.Graph().as_default():
            v1.data.make_one_shot_iterator(numbers())
            advance = v1.assign_add(v1.train.get_or_create_global_step(), 1)
            hook = CheckpointInputPipelineHook(
                checkpoint_dir=training.directory, save_steps=3, saver=FailsOnce(), bus=bus
            )
            with v1.train.MonitoredSession(hooks=[hook]) as session:
                for _ in range(7):
                    session.run(advance)

        assert attempts == [0, 3, 4, 7]
        assert [event.step for event in bus.events(SaveCompleted)] == [0, 4, 7]
