from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import tensorflow as tf
from click.testing import CliRunner

from observed_hooks.cli.main import main
from tests.checkpoints.saves import as_configured, save_in_session
from tests.doubles import PATIENCE_SECONDS

PROGRAM = "import sys; from observed_hooks.cli.main import main; main(sys.argv[1:])"


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `observed-hooks watch`, and makes sure that it has ended behind the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-c", PROGRAM, "watch", *map(str, arguments), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    match = re.search(r"metrics at (\S+)", process.stderr.readline())
    assert match is not None
    return match[1]


def scraped(url: str, wanted: str) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with urlopen(url) as answer:  # noqa: S310 - our own exporter
            text: str = answer.read().decode()
        if wanted in text or time.monotonic() > deadline:
            return text
        time.sleep(0.05)


class TestWatching:
    def test_exports_what_another_program_saves(
        self, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
    ) -> None:
        directory = tmp_path / "run"
        process = start(directory, "--every", "50ms")
        url = url_of(process)
        directory.mkdir()
        save_in_session(directory, lambda: as_configured(tf.data.Dataset.range(20_000).shuffle(10_000)), 1)
        text = scraped(url, 'transformation="Shuffle"')
        state = 'observed_hooks_iterator_state_bytes{iterator="IteratorV2",node="Shuffle",run="run"'
        assert state in text
        assert 'observed_hooks_saves_total{kind="input_pipeline",outcome="success",run="run"' in text
        assert "observed_hooks_last_save_duration_seconds{" not in text

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_is_ended_by_a_signal_in_no_time(
        self, start: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
    ) -> None:
        process = start(tmp_path, "--every", "1h")
        url_of(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, errors) == (0, "")

    def test_prints_every_event_as_json(self, start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
        process = start(tmp_path, "--every", "50ms", "--json")
        url_of(process)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "CheckpointingStarted"


class TestMisuse:
    @pytest.mark.parametrize("every", ["0s", "soon", "-1s", "5 parsecs"])
    def test_of_the_interval_is_exit_code_2(self, tmp_path: Path, every: str) -> None:
        assert CliRunner().invoke(main, ["watch", str(tmp_path), "--every", every]).exit_code == 2


def test_starting_loads_no_tensorflow() -> None:
    code = (
        "import sys, observed_hooks.cli.watch, observed_hooks.bus, observed_hooks.sinks.exporter; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
