from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from observed_hooks.cli import demo
from observed_hooks.cli.main import main
from observed_hooks.demo.messages import Finished
from observed_hooks.demo.performance import Outcome
from observed_hooks.demo.process import TrainingProcess
from observed_hooks.demo.record import Proof
from observed_hooks.demo.report import CostReport, KindCost

OUTCOME = Outcome(
    proof=Proof(
        killed_after_step=552,
        resumed_at_step=500,
        steps=1000,
        examples=32000,
        lost=0,
        repeated=0,
        first_difference=None,
    ),
    cost=CostReport(
        wall_seconds=8.0,
        costs=(
            KindCost(
                kind="input_pipeline",
                saves=11,
                failures=0,
                median_stall_seconds=0.0104,
                worst_stall_seconds=0.0231,
                newest_bytes=328_704,
                share_of_wall_time=0.0172,
            ),
        ),
        observer_seconds=0.05,
    ),
    finished=Finished(accuracy=0.939, held_out=297),
    serving=None,
)
BROKEN = replace(OUTCOME, proof=replace(OUTCOME.proof, lost=3, first_difference=501))

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command with an outcome that is given instead of earned."""

    def invoke(outcome: Outcome, *options: str) -> Result:
        monkeypatch.setattr(demo, "train_and_kill", lambda plan, audience: None)
        monkeypatch.setattr(demo, "resume", lambda process, plan, audience: outcome)
        monkeypatch.setattr(TrainingProcess, "__init__", lambda self, plan: None)
        monkeypatch.setattr(TrainingProcess, "let_go", lambda self: None)
        return CliRunner().invoke(main, ["demo", "--dir", str(tmp_path / "demo"), *options])

    return invoke


class TestTheDemoCommand:
    def test_shows_the_proof_the_costs_and_what_to_type_next(self, run: Run) -> None:
        result = run(OUTCOME)

        assert result.exit_code == 0
        for words in (
            ["No", "example", "was", "lost,", "none", "repeated:"],
            ["93.9%", "of", "the", "297", "digits"],
            ["input_pipeline", "11", "0.010", "s", "0.023", "s", "321.0", "KiB", "1.7%"],
            ["demo", "--serve", "--dir"],
        ):
            assert " ".join(words) in " ".join(result.output.split())
        assert "tensorboard --logdir " in result.output
        assert " inspect " in result.output

    def test_fits_a_terminal_of_80_columns(self, run: Run) -> None:
        table = run(OUTCOME).output.partition("What saving cost")[2].partition("Next:")[0]

        assert max(len(line) for line in table.splitlines()) <= 80

    def test_ends_with_code_1_when_the_proof_fails(self, run: Run) -> None:
        result = run(BROKEN)

        assert result.exit_code == 1
        assert "Examples were lost or repeated" in result.output

    @pytest.mark.parametrize(("outcome", "code"), [(OUTCOME, 0), (BROKEN, 1)])
    def test_prints_one_json_object_for_programs(self, run: Run, outcome: Outcome, code: int) -> None:
        result = run(outcome, "--json")
        fields = json.loads(result.output)

        assert result.exit_code == code
        assert fields["proof"]["holds"] == outcome.proof.holds
        assert fields["costs"][0]["newest_bytes"] == 328_704

    @pytest.mark.parametrize("on_path", ["ours", "another", "none"])
    def test_calls_the_tensorboard_that_was_installed_with_us(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: str
    ) -> None:
        for where in ("ours", "another", "none"):
            (tmp_path / where).mkdir()
        for where in ("ours", "another"):
            (tmp_path / where / "tensorboard").touch(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "ours" / "python"))
        monkeypatch.setenv("PATH", str(tmp_path / on_path))
        monkeypatch.chdir(tmp_path)

        expected = "tensorboard" if on_path == "ours" else "ours/tensorboard"
        assert f"  {expected} --logdir demo/checkpoints/observed_hooks/tensorboard\n" in run(OUTCOME).output

    def test_counts_saves_that_failed(self, run: Run) -> None:
        failed = replace(OUTCOME.cost.costs[0], failures=2)

        assert "11 (+2 failed)" in run(replace(OUTCOME, cost=replace(OUTCOME.cost, costs=(failed,)))).output


class TestMisuse:
    def test_of_a_directory_that_is_not_the_demos_is_refused(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "demo").mkdir()
        (tmp_path / "demo" / "thesis.tex").write_text("")
        result = run(OUTCOME)

        assert result.exit_code == 2
        assert "was not made by the demo" in result.output
        assert len(result.output.splitlines()) == 1

    def test_of_a_file_as_directory_is_refused(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "demo").write_text("")

        assert run(OUTCOME).exit_code == 2

    @pytest.mark.parametrize("options", [("--steps", "59"), ("--port", "65536"), ("--steps", "many")])
    def test_of_numbers_is_refused(self, run: Run, options: tuple[str, str]) -> None:
        result = run(OUTCOME, *options)

        assert result.exit_code == 2
        assert f"Invalid value for '{options[0]}'" in result.output

    def test_without_scikit_learn_names_the_extra_and_makes_nothing(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        result = run(OUTCOME)

        assert result.exit_code == 2
        assert "pip install 'observed-hooks[demo]'" in result.output
        assert not (tmp_path / "demo").exists()
