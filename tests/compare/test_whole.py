from __future__ import annotations

import os
from pathlib import Path

import pytest

from observed_hooks.compare.whole import write_whole


class TestAFileWrittenAsAWhole:
    def test_takes_the_place_of_the_one_before(self, tmp_path: Path) -> None:
        path = tmp_path / "result"
        for text in ("long before", "now"):
            write_whole(path, text)

        assert path.read_text() == "now"
        assert list(tmp_path.iterdir()) == [path]

    def test_may_name_a_path_that_is_no_utf_8(self, tmp_path: Path) -> None:
        write_whole(tmp_path / "result", os.fsdecode(b"runs/\xff"))

        assert (tmp_path / "result").read_text() == "runs/\\udcff"

    def test_that_is_interrupted_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*paths: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupt)

        with pytest.raises(KeyboardInterrupt):
            write_whole(tmp_path / "result", "text")
        assert not list(tmp_path.iterdir())

    def test_that_cannot_be_put_in_place_leaves_what_was_there_and_nothing_else(self, tmp_path: Path) -> None:
        (tmp_path / "taken").mkdir()

        with pytest.raises(OSError, match="taken"):
            write_whole(tmp_path / "taken", "text")
        assert [path.name for path in tmp_path.iterdir()] == ["taken"]
        assert (tmp_path / "taken").is_dir()
