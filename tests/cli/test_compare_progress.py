from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from observed_hooks.cli.compare_progress import Stage
from observed_hooks.compare.case import Case
from observed_hooks.compare.ledger import Task
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.sweep import RepeatEnded, RepeatStarted, SweepEnded

PLAN = Plan(
    directory="/nowhere",
    source=Source(kind="digits"),
    cases=(Case(0), Case(10_000)),
    repeats=3,
    batch_size=32,
    save_interval_seconds=600.0,
    read_seconds=1.0,
)
TASK = Task(Case(10_000), 2)
SUBJECT = "37,500 handwritten digits [of 264 bytes]"

Show = Callable[[Callable[[Stage], None], bool], str]


def begin(stage: Stage, *, left_seconds: float | None = 61.2) -> None:
    stage.surveying()
    stage.surveyed(SUBJECT, PLAN, continued=False)
    stage.hear(RepeatStarted(task=TASK, done=3, total=6, left_seconds=left_seconds))


@pytest.fixture
def show() -> Show:
    """What stands on the screen after a deed; of a terminal, with all that passed over it."""

    def perform(deed: Callable[[Stage], None], terminal: bool) -> str:
        screen = io.StringIO()
        with Stage(Console(file=screen, force_terminal=terminal, width=100, color_system=None)) as stage:
            deed(stage)
            stage._progress.refresh()
        return screen.getvalue()

    return perform


class TestTheProgress:
    def test_names_case_repeat_and_count_on_a_terminal(self, show: Show) -> None:
        screen = show(begin, True)

        assert f"{SUBJECT}: 2 cases, measured 3 times each, in processes of their own." in screen
        assert "shuffle-10k, 2 of 3" in screen
        assert "3/6" in screen

    def test_tells_how_much_time_is_left_when_that_is_known(self, show: Show) -> None:
        assert "1:01 left" in show(begin, True)
        assert " left" not in show(lambda stage: begin(stage, left_seconds=None), True)

    def test_looks_at_the_examples_before_anything_is_known(self, show: Show) -> None:
        assert "looking at the examples" in show(Stage.surveying, True)

    def test_leaves_a_line_for_a_case_that_failed(self, show: Show) -> None:
        def fail(stage: Stage) -> None:
            begin(stage)
            stage.hear(RepeatEnded(task=TASK, seconds=9.0, failure="ran out of memory [9.9 GiB]"))

        assert "shuffle-10k, 2 of 3, failed: ran out of memory [9.9 GiB]\n" in show(fail, True)

    def test_is_a_line_for_each_repeat_where_nothing_can_move(self, show: Show) -> None:
        def finish(stage: Stage) -> None:
            begin(stage)
            stage.hear(RepeatEnded(task=TASK, seconds=9.04, failure=""))
            stage.hear(SweepEnded(done=4, total=6, over_budget=0))

        assert show(finish, False).splitlines() == [
            "Looking at the examples.",
            f"{SUBJECT}: 2 cases, measured 3 times each, in processes of their own.",
            "4 of 6 done: shuffle-10k, 2 of 3, in 9.0 s",
        ]

    def test_says_when_an_earlier_comparison_is_continued(self, show: Show) -> None:
        lines = show(lambda stage: stage.surveyed(SUBJECT, PLAN, continued=True), False).splitlines()

        assert lines[1].startswith("An earlier comparison of the same is continued; --restart")

    def test_says_what_a_spent_budget_has_left_out(self, show: Show) -> None:
        line = show(lambda stage: stage.hear(SweepEnded(done=4, total=6, over_budget=2)), False)

        assert line.startswith(
            "The budget is used up: 4 of 6 repeats are done. The same command again, without --restart,"
        )
