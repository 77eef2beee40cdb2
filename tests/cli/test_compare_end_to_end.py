"""The command with real processes: each of them loads TensorFlow, so there are few."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from observed_hooks.checkpoints.crc32c import masked_crc32c
from tests.doubles import PATIENCE_SECONDS

COMMAND = (
    sys.executable,
    "-c",
    "from observed_hooks.cli.main import main; main(prog_name='observed-hooks')",
    "compare",
)
ROOT = Path(__file__).parents[2]
EXAMPLES = 640


def start(directory: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *options],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tfrecord(records: int) -> bytes:
    """A TFRecord file, made without TensorFlow: length, its checksum, data, its checksum."""

    def record(data: bytes) -> bytes:
        length = len(data).to_bytes(8, "little")
        return length + masked(length) + data + masked(data)

    def masked(data: bytes) -> bytes:
        return masked_crc32c([data]).to_bytes(4, "little")

    return b"".join(record(number.to_bytes(4, "little") * 16) for number in range(records))


class TestTheCommand:
    def test_measures_is_interrupted_and_continues_to_the_end(self, tmp_path: Path) -> None:
        (tmp_path / "a.tfrecord").write_bytes(tfrecord(EXAMPLES))
        options = ("--tfrecord", "*.tfrecord", "--buffer-sizes", "64,10k", "--repeats", "1", "--dir", "out")
        first = tmp_path / "out" / "cases" / "shuffle-0" / "1"

        interrupted = start(tmp_path, *options)
        # As soon as the first case is done and the second has begun.
        deadline = time.monotonic() + 10 * PATIENCE_SECONDS
        while len(list((tmp_path / "out" / "cases").glob("*/1/process.log"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        interrupted.send_signal(signal.SIGINT)
        shown, said = interrupted.communicate(timeout=10 * PATIENCE_SECONDS)
        done = len(list((tmp_path / "out" / "cases").glob("*/1/done")))
        assert interrupted.returncode == 130, said
        assert 1 <= done < 3
        assert f"{done} of 3 repeats are done." in said
        assert "not measured yet" in shown
        before = (first / "done").stat().st_mtime_ns

        continued = start(tmp_path, *options, "--json")
        shown, said = continued.communicate(timeout=10 * PATIENCE_SECONDS)
        result = json.loads(shown)
        rows = {row["name"]: {name: each["median"] for name, each in row["figures"].items()} for row in result["rows"]}

        assert continued.returncode == 0, said
        assert said == ""
        assert (first / "done").stat().st_mtime_ns == before
        assert result["complete"] is True
        assert result["subject"].startswith("640 records of 64 bytes")
        assert rows["shuffle-0"]["mixing"] == 0.0
        assert rows["shuffle-10k"]["mixing"] == pytest.approx(1.0, abs=0.15)
        assert 0.0 < rows["shuffle-64"]["mixing"] < rows["shuffle-10k"]["mixing"]
        assert rows["shuffle-0"]["checkpoint_bytes"] < rows["shuffle-64"]["checkpoint_bytes"]
        assert rows["shuffle-64"]["checkpoint_bytes"] < rows["shuffle-10k"]["checkpoint_bytes"]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (
                ("--tfrecord", "empty.tfrecord"),
                "Error: 'empty.tfrecord' holds no examples; there is nothing to compare",
            ),
            (("--pipeline", "mine:refuses"), "Error: the pipeline mine:refuses raised for a buffer size of 0"),
        ],
    )
    def test_refuses_a_bad_source_with_one_line_and_leaves_nothing(
        self, tmp_path: Path, source: tuple[str, str], message: str
    ) -> None:
        (tmp_path / "empty.tfrecord").write_bytes(b"")
        (tmp_path / "mine.py").write_text("def refuses(buffer_size):\n    raise RuntimeError('no')\n")
        call = start(tmp_path, *source, "--dir", "out", "--json")
        shown, said = call.communicate(timeout=10 * PATIENCE_SECONDS)

        assert (call.returncode, shown) == (2, "")
        assert said.startswith(message)
        assert len(said.splitlines()) == 1
        assert not (tmp_path / "out").exists()
