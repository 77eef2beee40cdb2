from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hooks.mirrored import STEPS

ROOT = Path(__file__).parents[2]


def train(directory: Path, on_unserializable: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.hooks.mirrored", str(directory), on_unserializable],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestIteratorsOfAMirroredStrategy:
    def test_are_refused_with_the_dataset_that_cannot_be_saved_and_what_helps(self, tmp_path: Path) -> None:
        ended = train(tmp_path, "raise")

        assert ended.returncode == 1
        *_, line = [line for line in ended.stderr.splitlines() if "UnserializableError: " in line]
        assert "GeneratorDataset does not support checkpointing" in line
        assert "on_unserializable='disable'" in line
        assert "external_state_policy" not in line

    def test_do_not_keep_the_model_from_being_saved_in_time_when_that_is_asked_for(self, tmp_path: Path) -> None:
        ended = train(tmp_path, "disable")

        assert (ended.returncode, ended.stdout.split()) == (0, [str(STEPS)]), ended.stderr[-2000:]
        saved = {path.name for path in tmp_path.glob("model.ckpt-*.index")}
        assert saved == {f"model.ckpt-{step}.index" for step in (0, 2, 4, STEPS)}
        assert not list(tmp_path.glob("input*"))
