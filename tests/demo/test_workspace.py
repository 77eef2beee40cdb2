from __future__ import annotations

from pathlib import Path

import pytest

from observed_hooks.demo.workspace import fresh_workspace
from observed_hooks.errors import CheckpointDirectoryError


def enter(directory: Path) -> None:
    with fresh_workspace(str(directory)):
        pass


class TestAFreshWorkspace:
    def test_is_made_with_its_parents(self, tmp_path: Path) -> None:
        enter(tmp_path / "some" / "where")

        assert (tmp_path / "some" / "where").is_dir()

    def test_takes_an_empty_directory(self, tmp_path: Path) -> None:
        enter(tmp_path)

    def test_is_rid_of_all_that_an_earlier_demo_wrote(self, tmp_path: Path) -> None:
        with fresh_workspace(str(tmp_path)) as first:
            for directory in (first.data, first.checkpoints):
                (Path(directory) / "below").mkdir(parents=True)
            for file in (first.consumed, first.uninterrupted, first.log):
                Path(file).write_text("old")
        before = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("."))

        enter(tmp_path)

        assert before == ["checkpoints", "consumed.jsonl", "data", "training.log", "uninterrupted.jsonl"]
        assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []

    def test_keeps_a_file_that_somebody_else_put_there(self, tmp_path: Path) -> None:
        enter(tmp_path)
        (tmp_path / "notes.txt").write_text("mine")

        enter(tmp_path)

        assert (tmp_path / "notes.txt").read_text() == "mine"

    def test_is_refused_in_a_directory_that_the_demo_did_not_make(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()

        with pytest.raises(CheckpointDirectoryError, match=r"was not made by the demo.*pass --dir"):
            enter(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["data"]

    def test_is_refused_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(CheckpointDirectoryError, match="cannot write"):
            enter(tmp_path / "file" / "demo")

    def test_is_refused_while_another_demo_is_at_work_in_it(self, tmp_path: Path) -> None:
        with (
            fresh_workspace(str(tmp_path)),
            pytest.raises(CheckpointDirectoryError, match="another demo is at work"),
        ):
            enter(tmp_path)

    def test_is_not_seen_by_the_repository_around_it(self, tmp_path: Path) -> None:
        enter(tmp_path)

        assert (tmp_path / ".gitignore").read_text() == "*\n"
