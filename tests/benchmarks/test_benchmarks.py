"""Every benchmark runs, with sizes for which no figure means anything, and gives the rows it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ROW = {"figure", "against", "unit", "value", "reference", "ratio", "goal", "reached", "samples"}

TINY: dict[str, list[str]] = {
    "step": ["--repeats", "2", "--steps", "2"],
    "save": ["--repeats", "2", "--mib", "1", "--tensors", "2", "200"],
    "stall": [
        "--repeats",
        "2",
        "--mib",
        "2",
        "--buffer-mib",
        "0.5",
        "--period",
        "2",
        "--device-ms",
        "1",
        "--matmuls",
        "1",
    ],
    "publish": ["--repeats", "2", "--events", "2"],
    # Six saves: the baseline of sizes is known, and its series there, from the fifth on.
    "growth": ["--repeats", "6", "--saves", "20", "--seconds", "20"],
    "restore": ["--repeats", "2", "--mib", "1", "--tensors", "2"],
}
PROMISED: dict[str, list[str]] = {
    "step": [
        "step without hooks",
        "added by both our hooks, a sample every 10 s",
        "of it, in the code of our hooks",
        "both, asynchronous",
        "of it, in the code of our hooks",
        "added by two hooks that do nothing: the session's own price",
        "added to a step that samples buffers",
    ],
    "save": [*["1 MiB in 2 tensors"] * 2, "stock Saver, same", *["1 MiB in 200 tensors"] * 2, "stock Saver, same"],
    "stall": [
        "stall, 2 MiB of variables",
        "the same and the next step, which copies what it changes",
        "stall, 0.5 MiB shuffle buffer",
        "memory that the stock hook's saves add, 2 MiB of variables",
        "memory that our asynchronous saves add, 2 MiB of variables",
        "lost to a save every 2 steps, CPU busy",
        "lost to a save every 2 steps, CPU waits",
    ],
    "publish": [
        "publish()",
        "publish()",
        "of it, waking a thread",
        "publish() in a burst",
        "measuring and all sinks, on their threads",
    ],
    "growth": [
        "step after 20 saves",
        "publish() after 20 saves",
        "scrape after 20 saves",
        "series in a scrape after 20 saves",
        "scrape after 20 seconds",
        "series in a scrape after 20 seconds",
    ],
    "restore": [
        "1 MiB in 2 tensors: from our shards, ParallelSaver",
        "1 MiB in 2 tensors: from 1 shard, ParallelSaver",
        "1 MiB in 2 tensors: from our shards, stock Saver",
    ],
}


def run(script: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "benchmarks" / f"{script}.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(script: str, directory: Path) -> dict[str, Any]:
    printed = run(script, "--json", "--directory", str(directory), *TINY[script])
    found: dict[str, Any] = json.loads(printed)
    return found


@pytest.mark.parametrize("script", TINY)
def test_a_benchmark_gives_its_rows_names_its_machine_and_leaves_no_file(script: str, tmp_path: Path) -> None:
    found = answer(script, tmp_path)

    assert [row["figure"] for row in found["rows"]] == PROMISED[script]
    assert all(row.keys() >= ROW for row in found["rows"])
    assert found["machine"].keys() >= {"cpu", "cores", "python", "tensorflow", "file_system"}
    assert not list(tmp_path.iterdir())


def test_the_number_of_series_in_a_scrape_grows_neither_with_saves_nor_with_time(tmp_path: Path) -> None:
    rows = answer("growth", tmp_path)["rows"]

    series = [row for row in rows if row["figure"].startswith("series")]
    assert [row["ratio"] for row in series] == [1, 1]


def test_without_json_a_table_says_which_goals_are_reached(tmp_path: Path) -> None:
    printed = run("publish", "--directory", str(tmp_path), *TINY["publish"])

    assert "reached" in printed
    assert "<= 0.05" in printed
    assert "TensorFlow" in printed
