from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from observed_hooks.checkpoints.files import (
    all_checkpoints,
    checkpoints,
    filesystem,
    is_remote,
    join,
    list_sizes,
    retained,
    split_prefix,
)
from observed_hooks.events import CheckpointSize, Retained


def save(directory: Path, step: int, *, basename: str = "model.ckpt", data: int = 100, index: int = 10) -> None:
    prefix = directory / f"{basename}-{step}"
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(bytes(data))
    prefix.with_name(f"{prefix.name}.index").write_bytes(bytes(index))


class TestCheckpoints:
    def test_are_found_by_step_ascending_whatever_their_number_of_digits(self, tmp_path: Path) -> None:
        for step in (100, 9, 20):
            save(tmp_path, step)
        assert list(checkpoints(str(tmp_path), "model.ckpt")) == [9, 20, 100]

    def test_step_1_never_counts_the_files_of_steps_10_to_19(self, tmp_path: Path) -> None:
        for step in (1, *range(10, 20)):
            save(tmp_path, step, data=1000 + step)
        assert checkpoints(str(tmp_path), "model.ckpt")[1].size.data_bytes == 1001

    def test_the_parts_of_one_are_told_apart(self, tmp_path: Path) -> None:
        save(tmp_path, 5, data=100, index=10)
        (tmp_path / "model.ckpt-5.meta").write_bytes(bytes(7))
        size = checkpoints(str(tmp_path), "model.ckpt")[5].size
        assert size == CheckpointSize(data_bytes=100, index_bytes=10, meta_bytes=7)
        assert size.total_bytes == 117

    def test_all_shards_of_one_are_added_up(self, tmp_path: Path) -> None:
        (tmp_path / "model.ckpt-5.index").write_bytes(bytes(10))
        for shard in range(3):
            (tmp_path / f"model.ckpt-5.data-0000{shard}-of-00003").write_bytes(bytes(100))
        found = checkpoints(str(tmp_path), "model.ckpt")[5]
        assert found.size.data_bytes == 300
        assert found.complete

    def test_one_that_lacks_a_shard_is_not_complete(self, tmp_path: Path) -> None:
        (tmp_path / "model.ckpt-5.index").write_bytes(bytes(10))
        (tmp_path / "model.ckpt-5.data-00001-of-00002").write_bytes(bytes(100))
        assert not checkpoints(str(tmp_path), "model.ckpt")[5].complete

    def test_one_exists_once_its_index_does(self, tmp_path: Path) -> None:
        (tmp_path / "model.ckpt-5.data-00000-of-00001").write_bytes(bytes(100))
        (tmp_path / "model.ckpt-5.meta").write_bytes(bytes(100))
        assert checkpoints(str(tmp_path), "model.ckpt") == {}

    def test_the_index_is_named_first_so_that_removing_in_order_leaves_no_half(self, tmp_path: Path) -> None:
        save(tmp_path, 5)
        (tmp_path / "model.ckpt-5.meta").touch()
        found = checkpoints(str(tmp_path), "model.ckpt")[5]
        assert found.names[0] == "model.ckpt-5.index"
        assert sorted(found.names) == ["model.ckpt-5.data-00000-of-00001", "model.ckpt-5.index", "model.ckpt-5.meta"]

    def test_the_prefix_is_what_a_saver_returns(self, tmp_path: Path) -> None:
        save(tmp_path, 5)
        assert checkpoints(str(tmp_path), "model.ckpt")[5].prefix == str(tmp_path / "model.ckpt-5")

    @pytest.mark.parametrize(
        "leftover",
        [
            "model.ckpt-5.index.tempstate123",
            "model.ckpt-5.data-00000-of-00001.tempstate123",
            "model.ckpt-5_temp",
            "model.ckpt-5.index~",
            "old.model.ckpt-5.index",
            "model.ckpt-5.data-0-of-1",
        ],
    )
    def test_left_overs_and_foreign_files_do_not_count(self, tmp_path: Path, leftover: str) -> None:
        save(tmp_path, 5)
        before = checkpoints(str(tmp_path), "model.ckpt")
        (tmp_path / leftover).write_bytes(bytes(1000))
        assert checkpoints(str(tmp_path), "model.ckpt") == before

    def test_a_directory_that_is_named_like_a_file_of_one_does_not_count(self, tmp_path: Path) -> None:
        (tmp_path / "model.ckpt-5.index").mkdir()
        assert checkpoints(str(tmp_path), "model.ckpt") == {}

    def test_model_and_input_pipeline_are_told_apart(self, tmp_path: Path) -> None:
        save(tmp_path, 5)
        save(tmp_path, 5, basename="input.ckpt")
        save(tmp_path, 6, basename="input_worker_1.ckpt")
        found = all_checkpoints(str(tmp_path))
        assert {name: list(steps) for name, steps in found.items()} == {
            "model.ckpt": [5],
            "input.ckpt": [5],
            "input_worker_1.ckpt": [6],
        }

    def test_a_basename_may_hold_dashes_and_digits(self, tmp_path: Path) -> None:
        save(tmp_path, 5, basename="run-7-model")
        assert list(checkpoints(str(tmp_path), "run-7-model")) == [5]

    @pytest.mark.parametrize("place", ["missing", "file"])
    def test_there_are_none_where_there_is_no_directory(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").touch()
        assert checkpoints(str(tmp_path / place), "model.ckpt") == {}

    def test_a_file_that_vanishes_while_the_directory_is_read_is_left_out(self, tmp_path: Path) -> None:
        save(tmp_path, 5)
        (tmp_path / "model.ckpt-6.index").symlink_to(tmp_path / "gone")
        assert list(list_sizes(str(tmp_path))) == sorted(checkpoints(str(tmp_path), "model.ckpt")[5].names)


class TestRetained:
    def test_adds_up_what_is_on_disk(self, tmp_path: Path) -> None:
        for step in (1, 2, 3):
            save(tmp_path, step, data=90, index=10)
        found = checkpoints(str(tmp_path), "model.ckpt")
        assert retained(found) == Retained(checkpoints=3, size_bytes=300)

    def test_of_nothing_is_nothing(self) -> None:
        assert retained({}) == Retained(checkpoints=0, size_bytes=0)


class TestSplitPrefix:
    @pytest.mark.parametrize(
        ("prefix", "parts"),
        [
            ("/a/model.ckpt-12", ("/a", "model.ckpt", 12)),
            ("model.ckpt-0", ("", "model.ckpt", 0)),
            ("/a/run-7-12", ("/a", "run-7", 12)),
            ("gs://bucket/dir/model.ckpt-12", ("gs://bucket/dir", "model.ckpt", 12)),
        ],
    )
    def test_takes_a_prefix_apart(self, prefix: str, parts: tuple[str, str, int]) -> None:
        assert split_prefix(prefix) == parts

    @pytest.mark.parametrize("prefix", ["", "/a/model.ckpt", "/a/-12", "/a/model.ckpt-", "/a/model.ckpt-1x", "/a/12"])
    def test_knows_when_there_is_no_step_in_it(self, prefix: str) -> None:
        assert split_prefix(prefix) is None


class TestFilesystem:
    def test_tells_the_room_of_the_directory_s_own(self, tmp_path: Path) -> None:
        found = filesystem(str(tmp_path))
        assert found is not None
        assert 0 <= found.free_bytes <= found.size_bytes
        assert found.size_bytes == os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize

    @pytest.mark.parametrize("directory", ["/nowhere/at/all", "gs://bucket/dir"])
    def test_is_unknown_where_it_is_gone_or_remote(self, directory: str) -> None:
        assert filesystem(directory) is None


class TestRemote:
    def test_is_what_has_a_scheme(self) -> None:
        assert [is_remote(path) for path in ("gs://b/d", "ram://d", "/a/b", "a:b", "C:/d")] == [True] * 2 + [False] * 3

    def test_paths_are_joined_with_one_slash(self) -> None:
        assert join("gs://bucket/dir/", "name") == join("gs://bucket/dir", "name") == "gs://bucket/dir/name"
        assert join("/dir", "name") == "/dir/name"

    def test_sizes_come_from_the_file_systems_of_tensorflow(self) -> None:
        import tensorflow as tf

        tf.io.gfile.makedirs("ram://files/deep")
        for name, size in (("model.ckpt-1.index", 10), ("model.ckpt-1.data-00000-of-00001", 100)):
            with tf.io.gfile.GFile(f"ram://files/{name}", "wb") as file:
                file.write(bytes(size))
        found = checkpoints("ram://files", "model.ckpt")
        assert found[1].size == CheckpointSize(data_bytes=100, index_bytes=10, meta_bytes=0)
        assert found[1].prefix == "ram://files/model.ckpt-1"

    def test_a_remote_directory_that_is_not_there_holds_nothing(self) -> None:
        import tensorflow as tf

        assert tf.io.gfile.exists("ram://nowhere") is False
        assert list_sizes("ram://nowhere") == {}

    def test_reading_one_does_not_load_tensorflow(self) -> None:
        program = (
            "import sys; from observed_hooks.checkpoints.files import list_sizes; "
            "print(list_sizes('gs://bucket/dir'), 'tensorflow' in sys.modules)"
        )
        told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert told.stdout.split() == ["{}", "False"]
