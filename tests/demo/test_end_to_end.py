"""The real demo, short: real digits, a real SIGKILL, a real scrape."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from observed_hooks.demo.record import Stretch, read_stretches
from observed_hooks.sinks.jsonl import read_jsonl

STEPS = 60


def start(directory: Path, *options: str) -> subprocess.Popen[str]:
    code = "from observed_hooks.cli.main import main; main(prog_name='observed-hooks')"
    arguments = ["demo", "--dir", str(directory), "--steps", str(STEPS), "--port", "0", *options]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answer(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own address
        return str(response.read().decode())


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    if Path("/proc/self").exists():  # a small machine may have no ps
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False, text=True)
    return bool(status.stdout.strip()) and not status.stdout.startswith("Z")


def training_processes(directory: Path) -> list[int]:
    """Ids of the processes that have begun to train, the first one first."""
    record = directory / "consumed.jsonl"
    return [line["pid"] for line in read_jsonl(record) if "pid" in line] if record.exists() else []


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@dataclass(frozen=True, kw_only=True)
class Demo:
    """All there is to know of one demo with --serve --json that was ended with Ctrl-C."""

    directory: Path
    fields: dict[str, Any]
    metrics: str
    tensorboard: str
    exit_code: int
    rest_of_output: str
    errors: str
    served_by: list[int]
    """Training processes that were alive while it served."""

    @property
    def consumed(self) -> list[Stretch]:
        return read_stretches(self.directory / "consumed.jsonl")

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(read_jsonl(self.directory / "checkpoints" / "observed_hooks" / "events.jsonl"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    directory = tmp_path_factory.mktemp("demo")
    process = start(directory, "--serve", "--json")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        fields = json.loads(line) if line else pytest.fail(process.communicate()[1])
        metrics, tensorboard = answer(fields["metrics_url"]), answer(fields["tensorboard_url"])
        served = [pid for pid in training_processes(directory) if is_alive(pid)]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    return Demo(
        directory=directory,
        fields=fields,
        metrics=metrics,
        tensorboard=tensorboard,
        exit_code=process.returncode,
        rest_of_output=rest,
        errors=errors,
        served_by=served,
    )


class TestTheDemo:
    def test_proves_that_no_example_was_lost_or_repeated(self, demo: Demo) -> None:
        proof = demo.fields["proof"]

        assert proof["sentence"].startswith("No example was lost, none repeated")
        assert (proof["holds"], proof["examples"]) == (True, STEPS * 32)

    def test_had_its_first_process_killed_between_two_saves(self, demo: Demo) -> None:
        killed, resumed = demo.consumed

        assert killed.last_step % demo.fields["save_steps"] != 0
        assert 0 < resumed.continues_at < killed.last_step
        assert resumed.last_step == STEPS
        assert [each["event"] for each in demo.events].count("RunEnded") == 1

    def test_restored_model_and_input_at_one_step(self, demo: Demo) -> None:
        restored = [each for each in demo.events if each["event"] == "CheckpointRestored"]

        assert {each["kind"] for each in restored} == {"model", "input_pipeline"}
        assert {each["step"] for each in restored} == {demo.consumed[1].continues_at}

    def test_reports_what_the_events_say(self, demo: Demo) -> None:
        saves = [each for each in demo.events if each["event"] == "CheckpointSaved"]

        assert len(demo.fields["costs"]) == 2
        for cost in demo.fields["costs"]:
            mine = [each for each in saves if each["kind"] == cost["kind"]]
            assert cost["saves"] == len(mine) >= 10
            assert cost["worst_stall_seconds"] == max(each["stall_seconds"] for each in mine)
            assert cost["newest_bytes"] == sum(mine[-1]["size"].values()) > 0
            assert 0 < cost["share_of_wall_time"] < 1

    def test_has_learnt_something_about_digits_it_never_saw(self, demo: Demo) -> None:
        assert demo.fields["held_out_accuracy"] > 0.5

    def test_served_the_last_values_and_tensorboard(self, demo: Demo) -> None:
        labels = 'run="demo",task="worker-0"'

        assert f'observed_hooks_last_save_step{{kind="model",{labels}}} {STEPS}.0' in demo.metrics
        assert f"observed_hooks_run_active{{{labels}}} 0.0" in demo.metrics
        assert "<title>TensorBoard</title>" in demo.tensorboard

    def test_ended_with_ctrl_c_in_good_order_and_left_no_process(self, demo: Demo) -> None:
        assert (demo.exit_code, demo.errors) == (0, "Stopped.\n")
        assert len(demo.served_by) == 1
        assert not is_alive(demo.served_by[0])

    def test_printed_one_json_object_and_nothing_else(self, demo: Demo) -> None:
        assert demo.rest_of_output == ""


class TestADemoThatIsEndedFromOutside:
    @pytest.fixture
    def training(self, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
        """A demo whose first process trains, and that process's id."""
        directory = tmp_path / "demo"
        process = start(directory)
        try:
            wait_for(lambda: training_processes(directory) or process.poll() is not None, 60)
            assert process.poll() is None, process.communicate()
            yield process, training_processes(directory)[0]
        finally:
            process.kill()
            process.communicate()

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
    def test_leaves_no_orphan(self, training: tuple[subprocess.Popen[str], int], how: signal.Signals) -> None:
        parent, child = training
        parent.send_signal(how)
        parent.communicate()

        try:
            assert wait_for(lambda: not is_alive(child), 10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def test_by_ctrl_c_says_so_and_leaves_no_orphan(self, training: tuple[subprocess.Popen[str], int]) -> None:
        parent, child = training
        parent.send_signal(signal.SIGINT)
        _, errors = parent.communicate(timeout=20)

        assert parent.returncode == 130
        assert errors.endswith("Interrupted.\n")
        assert not is_alive(child)
