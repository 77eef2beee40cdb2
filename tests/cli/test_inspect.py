from __future__ import annotations

import builtins
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

from observed_hooks.cli.main import main
from tests.checkpoints.saves import as_configured, save_in_session

Dataset = tf.data.Dataset
Run = Callable[..., Result]


def shuffled(buffer: int) -> Any:
    return as_configured(Dataset.range(20_000).shuffle(buffer))


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(main, ["inspect", *map(str, arguments)])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two input checkpoints: 9,999 and 99 elements in a shuffle buffer."""
    for step, buffer in ((1, 10_000), (2, 100)):
        save_in_session(tmp_path, partial(shuffled, buffer), step)
    return tmp_path


class TestShowing:
    def test_names_the_culprit_with_elements_and_bytes_of_each(self, run: Run, directory: Path) -> None:
        result = run(directory / "input.ckpt-1")
        assert result.exit_code == 0
        (line,) = [line for line in result.output.splitlines() if line.endswith("  Shuffle")]
        assert "9,999" in line

    def test_splits_a_model_into_its_components_and_nothing_else(self, run: Run, tmp_path: Path) -> None:
        tf.train.Checkpoint(kernel=tf.Variable([1.0] * 8)).write(str(tmp_path / "model"))
        save_in_session(tmp_path, partial(shuffled, 100), 1)
        assert "weights 32 B" in run(tmp_path / "model").output
        assert "weights" not in run(tmp_path / "input.ckpt-1").output

    def test_counts_one_entry_as_one(self, run: Run, directory: Path) -> None:
        assert ", 1 entry in 1 data file" in run(directory / "input.ckpt-1").output

    def test_of_a_directory_shows_the_newest(self, run: Run, directory: Path) -> None:
        output = run(directory).output
        assert "input.ckpt-2" in output
        assert "input.ckpt-1" not in output

    def test_prints_one_json_object_for_programs(self, run: Run, directory: Path) -> None:
        (checkpoint,) = json.loads(run(directory, "--json").output)["checkpoints"]
        assert checkpoint["iterators"][0]["nodes"][0]["elements"] == 99
        assert {"prefix", "files_bytes", "entries", "components", "advice"} <= checkpoint.keys()

    def test_of_many_entries_shows_the_largest_unless_told_otherwise(self, run: Run, tmp_path: Path) -> None:
        tf.train.Checkpoint(**{f"v{n}": tf.Variable([1.0] * n) for n in range(1, 30)}).write(str(tmp_path / "many"))
        assert "v1/" not in run(tmp_path).output
        assert "and 10 smaller ones" in run(tmp_path).output
        assert "v1/" in run(tmp_path, "--all").output


class TestComparing:
    def test_shows_what_shrank(self, run: Run, directory: Path) -> None:
        result = run("--diff", directory / "input.ckpt-1", directory / "input.ckpt-2")
        assert result.exit_code == 0
        assert "IteratorV2 Shuffle" in result.output

    def test_prints_json(self, run: Run, directory: Path) -> None:
        result = run("--diff", directory / "input.ckpt-1", directory / "input.ckpt-2", "--json")
        assert json.loads(result.output)["growth"][0]["growth_bytes"] < 0

    def test_of_equal_ones_says_so(self, run: Run, directory: Path) -> None:
        same = directory / "input.ckpt-1"
        assert "same size in both" in run("--diff", same, same).output


class TestVerifying:
    def test_of_sound_files_is_fine(self, run: Run, directory: Path) -> None:
        assert run(directory, "--verify").exit_code == 0

    def test_of_damaged_files_is_a_finding(self, run: Run, directory: Path) -> None:
        data = directory / "input.ckpt-2.data-00000-of-00001"
        data.write_bytes(bytes(data.stat().st_size))
        result = run(directory, "--verify", "--json")
        assert result.exit_code == 1
        assert len(json.loads(result.output)["findings"][str(directory / "input.ckpt-2")]) == 1
        assert "1 damaged" in run(directory, "--verify").output


class TestPlotting:
    def test_draws_an_image(self, run: Run, directory: Path) -> None:
        pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
        image = directory / "history.png"
        assert run(directory, "--plot", image).exit_code == 0
        assert image.read_bytes().startswith(b"\x89PNG")

    def test_without_matplotlib_names_the_extra(
        self, run: Run, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        imports = builtins.__import__

        def refuse(name: str, *rest: Any) -> Any:
            if name.startswith("matplotlib"):
                raise ImportError(name)
            return imports(name, *rest)

        monkeypatch.setattr(builtins, "__import__", refuse)
        result = run(directory, "--plot", directory / "history.png")
        assert result.exit_code == 2
        assert "observed-hooks[plot]" in result.output


class TestMisuse:
    @pytest.mark.parametrize(
        "arguments", [[], ["here", "--diff", "a", "b"], ["--diff", "a", "b", "--verify"], ["/there/is/none"]]
    )
    def test_is_exit_code_2(self, run: Run, arguments: list[str]) -> None:
        assert run(*arguments).exit_code == 2

    def test_of_something_that_is_no_checkpoint_is_one_line(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "x.index").write_bytes(b"something else" * 10)
        result = run(tmp_path)
        assert result.exit_code == 2
        assert result.output.startswith(f"Error: {tmp_path}/x.index, byte ")


def test_the_whole_process_takes_a_moment_and_loads_no_tensorflow(directory: Path) -> None:
    program = (
        "import sys; from observed_hooks.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "sys.exit('tensorflow' in sys.modules or 'rich' in sys.modules)"
    )
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        command = [sys.executable, "-c", program, "inspect", str(directory)]
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.4
