from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import tensorflow as tf

from observed_hooks.saving.neighbours import Neighbours


@dataclass
class Saver:
    """As much of a saver as tells what it wrote."""

    last_checkpoints: list[str] = field(default_factory=list)


@pytest.fixture
def saver() -> Saver:
    return Saver()


class TestNeighbours:
    def test_there_are_none_when_every_checkpoint_is_ours(self, tmp_path: Path, saver: Saver) -> None:
        neighbours = Neighbours(str(tmp_path))
        for step in (0, 3, 6):
            assert neighbours.newcomer(saver) is None
            saver.last_checkpoints.append(f"/a/model.ckpt-{step}")
            neighbours.ours(f"/a/model.ckpt-{step}")
        assert neighbours.newcomer(saver) is None

    def test_one_is_known_by_the_name_of_a_checkpoint_that_is_not_ours(self, tmp_path: Path, saver: Saver) -> None:
        neighbours = Neighbours(str(tmp_path))
        neighbours.ours("/a/model.ckpt-3")
        saver.last_checkpoints += ["/a/model.ckpt-3", "/a/model.ckpt-4"]
        assert neighbours.newcomer(saver) == "model.ckpt-4"

    def test_one_is_told_of_once(self, tmp_path: Path, saver: Saver) -> None:
        neighbours = Neighbours(str(tmp_path))
        found = []
        for step in range(5):
            saver.last_checkpoints.append(f"/a/model.ckpt-{step}")
            found.append(neighbours.newcomer(saver))
        assert found == ["model.ckpt-0", None, None, None, None]

    def test_an_earlier_run_in_the_same_directory_is_none(self, tmp_path: Path, saver: Saver) -> None:
        prefixes = [str(tmp_path / f"model.ckpt-{step}") for step in (3, 6)]
        tf.compat.v1.train.update_checkpoint_state(str(tmp_path), prefixes[-1], prefixes)
        neighbours = Neighbours(str(tmp_path))
        saver.last_checkpoints += prefixes
        assert neighbours.newcomer(saver) is None

    def test_checkpoints_that_go_do_not_matter(self, tmp_path: Path, saver: Saver) -> None:
        neighbours = Neighbours(str(tmp_path))
        saver.last_checkpoints.append("/a/model.ckpt-3")
        neighbours.ours("/a/model.ckpt-3")
        saver.last_checkpoints.clear()
        assert neighbours.newcomer(saver) is None
