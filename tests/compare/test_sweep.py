from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from observed_hooks.compare.budget import Budget, Pace
from observed_hooks.compare.case import Case
from observed_hooks.compare.cases import every_case, placements_of
from observed_hooks.compare.ledger import Ledger, Task
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.sweep import Progress, RepeatEnded, RepeatStarted, SweepEnded, order, sweep
from observed_hooks.errors import ConfigurationError
from observed_hooks.testing import FakeClock

SIZES = (0, 100, 1_000, 10_000, 100_000)
Break = Callable[[Task], str]


class Bench:
    """A directory, and a measurement that takes 10 seconds, unless told otherwise, on a clock of its own."""

    def __init__(self, directory: Path) -> None:
        self.plan = Plan(
            directory=str(directory),
            source=Source(kind="digits"),
            cases=tuple(Case(size) for size in SIZES),
            repeats=3,
            batch_size=32,
            save_interval_seconds=600.0,
            read_seconds=1.0,
        )
        self.measured: list[Task] = []
        self.seconds: dict[Case, float] = {}
        self.fails: Break = lambda task: ""

    def run(self, budget_seconds: float = 1e9) -> list[Progress]:
        """One call of the command."""
        clock = FakeClock()

        def measure(task: Task) -> str:
            clock.advance(self.seconds.get(task.case, 10.0))
            failure = self.fails(task)
            self.measured.append(task)
            return failure

        return list(sweep(self.plan, Ledger(self.plan), measure, Budget(budget_seconds, clock), clock))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestTheOrder:
    def test_goes_round_after_round_over_all_cases(self, bench: Bench) -> None:
        tasks = order(bench.plan)

        assert [task.number for task in tasks] == [1] * 5 + [2] * 5 + [3] * 5
        for number in (1, 2, 3):
            assert {task.case for task in tasks if task.number == number} == set(bench.plan.cases)

    def test_begins_with_no_buffer_which_the_others_are_measured_against(self, bench: Bench) -> None:
        assert order(bench.plan)[0] == Task(Case(0), 1)

    def test_mixes_each_round_anew(self, bench: Bench) -> None:
        tasks = order(replace(bench.plan, repeats=8))
        rounds = {tuple(task.case for task in tasks[start : start + 5]) for start in range(0, 40, 5)}

        assert len(rounds) > 5
        assert {cases[-1] for cases in rounds} != {Case(100_000)}

    def test_is_the_same_each_time_and_for_more_repeats_begins_as_for_fewer(self, bench: Bench) -> None:
        assert order(replace(bench.plan, repeats=5))[:15] == order(bench.plan)


class TestASweep:
    def test_measures_everything_in_order_and_tells_of_it(self, bench: Bench) -> None:
        progress = bench.run()

        assert bench.measured == list(order(bench.plan))
        assert progress[-1] == SweepEnded(done=15, total=15, over_budget=0)
        first, second = progress[:2]
        assert first == RepeatStarted(task=Task(Case(0), 1), done=0, total=15, left_seconds=None)
        assert second == RepeatEnded(task=Task(Case(0), 1), seconds=10.0, failure="")

    def test_tells_the_seconds_left_by_the_durations_so_far(self, bench: Bench) -> None:
        left = [each.left_seconds for each in bench.run() if isinstance(each, RepeatStarted)]

        assert left == [None, *(10.0 * remaining for remaining in range(14, 0, -1))]

    def test_starts_no_repeat_that_would_not_end_within_the_budget(self, bench: Bench) -> None:
        progress = bench.run(budget_seconds=65.0)

        assert bench.measured == list(order(bench.plan))[:6]
        assert progress[-1] == SweepEnded(done=6, total=15, over_budget=9)

    def test_takes_a_quick_case_where_a_slow_one_does_not_fit_any_more(self, bench: Bench) -> None:
        bench.seconds = {Case(100_000): 30.0}
        bench.run(budget_seconds=95.0)

        assert Task(Case(100_000), 2) not in bench.measured
        assert [task.number for task in bench.measured].count(2) == 2

    def test_measures_each_case_once_however_small_the_budget(self, bench: Bench) -> None:
        progress = bench.run(budget_seconds=0.0)

        assert bench.measured == list(order(bench.plan))[:5]
        assert progress[-1] == SweepEnded(done=5, total=15, over_budget=10)

    def test_continues_where_the_budget_ended(self, bench: Bench) -> None:
        bench.run(budget_seconds=65.0)
        started = next(each for each in bench.run() if isinstance(each, RepeatStarted))

        assert bench.measured == list(order(bench.plan))
        assert (started.done, started.left_seconds) == (6, 90.0)

    def test_has_nothing_to_do_when_everything_is_done(self, bench: Bench) -> None:
        bench.run()

        assert bench.run() == [SweepEnded(done=15, total=15, over_budget=0)]

    def test_keeps_what_is_done_when_it_is_interrupted_and_measures_the_rest_next_time(self, bench: Bench) -> None:
        def interrupt(task: Task) -> str:
            if len(bench.measured) == 6:
                raise KeyboardInterrupt
            return ""

        bench.fails = interrupt
        with pytest.raises(KeyboardInterrupt):
            bench.run()
        half_done = order(bench.plan)[6]
        left_behind = Path(bench.plan.repeat(half_done.case, half_done.number)).exists()
        bench.fails = lambda task: ""
        bench.run()

        assert not left_behind
        assert bench.measured == list(order(bench.plan))

    def test_wipes_what_a_killed_one_has_left_half_done(self, bench: Bench) -> None:
        killed = Path(bench.plan.repeat(Case(0), 1)) / "observed_hooks"
        killed.mkdir(parents=True)
        (killed / "events.jsonl").write_text("{}")
        bench.run()

        assert bench.measured[0] == Task(Case(0), 1)
        assert not killed.exists()

    def test_does_not_measure_again_a_case_that_has_failed(self, bench: Bench) -> None:
        bench.fails = lambda task: "ran out of memory" if task.case == Case(100_000) else ""
        progress = bench.run()

        assert [task.number for task in bench.measured if task.case == Case(100_000)] == [1]
        assert [each.failure for each in progress if isinstance(each, RepeatEnded) and each.failure] == [
            "ran out of memory"
        ]
        assert progress[-1] == SweepEnded(done=12, total=15, over_budget=0)

    def test_tries_again_next_time_what_has_failed(self, bench: Bench) -> None:
        bench.fails = lambda task: "ran out of memory" if task.case == Case(100_000) else ""
        bench.run()
        bench.measured.clear()
        bench.fails = lambda task: ""
        bench.run()

        assert bench.measured == [Task(Case(100_000), number) for number in (1, 2, 3)]
        assert Ledger(bench.plan).failure(Task(Case(100_000), 1)) == ""


class TestThePace:
    def test_expects_of_a_case_what_it_took_and_of_a_new_one_what_the_others_took(self) -> None:
        pace = Pace()
        pace.take(Case(0), 4.0)
        pace.take(Case(100), 8.0)
        tasks = [Task(Case(100), 2), Task(Case(1_000), 1)]

        assert pace.seconds_left(tasks, Budget(1e9, FakeClock())) == 8.0 + 6.0

    def test_expects_no_more_than_the_budget_lets_start(self) -> None:
        pace = Pace()
        pace.take(Case(0), 10.0)
        tasks = [Task(Case(0), number) for number in range(2, 100)]

        assert pace.seconds_left(tasks, Budget(35.0, FakeClock())) == 35.0
        assert pace.seconds_left([Task(Case(1), 1), *tasks], Budget(0.0, FakeClock())) == 10.0


class TestTheCases:
    def test_always_begin_without_a_buffer_which_has_no_place(self) -> None:
        assert every_case((100,), ("before-decode", "after-decode"), "no") == (
            Case(0),
            Case(100, "before-decode"),
            Case(100, "after-decode"),
        )

    def test_are_saved_in_both_ways(self) -> None:
        assert every_case((0, 100), (None,), "both") == (
            Case(0),
            Case(100),
            Case(0, symbolic=True),
            Case(100, symbolic=True),
        )

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            (Source(kind="digits"), ("after-decode",)),
            (Source(kind="tfrecord", text="*", element_bytes=9), ("after-decode",)),
            (Source(kind="tfrecord", text="*"), (None,)),
            (Source(kind="pipeline", text="a:b"), (None,)),
        ],
    )
    def test_have_a_place_where_records_are_decoded(self, source: Source, expected: tuple[str | None, ...]) -> None:
        assert placements_of(source, None) == expected

    def test_have_the_places_that_were_typed(self) -> None:
        both = "before-decode, after-decode,before-decode"

        assert placements_of(Source(kind="digits"), both) == ("before-decode", "after-decode")

    @pytest.mark.parametrize(
        ("source", "text", "message"),
        [
            (Source(kind="digits"), "behind-decode", "expected --placement before-decode,after-decode"),
            (
                Source(kind="tfrecord", text="*"),
                "before-decode",
                "does not apply to --tfrecord without --element-bytes",
            ),
            (Source(kind="pipeline", text="a:b"), "before-decode", "does not apply to --pipeline; leave it out"),
        ],
    )
    def test_have_no_other_places(self, source: Source, text: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            placements_of(source, text)
