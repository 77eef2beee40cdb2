from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from observed_hooks.compare.case import Case
from observed_hooks.compare.ledger import Ledger, Task, tasks_of
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.workspace import Workspace, claimed, establish, read_plan
from observed_hooks.errors import CheckpointDirectoryError, ConfigurationError, StateError

MACHINE = {"cpu": "Z80", "tensorflow": "2.21.0"}


def a_plan(directory: Path, **changes: Any) -> Plan:
    plan = Plan(
        directory=str(directory),
        source=Source(kind="tfrecord", text="*.tfrecord"),
        cases=(Case(0), Case(100)),
        repeats=3,
        batch_size=32,
        save_interval_seconds=600.0,
        read_seconds=1.0,
    )
    return replace(plan, **changes)


def survey(plan: Plan) -> None:
    for name in (plan.survey, plan.data):
        Path(name).mkdir(exist_ok=True)
        (Path(name) / "found").write_text(plan.source.text)
    Path(plan.survey, "survey.json").write_text("{}")


def refuse(plan: Plan) -> None:
    survey(plan)
    raise ConfigurationError("no examples")


def begin(plan: Plan, *, restart: bool = False, machine: Mapping[str, Any] = MACHINE) -> bool:
    with claimed(plan.directory):
        return establish(plan, machine, restart=restart, survey=survey)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))


class TestAClaimedDirectory:
    def test_is_made_with_its_parents(self, tmp_path: Path) -> None:
        with claimed(str(tmp_path / "some" / "where")):
            assert (tmp_path / "some" / "where").is_dir()

    def test_is_gone_with_its_parents_when_nothing_came_of_it(self, tmp_path: Path) -> None:
        with claimed(str(tmp_path / "some" / "where")):
            pass

        assert names(tmp_path) == []

    def test_that_was_there_and_empty_is_so_again_when_nothing_came_of_it(self, tmp_path: Path) -> None:
        with claimed(str(tmp_path)):
            pass

        assert list(tmp_path.iterdir()) == []

    def test_stays_when_something_is_in_it_and_keeps_out_of_the_repository_around_it(self, tmp_path: Path) -> None:
        with claimed(str(tmp_path / "out")):
            (tmp_path / "out" / "result.json").write_text("{}")

        assert names(tmp_path / "out") == ["result.json"]
        assert (tmp_path / "out" / ".gitignore").read_text() == "*\n"

    def test_is_refused_when_a_comparison_did_not_make_it(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("")

        with pytest.raises(CheckpointDirectoryError, match=r"was not made by a comparison.*pass --dir"):
            begin(a_plan(tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]

    def test_is_refused_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(CheckpointDirectoryError, match="cannot write"):
            begin(a_plan(tmp_path / "file" / "out"))

    def test_is_refused_while_another_comparison_is_at_work_in_it_and_stays_that_ones(self, tmp_path: Path) -> None:
        with claimed(str(tmp_path)):
            with pytest.raises(CheckpointDirectoryError, match="another comparison is at work"):
                begin(a_plan(tmp_path))
            assert (tmp_path / ".gitignore").exists()


class TestEstablishingAPlan:
    def test_leaves_plan_machine_and_what_the_survey_wrote(self, tmp_path: Path) -> None:
        plan = a_plan(tmp_path)

        assert begin(plan) is False
        assert names(tmp_path) == ["data", "machine.json", "plan.json", "survey"]
        assert read_plan(Workspace(plan.directory)) == plan
        assert json.loads((tmp_path / "machine.json").read_text()) == MACHINE

    def test_leaves_nothing_when_the_survey_refuses(self, tmp_path: Path) -> None:
        plan = a_plan(tmp_path / "out")
        with pytest.raises(ConfigurationError, match="no examples"), claimed(plan.directory):
            establish(plan, MACHINE, restart=False, survey=refuse)

        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("stops", [ConfigurationError, KeyboardInterrupt])
    def test_costs_nobody_an_earlier_comparison_when_the_survey_does_not_succeed(
        self, tmp_path: Path, stops: type[BaseException]
    ) -> None:
        begin(a_plan(tmp_path))

        def stop(plan: Plan) -> None:
            survey(plan)
            raise stops

        with pytest.raises(stops), claimed(str(tmp_path)):
            establish(a_plan(tmp_path, batch_size=64), MACHINE, restart=True, survey=stop)

        assert names(tmp_path) == ["data", "machine.json", "plan.json", "survey"]
        assert read_plan(Workspace(str(tmp_path))) == a_plan(tmp_path)

    def test_costs_nobody_an_earlier_comparison_when_the_survey_ends_and_leaves_nothing(self, tmp_path: Path) -> None:
        begin(a_plan(tmp_path))

        with pytest.raises(StateError, match="the survey ended without"), claimed(str(tmp_path)):
            establish(a_plan(tmp_path, batch_size=64), MACHINE, restart=True, survey=lambda plan: None)

        assert names(tmp_path) == ["data", "machine.json", "plan.json", "survey"]
        assert read_plan(Workspace(str(tmp_path))) == a_plan(tmp_path)

    def test_does_not_survey_again_what_it_continues(self, tmp_path: Path) -> None:
        begin(a_plan(tmp_path))
        with claimed(str(tmp_path)):
            assert establish(a_plan(tmp_path), MACHINE, restart=False, survey=refuse) is True

    @pytest.mark.parametrize("change", [{"repeats": 5}, {"save_interval_seconds": 60.0}])
    def test_continues_where_only_that_differs_which_leaves_single_figures_as_they_are(
        self, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        begin(a_plan(tmp_path))

        assert begin(a_plan(tmp_path, **change)) is True
        assert read_plan(Workspace(str(tmp_path))) == a_plan(tmp_path, **change)

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"batch_size": 64}, "batch size 32 there, 64 here"),
            ({"cases": (Case(0), Case(1000))}, "cases shuffle-0,shuffle-100 there, shuffle-0,shuffle-1k here"),
            ({"source": Source(kind="digits")}, r"source tfrecord \*\.tfrecord there, digits here"),
        ],
    )
    def test_by_another_plan_names_what_differs_and_how_to_begin_anew(
        self, tmp_path: Path, change: dict[str, Any], named: str
    ) -> None:
        begin(a_plan(tmp_path))

        with pytest.raises(ConfigurationError, match=f"holds another comparison: {named}; pass --restart"):
            begin(a_plan(tmp_path, **change))
        assert read_plan(Workspace(str(tmp_path))) == a_plan(tmp_path)

    def test_on_another_machine_does_not_mix_the_figures_of_two(self, tmp_path: Path) -> None:
        begin(a_plan(tmp_path))

        with pytest.raises(ConfigurationError, match=r"tensorflow 2\.21\.0 there, 2\.15\.1 here"):
            begin(a_plan(tmp_path), machine={**MACHINE, "tensorflow": "2.15.1"})

    def test_anew_removes_what_comparisons_write_and_nothing_else(self, tmp_path: Path) -> None:
        begin(a_plan(tmp_path))
        (tmp_path / "cases").mkdir()
        (tmp_path / "result.json").write_text("{}")
        (tmp_path / "notes.txt").write_text("mine")

        assert begin(a_plan(tmp_path, batch_size=64), restart=True) is False
        assert names(tmp_path) == ["data", "machine.json", "notes.txt", "plan.json", "survey"]

    def test_over_a_plan_that_cannot_be_read_is_refused_and_anew_is_not(self, tmp_path: Path) -> None:
        begin(a_plan(tmp_path))
        (tmp_path / "plan.json").write_text('{"directory": "elsewhere"}')

        with pytest.raises(ConfigurationError, match=r"is not the plan of a comparison.*--restart"):
            begin(a_plan(tmp_path))
        assert begin(a_plan(tmp_path), restart=True) is False


class TestTheLedger:
    TASK = Task(Case(100), 2)

    def test_knows_nothing_of_a_repeat_that_was_only_begun(self, tmp_path: Path) -> None:
        ledger = Ledger(a_plan(tmp_path))
        ledger.begin(self.TASK)

        assert (ledger.seconds(self.TASK), ledger.failure(self.TASK)) == (None, "")

    def test_knows_how_long_a_finished_one_took_after_a_restart_of_the_program(self, tmp_path: Path) -> None:
        ledger = Ledger(a_plan(tmp_path))
        ledger.begin(self.TASK)
        ledger.finish(self.TASK, 9.87654)

        assert Ledger(a_plan(tmp_path)).seconds(self.TASK) == 9.877

    def test_knows_why_another_one_failed_in_one_line(self, tmp_path: Path) -> None:
        ledger = Ledger(a_plan(tmp_path))
        ledger.begin(self.TASK)
        ledger.fail(self.TASK, "it\nbroke")

        assert (ledger.seconds(self.TASK), ledger.failure(self.TASK)) == (None, "it broke")

    def test_begins_with_an_empty_directory(self, tmp_path: Path) -> None:
        ledger = Ledger(a_plan(tmp_path))
        ledger.begin(self.TASK)
        ledger.fail(self.TASK, "it broke")
        ledger.begin(self.TASK)

        assert list(Path(a_plan(tmp_path).repeat(Case(100), 2)).iterdir()) == []

    def test_counts_case_after_case(self, tmp_path: Path) -> None:
        assert list(tasks_of(a_plan(tmp_path, repeats=2))) == [
            Task(Case(0), 1),
            Task(Case(0), 2),
            Task(Case(100), 1),
            Task(Case(100), 2),
        ]
