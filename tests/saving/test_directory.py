from __future__ import annotations

import os
from pathlib import Path

import pytest

from observed_hooks.errors import CheckpointDirectoryError, ConfigurationError
from observed_hooks.saving.directory import as_directory, require_writable


class TestAsDirectory:
    @pytest.mark.parametrize("path", ["/a/b", "relative", "gs://bucket/dir"])
    def test_text_stays_as_it_is(self, path: str) -> None:
        assert as_directory(path) == path

    def test_a_path_becomes_text(self, tmp_path: Path) -> None:
        assert as_directory(tmp_path) == str(tmp_path)

    @pytest.mark.parametrize("value", [None, "", 3, b"/a"])
    def test_what_is_no_path_is_refused_with_what_came(self, value: object) -> None:
        with pytest.raises(ConfigurationError, match=f"got {value!r}"):
            as_directory(value)

    def test_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CheckpointDirectoryError, match="name another path"):
            as_directory(tmp_path / "file")


class TestRequireWritable:
    def test_makes_a_directory_that_is_not_there(self, tmp_path: Path) -> None:
        require_writable(str(tmp_path / "deep" / "er"))
        assert (tmp_path / "deep" / "er").is_dir()

    def test_leaves_one_that_is_there_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        require_writable(str(tmp_path))
        assert [each.name for each in tmp_path.iterdir()] == ["file"]

    @pytest.mark.parametrize("directory", ["/proc/checkpoints", "/dev/null/checkpoints"])
    def test_one_that_cannot_be_made_is_named_with_the_cause(self, directory: str) -> None:
        with pytest.raises(CheckpointDirectoryError, match=directory) as raised:
            require_writable(directory)
        assert isinstance(raised.value.__cause__, OSError)

    def test_one_that_cannot_be_written_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(CheckpointDirectoryError, match="cannot write into"):
            require_writable(str(tmp_path))

    def test_a_remote_one_is_left_to_tensorflow(self) -> None:
        require_writable("gs://bucket/dir")
        assert not Path("gs:").exists()
