from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest

from observed_hooks.bus import CheckpointBus
from observed_hooks.checkpoints import files
from observed_hooks.events import (
    CheckpointingStarted,
    CheckpointSaved,
    ComponentsMeasured,
    DirectoryWatched,
    Event,
    Retained,
    SaveCompleted,
)
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.testing import FakeClock
from observed_hooks.watching.directory import DirectoryWatch, keep_looking, kind_of
from tests.doubles import PATIENCE_SECONDS


class Watched:
    """A watch on a directory, and what it has published: (event, when)."""

    def __init__(self, directory: Path, basenames: tuple[str, ...] | None = None) -> None:
        self.published: list[tuple[Event, float | None]] = []
        self.watch = DirectoryWatch(str(directory), self.publish, FakeClock(), basenames=basenames)

    def publish(self, event: Event, *, time_seconds: float | None = None) -> None:
        self.published.append((event, time_seconds))

    def saves(self) -> list[tuple[str, int]]:
        """The saves since this was last asked."""
        found: list[tuple[str, int]] = [
            (event.kind, event.step) for event, _ in self.published if isinstance(event, SaveCompleted)
        ]
        self.published.clear()
        return found

    def look(self) -> list[tuple[str, int]]:
        self.watch.look()
        return self.saves()


def write(
    directory: Path, step: int, *, basename: str = "model.ckpt", at_seconds: float = 0.0, shards: int = 1
) -> None:
    directory.mkdir(exist_ok=True)
    for shard in range(shards):
        (directory / f"{basename}-{step}.data-{shard:05d}-of-{shards:05d}").write_bytes(bytes(100))
    index = directory / f"{basename}-{step}.index"
    index.write_bytes(bytes(10))
    os.utime(index, (at_seconds or 1000.0 + step, at_seconds or 1000.0 + step))


class TestAWatch:
    def test_tells_each_save_once(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        watched.look()
        write(tmp_path, 10)
        assert watched.look() == [("model", 10)]
        assert watched.look() == []

    def test_tells_several_saves_in_the_order_in_which_they_were_complete(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        watched.look()
        write(tmp_path, 1, at_seconds=5.0)
        watched.look()
        write(tmp_path, 30, at_seconds=20.0)
        write(tmp_path, 20, at_seconds=10.0)
        assert watched.look() == [("model", 20), ("model", 30)]

    def test_tells_when_a_checkpoint_was_complete_and_not_when_it_was_seen(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        watched.watch.look()
        write(tmp_path, 7, at_seconds=1234.5)
        watched.watch.look()
        assert [when for event, when in watched.published if isinstance(event, SaveCompleted)] == [1234.5]

    def test_tells_an_input_checkpoint_before_the_model_that_was_complete_at_the_same_moment(
        self, tmp_path: Path
    ) -> None:
        watched = Watched(tmp_path)
        watched.look()
        write(tmp_path, 7, basename="model.ckpt", at_seconds=5.0)
        write(tmp_path, 7, basename="input_worker_0.ckpt", at_seconds=5.0)
        assert watched.look() == [("input_pipeline", 7), ("model", 7)]

    def test_tells_the_same_step_again_when_it_was_saved_again(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        write(tmp_path, 7, at_seconds=5.0)
        watched.look()
        write(tmp_path, 7, at_seconds=6.0)
        assert watched.look() == [("model", 7)]

    def test_waits_until_every_shard_is_there(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        watched.look()
        write(tmp_path, 7, shards=2)
        shard = tmp_path / "model.ckpt-7.data-00001-of-00002"
        shard.rename(tmp_path / "aside")
        assert watched.look() == []
        (tmp_path / "aside").rename(shard)
        assert watched.look() == [("model", 7)]

    def test_knows_no_durations(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        write(tmp_path, 7)
        watched.watch.look()
        (save,) = [event for event, _ in watched.published if isinstance(event, SaveCompleted)]
        assert (save.duration_seconds, save.stall_seconds, save.write_seconds) == (None, None, None)


class TestTheFirstLook:
    def test_tells_the_newest_of_what_is_there_already(self, tmp_path: Path) -> None:
        for step in (1, 2, 3):
            write(tmp_path, step)
        assert Watched(tmp_path).look() == [("model", 3)]

    def test_begins_at_the_newest_save_so_that_its_age_is_right(self, tmp_path: Path) -> None:
        write(tmp_path, 3, at_seconds=77.0)
        watched = Watched(tmp_path)
        watched.watch.look()
        event, when = watched.published[0]
        assert isinstance(event, CheckpointingStarted)
        assert (event.kind, event.step, when) == ("model", 3, 77.0)

    def test_of_an_empty_directory_begins_now_so_that_never_saved_can_be_seen(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        watched.watch.look()
        event, when = watched.published[0]
        assert isinstance(event, CheckpointingStarted)
        assert (event.kind, event.step, when) == ("model", 0, FakeClock().time())

    def test_tells_nothing_of_an_input_pipeline_that_nobody_saves(self, tmp_path: Path) -> None:
        write(tmp_path, 3)
        watched = Watched(tmp_path)
        watched.watch.look()
        told = [event.kind for event, _ in watched.published if isinstance(event, CheckpointingStarted | SaveCompleted)]
        assert told == ["model", "model"]


class TestADirectory:
    def test_may_appear_later(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path / "later")
        assert watched.look() == []
        write(tmp_path / "later", 5)
        assert watched.look() == [("model", 5)]

    def test_may_be_emptied_and_filled_again(self, tmp_path: Path) -> None:
        directory = tmp_path / "run"
        watched = Watched(directory)
        write(directory, 5)
        watched.look()
        shutil.rmtree(directory)
        watched.watch.look()
        (gone,) = [event for event, _ in watched.published if isinstance(event, DirectoryWatched)]
        assert (gone.retained, gone.filesystem, gone.step) == (Retained(checkpoints=0, size_bytes=0), None, 0)
        watched.published.clear()
        write(directory, 1)
        assert watched.look() == [("model", 1)]

    def test_that_cannot_be_read_for_a_while_is_warned_of_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        watched = Watched(tmp_path)
        write(tmp_path, 5)
        watched.look()
        write(tmp_path, 6)
        with monkeypatch.context() as broken:

            def refuse(directory: str) -> dict[str, int]:
                raise OSError(5, "Input/output error", directory)

            broken.setattr(files, "list_sizes", refuse)
            assert [watched.look(), watched.look()] == [[], []]
        assert watched.look() == [("model", 6)]
        assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) == 1

    def test_tells_what_retention_has_left_when_that_changes(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        for step in (1, 2):
            write(tmp_path, step)
        watched.watch.look()
        for path in tmp_path.glob("model.ckpt-1.*"):
            path.unlink()
        watched.watch.look()
        told = [event.retained.checkpoints for event, _ in watched.published if isinstance(event, DirectoryWatched)]
        assert (told[0], told[-1]) == (2, 1)

    def test_with_several_models_is_warned_of_and_can_be_narrowed(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write(tmp_path, 1, basename="best")
        write(tmp_path, 2, basename="model.ckpt")
        Watched(tmp_path).look()
        assert "--basename" in caplog.text
        caplog.clear()
        assert Watched(tmp_path, ("best",)).look() == [("model", 1)]
        assert not caplog.records


class TestLookingOn:
    def test_goes_on_until_it_is_told_to_end(self, tmp_path: Path) -> None:
        watched = Watched(tmp_path)
        waited: list[float] = []

        def wait(seconds: float) -> bool:
            waited.append(seconds)
            write(tmp_path, len(waited))
            return len(waited) == 3

        keep_looking(watched.watch, 5.0, wait)
        assert waited == [5.0, 5.0, 5.0]
        assert watched.saves() == [("model", 1), ("model", 2)]


class TestThroughABus:
    def test_a_save_has_its_size_and_its_components(self, tmp_path: Path) -> None:
        sink = MemorySink()
        bus = CheckpointBus([sink], run="watched", task="worker-0")
        write(tmp_path, 5, at_seconds=1234.5)
        DirectoryWatch(str(tmp_path), bus.publish, FakeClock()).look()
        assert bus.close(PATIENCE_SECONDS)
        (record,) = [each for each in sink.records if isinstance(each.event, CheckpointSaved)]
        assert isinstance(record.event, CheckpointSaved)
        assert record.time_seconds == 1234.5
        assert record.event.size is not None
        assert record.event.size.total_bytes == 110
        assert len(sink.events(ComponentsMeasured)) == 1


@pytest.mark.parametrize(
    ("basename", "kind"),
    [
        ("model.ckpt", "model"),
        ("best", "model"),
        ("input.ckpt", "input_pipeline"),
        ("input_chief_0.ckpt", "input_pipeline"),
    ],
)
def test_a_name_tells_the_kind(basename: str, kind: str) -> None:
    assert kind_of(basename) == kind
