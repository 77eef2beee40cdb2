"""From a training process to the pager: everything between them is real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from observed_hooks.dashboards.artefacts import write
from observed_hooks.dashboards.config import Config
from tests.integration.servers import Alertmanager, Pager, Prometheus, free_port, wait_until

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0

SHORTENED = Config(
    # Not in proportion: a machine may stand still for seconds, and a last 0 has to be seen by rules all the same.
    handover_seconds=15,
    input_floor_bytes=1_000_000,
    memory_seconds=600,
    overdue_floor_seconds=5,
    overdue_seconds=5,
    size_for_seconds=1,
    restart_seconds=8,
)
"""The alerts that ship, in seconds instead of hours."""

BUFFER = 300
FOR_EVER = 1_000_000
ENOUGH_STEPS = 60
"""For twelve saves, of which the first five make the baseline."""


@dataclass
class Watched:
    """Training processes, and what watches them."""

    directory: Path
    prometheus: Prometheus
    pager: Pager
    ports: dict[str, int]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def train(self, run: str, buffer_elements: int, last_step: int) -> subprocess.Popen[bytes]:
        job = [self.directory / run, self.ports[run], buffer_elements, last_step]
        command = [sys.executable, "-m", "tests.integration.trainer", *map(str, job)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.directory / f"{run}.log").open("a") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def finish(self, process: subprocess.Popen[bytes], run: str) -> None:
        assert process.wait(PATIENCE_SECONDS) == 0, (self.directory / f"{run}.log").read_text()[-3000:]


@pytest.fixture
def watched(program: Callable[[str], Path], tmp_path: Path) -> Iterator[Watched]:
    programs = program("prometheus"), program("prometheus-alertmanager")
    write(str(tmp_path / "generated"), SHORTENED)
    for name in ("prometheus", "alertmanager"):
        (tmp_path / name).mkdir()
    ports = {run: free_port() for run in ("digits", "letters")}
    pager = Pager()
    try:
        alertmanager = Alertmanager(programs[1], tmp_path / "generated", tmp_path / "alertmanager", pager)
        try:
            prometheus = Prometheus(
                programs[0], tmp_path / "generated", tmp_path / "prometheus", list(ports.values()), alertmanager.url
            )
            everything = Watched(tmp_path, prometheus, pager, ports)
            # Prometheus takes its time before it looks for its targets at all.
            wait_until(lambda: len(prometheus.ask("up")) == len(ports), PATIENCE_SECONDS, "the first scrapes")
            try:
                yield everything
            finally:
                for process in everything.processes:
                    process.kill()
                    process.wait()
                prometheus.close()
        finally:
            alertmanager.close()
    finally:
        pager.close()


class TestARunThatBloatsAndDies:
    """One story, since each of its chapters takes the real time of a training."""

    def test_reaches_the_pager_with_the_culprit_and_a_run_that_ends_well_does_not(self, watched: Watched) -> None:
        prometheus, pager = watched.prometheus, watched.pager
        digits = watched.train("digits", BUFFER, ENOUGH_STEPS)
        letters = watched.train("letters", BUFFER, ENOUGH_STEPS)
        watched.finish(digits, "digits")
        watched.finish(letters, "letters")
        ended_seconds = time.monotonic()
        assert not pager.received

        # A buffer of another size cannot be restored: the pipeline has to begin afresh.
        for checkpoint in (watched.directory / "digits").glob("*input*"):
            checkpoint.unlink()
        digits = watched.train("digits", 10 * BUFFER, FOR_EVER)
        (bloat, *_) = wait_until(
            lambda: pager.told("CheckpointBloat", run="digits", kind="input_pipeline"), PATIENCE_SECONDS, "bloat"
        )
        assert bloat.receiver == "tickets"
        assert "belong to Shuffle (Prefetch::BatchV2::Shuffle)" in bloat.annotations["description"]
        assert bloat.annotations["runbook_url"].endswith("#checkpointbloat")
        wait_until(
            lambda: pager.told("IteratorStateConcentrated", transformation="Shuffle"), PATIENCE_SECONDS, "a node"
        )
        wait_until(lambda: pager.told("InputRestarted", run="digits"), PATIENCE_SECONDS, "a fresh start")
        assert not [each.labels for each in pager.told("CheckpointOverdue")]

        digits.send_signal(signal.SIGKILL)
        (overdue, *_) = wait_until(lambda: pager.told("CheckpointOverdue"), PATIENCE_SECONDS, "a missing save")
        assert (overdue.receiver, overdue.labels["run"], overdue.labels["kind"]) == ("pager", "digits", "model")
        wait_until(lambda: "TrainingVanished" in prometheus.firing(run="digits"), PATIENCE_SECONDS, "a dead run")

        missing_seconds = SHORTENED.overdue_seconds + SHORTENED.handover_seconds + SHORTENED.restart_seconds
        wait_until(lambda: time.monotonic() - ended_seconds > missing_seconds, PATIENCE_SECONDS, "time to go by")
        (last_word,) = prometheus.ask('last_over_time(run:observed_hooks_run_active:max{run="letters"}[10m])')
        assert last_word["value"][1] == "0"
        missed = {"CheckpointOverdue", "CheckpointStuck", "TrainingVanished", "CheckpointBloat"}
        assert not missed & {each.labels["alertname"] for each in pager.received if each.labels["run"] == "letters"}
        assert not prometheus.ask(f'max_over_time(ALERTS{{run="letters", alertname=~"{"|".join(missed)}"}}[10m])')
