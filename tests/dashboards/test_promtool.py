from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from observed_hooks.dashboards.artefacts import write
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.scenarios import scenarios

pytestmark = pytest.mark.integration

Program = Callable[[str], Path]

CHANGED = Config(
    bloat_ratio=3.0,
    failures_in_a_row=5,
    input_floor_bytes=1024**3,
    overdue_seconds=5400,
    run_labels="cluster, job, run, task",
    runbook_url="https://runbooks.example.com/checkpoints",
    selector='namespace="training"',
    stall_share=0.2,
)


@pytest.fixture
def prometheus(tmp_path: Path) -> Path:
    write(str(tmp_path), Config())
    return tmp_path / "prometheus"


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class TestPromtool:
    def test_finds_nothing_wrong_with_the_rules(self, program: Program, prometheus: Path) -> None:
        output = run(program("promtool"), "check", "rules", prometheus / "rules.yml", prometheus / "alerts.yml")

        assert output.count("SUCCESS") == 2

    def test_finds_nothing_wrong_with_the_example(self, program: Program, prometheus: Path) -> None:
        assert "valid prometheus config" in run(program("promtool"), "check", "config", prometheus / "prometheus.yml")

    @pytest.mark.parametrize("config", [Config(), CHANGED], ids=["by default", "with other thresholds"])
    @pytest.mark.parametrize("subject", scenarios(Config()))
    def test_sees_every_alert_fire_and_stay_silent_as_it_should(
        self, program: Program, tmp_path: Path, subject: str, config: Config
    ) -> None:
        write(str(tmp_path), config)

        assert "SUCCESS" in run(program("promtool"), "test", "rules", tmp_path / f"prometheus/tests/{subject}.yml")


class TestAmtool:
    def test_finds_nothing_wrong_with_the_example(self, program: Program, prometheus: Path) -> None:
        assert "SUCCESS" in run(program("amtool"), "check-config", prometheus / "alertmanager.yml")

    @pytest.mark.parametrize(
        ("severity", "receiver"), [("critical", "pager"), ("warning", "tickets"), ("info", "nobody")]
    )
    def test_sees_each_severity_go_where_it_belongs(
        self, program: Program, prometheus: Path, severity: str, receiver: str
    ) -> None:
        config = f"--config.file={prometheus / 'alertmanager.yml'}"

        output = run(program("amtool"), "config", "routes", "test", config, f"severity={severity}")

        assert output.splitlines()[0] == receiver
