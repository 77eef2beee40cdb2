from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from observed_hooks.cli.main import main
from observed_hooks.dashboards.alerts import groups
from observed_hooks.dashboards.config import Config
from observed_hooks.metrics import CATALOGUE

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(main, ["dashboards", *map(str, arguments)])


class TestWriting:
    def test_names_every_file(self, run: Run, tmp_path: Path) -> None:
        result = run(tmp_path / "out")

        assert result.exit_code == 0
        assert all(Path(line).is_file() for line in result.output.splitlines())
        assert (tmp_path / "out" / "runbook.md").exists()

    def test_takes_thresholds(self, run: Run, tmp_path: Path) -> None:
        run(tmp_path, "--threshold", "bloat_ratio=4.5", "--threshold", "overdue_seconds=90m")
        alerts = (tmp_path / "prometheus" / "alerts.yml").read_text()

        assert "> 4.5" in alerts
        assert "> 5400" in alerts

    def test_needs_force_to_overwrite(self, run: Run, tmp_path: Path) -> None:
        run(tmp_path)
        again = run(tmp_path, "--threshold", "bloat_ratio=4")
        forced = run(tmp_path, "--threshold", "bloat_ratio=4", "--force")

        assert (again.exit_code, forced.exit_code) == (2, 0)
        assert "--force" in again.output

    def test_prints_json_for_programs(self, run: Run, tmp_path: Path) -> None:
        assert len(json.loads(run(tmp_path, "--json").output)["written"]) > 10


class TestListing:
    def test_shows_metrics_alerts_and_settings(self, run: Run) -> None:
        output = run("--list").output

        assert all(title in output for title in ("metrics", "alerts", "settings"))
        assert "CheckpointBloat" in output

    def test_holds_all_of_them_as_json(self, run: Run) -> None:
        listing = json.loads(run("--list", "--json").output)

        assert [metric["name"] for metric in listing["metrics"]] == [metric.name for metric in CATALOGUE]
        assert len(listing["alerts"]) == sum(len(group.alerts) for group in groups(Config()))
        assert {setting["name"]: setting["value"] for setting in listing["settings"]}["bloat_ratio"] == 1.5

    def test_shows_the_thresholds_that_were_given(self, run: Run) -> None:
        listing = json.loads(run("--list", "--json", "--threshold", "bloat_ratio=8").output)

        assert "> 8" in {alert["name"]: alert["expr"] for alert in listing["alerts"]}["CheckpointBloat"]


class TestMisuse:
    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ([], "either DIRECTORY"),
            (["out", "--list"], "either DIRECTORY"),
            (["out", "--threshold", "bloat_ratio"], "name=value"),
            (["out", "--threshold", "bloat=2"], "expected one of bloat_ratio"),
            (["out", "--threshold", "bloat_ratio=big"], "to be a number"),
            (["/dev/null/out"], "/dev/null/out"),
        ],
    )
    def test_ends_with_2_and_says_what_to_do(self, run: Run, arguments: list[str], complaint: str) -> None:
        result = run(*arguments)

        assert result.exit_code == 2
        assert complaint in " ".join(result.output.split())


class TestTheStart:
    def test_loads_neither_tensorflow_nor_rich(self, tmp_path: Path) -> None:
        code = (
            "import sys; from observed_hooks.cli.main import main; "
            f"main(['dashboards', {str(tmp_path)!r}], standalone_mode=False); "
            "sys.exit(bool({'tensorflow', 'rich', 'prometheus_client'} & set(sys.modules)))"
        )

        assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
