from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from observed_hooks.bus import CheckpointBus
from observed_hooks.checkpoints import files
from observed_hooks.checkpoints.baseline import SAVES_FOR_BASELINE
from observed_hooks.checkpoints.measure import Measurement
from observed_hooks.events import (
    CheckpointSaved,
    CheckpointSize,
    Event,
    Kind,
    Retained,
    RunEnded,
    SaveCompleted,
    SaveFailed,
)
from observed_hooks.sinks.memory import MemorySink
from tests.doubles import PATIENCE_SECONDS


def completed(directory: Path | str, step: int, *, kind: Kind = "model", basename: str = "model.ckpt") -> SaveCompleted:
    return SaveCompleted(
        kind=kind,
        step=step,
        prefix=f"{directory}/{basename}-{step}",
        duration_seconds=1.5,
        stall_seconds=0.25,
        write_seconds=1.25,
    )


def write(directory: Path, step: int, *, data: int = 100, basename: str = "model.ckpt") -> None:
    (directory / f"{basename}-{step}.data-00000-of-00001").write_bytes(bytes(data))
    (directory / f"{basename}-{step}.index").write_bytes(bytes(10))


def measured(event: Event, measurement: Measurement | None = None) -> CheckpointSaved:
    (found,) = (measurement or Measurement())(event)
    assert isinstance(found, CheckpointSaved)
    return found


class TestSavedCheckpoint:
    def test_is_measured_and_keeps_what_the_hook_knew(self, tmp_path: Path) -> None:
        write(tmp_path, 5)
        save = completed(tmp_path, 5)
        found = measured(save)
        assert (found.kind, found.step, found.prefix) == (save.kind, save.step, save.prefix)
        assert (found.duration_seconds, found.stall_seconds) == (1.5, 0.25)
        assert found.write_seconds == 1.25
        assert found.size == CheckpointSize(data_bytes=100, index_bytes=10, meta_bytes=0)

    def test_of_step_1_is_not_weighed_with_steps_10_to_19(self, tmp_path: Path) -> None:
        for step in (1, *range(10, 20)):
            write(tmp_path, step, data=step)
        size = measured(completed(tmp_path, 1)).size
        assert size is not None
        assert size.data_bytes == 1

    def test_tells_what_retention_has_left_of_its_kind(self, tmp_path: Path) -> None:
        for step in (1, 2, 3):
            write(tmp_path, step)
        write(tmp_path, 3, basename="input.ckpt")
        assert measured(completed(tmp_path, 3)).retained == Retained(checkpoints=3, size_bytes=330)

    def test_tells_the_room_that_is_left(self, tmp_path: Path) -> None:
        write(tmp_path, 1)
        assert measured(completed(tmp_path, 1)).filesystem is not None

    def test_has_a_baseline_once_there_were_enough_saves(self, tmp_path: Path) -> None:
        measurement = Measurement()
        found = []
        for step in range(SAVES_FOR_BASELINE):
            write(tmp_path, step)
            found.append(measured(completed(tmp_path, step), measurement).baseline_bytes)
        assert found == [None] * (SAVES_FOR_BASELINE - 1) + [110]

    def test_keeps_its_baseline_over_a_restart(self, tmp_path: Path) -> None:
        for step in range(SAVES_FOR_BASELINE):
            write(tmp_path, step)
            measured(completed(tmp_path, step), Measurement())
        write(tmp_path, 99, data=10_000)
        assert measured(completed(tmp_path, 99), Measurement()).baseline_bytes == 110


class TestUnknown:
    def test_is_what_was_pruned_between_save_and_measurement_and_never_zero(self, tmp_path: Path) -> None:
        write(tmp_path, 9)
        found = measured(completed(tmp_path, 5))
        assert found.size is None
        assert found.retained == Retained(checkpoints=1, size_bytes=110)

    def test_a_pruned_checkpoint_does_not_enter_the_baseline(self, tmp_path: Path) -> None:
        measurement = Measurement()
        for step in range(SAVES_FOR_BASELINE):
            measured(completed(tmp_path, 100 + step), measurement)
        write(tmp_path, 5)
        assert measured(completed(tmp_path, 5), measurement).baseline_bytes is None

    def test_everything_is_when_nobody_told_the_prefix(self) -> None:
        save = SaveCompleted(
            kind="model", step=5, prefix="", duration_seconds=1.0, stall_seconds=1.0, write_seconds=1.0
        )
        found = measured(save)
        assert (found.size, found.baseline_bytes, found.retained, found.filesystem) == (None, None, None, None)

    def test_a_directory_that_is_gone_leaves_no_trace(self, tmp_path: Path) -> None:
        found = measured(completed(tmp_path / "gone", 5))
        assert found.size is None
        assert not (tmp_path / "gone").exists()

    def test_a_directory_that_cannot_be_read_costs_the_sizes_and_not_the_save(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(directory: str) -> dict[str, int]:
            raise PermissionError(directory)

        monkeypatch.setattr(files, "list_sizes", refuse)
        measurement = Measurement()
        found = [measured(completed(tmp_path, step), measurement) for step in (5, 6)]
        assert [(each.step, each.size, each.retained) for each in found] == [(5, None, None), (6, None, None)]
        (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert str(tmp_path) in line.getMessage()


class TestOtherEvents:
    @pytest.mark.parametrize(
        "event",
        [RunEnded(), SaveFailed(kind="model", step=1, duration_seconds=1.0, stall_seconds=1.0, error="OSError: full")],
    )
    def test_are_handed_on_as_they_are(self, event: Event) -> None:
        assert list(Measurement()(event)) == [event]


class TestRemoteDirectory:
    @pytest.fixture
    def directory(self) -> Iterator[str]:
        import tensorflow as tf

        directory = "ram://measured"
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            variable = tf.compat.v1.get_variable("v", [100])
            session.run(variable.initializer)
            tf.compat.v1.train.Saver().save(session, f"{directory}/model.ckpt", global_step=5, write_meta_graph=False)
        yield directory
        tf.io.gfile.rmtree(directory)

    def test_has_sizes_and_no_room_that_is_known(self, directory: str) -> None:
        found = measured(completed(directory, 5))
        assert found.size is not None
        assert found.size.data_bytes == 400
        assert found.size.index_bytes > 0
        assert found.retained == Retained(checkpoints=1, size_bytes=found.size.total_bytes)
        assert found.filesystem is None

    def test_has_no_file_of_ours_in_it(self, directory: str) -> None:
        import tensorflow as tf

        before = tf.io.gfile.listdir(directory)
        measured(completed(directory, 5))
        assert tf.io.gfile.listdir(directory) == before


class TestThroughABus:
    def test_a_save_that_was_pruned_before_the_sinks_saw_it_is_still_told(self, tmp_path: Path) -> None:
        sink = MemorySink()
        bus = CheckpointBus([sink])
        bus.publish(completed(tmp_path, 5))
        bus.close(PATIENCE_SECONDS)
        (found,) = sink.events(CheckpointSaved)
        assert (found.step, found.size) == (5, None)
