from __future__ import annotations

from observed_hooks.compare import measures as m
from observed_hooks.compare.case import Case
from observed_hooks.compare.recommend import recommend, why_none
from observed_hooks.compare.repeat import EventFields
from observed_hooks.compare.result import Figure, Row
from observed_hooks.compare.rows import rows_of
from observed_hooks.events import MemoryPeaked, SaveFailed
from tests.compare.examples import MIB, RUN_STARTED, events, fields, mixed, repeat, saved

NONE, TEN = Case(0), Case(10_000)
HOUR = 3600.0


ERROR = "the state of the iterator cannot be serialized: PyFunc"
UNSAVED = f"the input pipeline could not be saved: {ERROR}"


def unsaved() -> list[EventFields]:
    """What a process publishes whose pipeline cannot be saved."""
    told = ("FirstBatchRead", "InputRead", "MemoryPeaked", "MixingMeasured")
    kept = [each for each in events() if each["event"] in told and not each.get("resumed")]
    failed = SaveFailed(kind="input_pipeline", step=0, duration_seconds=0.1, stall_seconds=0.1, error=ERROR)
    return [*kept, fields(failed)]


def of(rows: tuple[Row, ...], case: Case) -> Row:
    return next(row for row in rows if row.name == case.name)


class TestFigures:
    def test_are_medians_with_the_spread_over_repeats(self) -> None:
        repeats = [repeat(TEN, number, events(size_bytes=size * MIB)) for number, size in enumerate((3, 1, 2), start=1)]

        (row,) = rows_of([TEN], repeats, HOUR)

        assert row.figures["checkpoint_bytes"] == Figure(2 * MIB, MIB, 3 * MIB, 3)

    def test_count_only_the_repeats_that_know_them(self) -> None:
        repeats = [repeat(TEN, 1, [fields(saved(1, MIB))]), repeat(TEN, 2, [fields(saved(1, None))])]

        (row,) = rows_of([TEN], repeats, HOUR)

        assert row.figures["checkpoint_bytes"].repeats == 1
        assert row.figures["save_seconds"].repeats == 2

    def test_come_also_from_what_a_repeat_has_published_before_it_failed(self) -> None:
        repeats = [repeat(TEN, 1, events(size_bytes=MIB)), repeat(TEN, 2, events(size_bytes=3 * MIB), "killed")]

        (row,) = rows_of([TEN], repeats, HOUR)

        assert row.figures["checkpoint_bytes"] == Figure(2 * MIB, MIB, 3 * MIB, 2)

    def test_of_a_pipeline_that_cannot_be_saved_are_all_but_those_of_its_checkpoints(self) -> None:
        cases = [NONE, TEN]
        repeats = [repeat(case, number, unsaved(), UNSAVED) for case in cases for number in (1, 2, 3)]

        row = of(rows_of(cases, repeats, HOUR), TEN)

        assert list(row.figures) == [
            "first_batch_seconds",
            "fill_seconds",
            "examples_per_second",
            "memory_bytes",
            "mixing",
            "mixing_displacement",
            "mixing_neighbours",
            "mixing_labels",
        ]
        assert (row.remarks, row.failed) == ((f"3 of 3 repeats failed: {UNSAVED}",), False)

    def test_of_a_pipeline_that_cannot_be_saved_recommend_nothing_and_say_why(self) -> None:
        cases = [NONE, TEN]
        rows = rows_of(cases, [repeat(case, 1, unsaved(), UNSAVED) for case in cases], HOUR)

        assert recommend(rows) is None
        assert why_none(rows) == "the checkpoint bytes of no case are known"

    def test_stand_in_the_order_of_the_measures_and_hold_nothing_else(self) -> None:
        rows = rows_of([NONE, TEN], [repeat(NONE, 1, events()), repeat(TEN, 1, events())], HOUR)

        assert [list(row.figures) for row in rows] == [[each.name for each in m.MEASURES]] * 2

    def test_written_in_an_hour_follow_the_save_interval(self) -> None:
        (row,) = rows_of([TEN], [repeat(TEN, 1, events(size_bytes=MIB))], 600.0)

        assert row.median("checkpoint_bytes_per_hour") == 6 * MIB


class TestFillAndMemory:
    def test_are_told_as_the_difference_from_the_median_without_a_buffer(self) -> None:
        repeats = [
            *(repeat(NONE, n, events(first_batch=each, peak_bytes=100)) for n, each in enumerate((0.5, 1.0, 9.0), 1)),
            repeat(TEN, 1, events(first_batch=3.0, peak_bytes=150)),
            repeat(TEN, 2, events(first_batch=4.0, peak_bytes=170)),
        ]

        row = of(rows_of([NONE, TEN], repeats, HOUR), TEN)

        assert row.figures["fill_seconds"] == Figure(2.5, 2.0, 3.0, 2)
        assert row.figures["memory_bytes"] == Figure(60, 50, 70, 2)

    def test_are_0_without_a_buffer_by_definition(self) -> None:
        repeats = [repeat(NONE, 1, events(first_batch=0.5)), repeat(NONE, 2, events(first_batch=0.7))]

        (row,) = rows_of([NONE], repeats, HOUR)

        assert row.figures["fill_seconds"] == Figure(0.0, 0.0, 0.0, 2)
        assert row.figures["memory_bytes"] == Figure(0.0, 0.0, 0.0, 2)

    def test_are_measured_against_the_case_that_is_most_alike(self) -> None:
        cases = [
            NONE,
            Case(0, "before-decode"),
            Case(0, "after-decode"),
            Case(0, "after-decode", symbolic=True),
            Case(10_000, "after-decode"),
        ]
        repeats = [repeat(case, 1, events(first_batch=float(place))) for place, case in enumerate(cases)]

        row = of(rows_of(cases, repeats, HOUR), cases[-1])

        assert row.median("fill_seconds") == 2.0

    def test_are_measured_against_another_one_when_that_is_all_there_is(self) -> None:
        cases = [Case(0, "before-decode"), Case(10_000, "after-decode", symbolic=True)]
        repeats = [repeat(case, 1, events(first_batch=float(place))) for place, case in enumerate(cases, start=1)]

        assert rows_of(cases, repeats, HOUR)[1].median("fill_seconds") == 1.0

    def test_are_measured_against_another_one_when_the_most_alike_failed_too_early(self) -> None:
        cases = [Case(0, "before-decode"), Case(0, "after-decode"), Case(10_000, "after-decode")]
        repeats = [
            repeat(cases[0], 1, events(first_batch=1.0)),
            repeat(cases[1], 1, [fields(MemoryPeaked(step=0, peak_bytes=MIB))], "killed"),
            repeat(cases[2], 1, events(first_batch=3.0)),
        ]

        assert rows_of(cases, repeats, HOUR)[2].median("fill_seconds") == 2.0

    def test_are_not_known_while_no_case_without_a_buffer_was_measured(self) -> None:
        repeats = [repeat(NONE, 1, failure="killed"), repeat(TEN, 1, events())]

        row = of(rows_of([NONE, TEN], repeats, HOUR), TEN)

        assert row.median("fill_seconds") is None
        assert row.median("first_batch_seconds") == 1.0
        assert row.remarks == (
            "fill and memory: nothing to measure them against, no case without a buffer was measured",
        )


class TestRemarks:
    def test_say_that_a_case_is_not_measured_yet(self) -> None:
        (row,) = rows_of([TEN], [], HOUR)

        assert (row.remarks, row.failed, row.figures) == (("not measured yet",), False, {})

    def test_say_how_many_repeats_failed_and_why(self) -> None:
        repeats = [
            repeat(NONE, 1, events()),
            repeat(NONE, 2, failure="killed: out of memory"),
            repeat(NONE, 3, failure="killed: out of memory"),
        ]

        (row,) = rows_of([NONE], repeats, HOUR)

        assert (row.remarks, row.failed) == (("2 of 3 repeats failed: killed: out of memory",), False)

    def test_tell_different_failures_apart(self) -> None:
        repeats = [repeat(NONE, 1, failure="killed"), repeat(NONE, 2, failure="took too long")]

        (row,) = rows_of([NONE], repeats, HOUR)

        assert row.remarks == ("1 of 2 repeats failed: killed", "1 of 2 repeats failed: took too long")
        assert row.failed

    def test_of_a_case_without_any_figure_say_nothing_but_why_it_failed(self) -> None:
        (row,) = rows_of([TEN], [repeat(TEN, 1, [fields(RUN_STARTED)], "killed")], HOUR)

        assert (row.remarks, row.failed, row.figures) == (("1 of 1 repeat failed: killed",), True, {})

    def test_say_once_what_every_repeat_could_not_know(self) -> None:
        unlabelled = [*events(), fields(mixed(0.5, 0.5, None, "the examples have no labels"))]
        repeats = [repeat(NONE, 1, unlabelled), repeat(NONE, 2, unlabelled)]

        (row,) = rows_of([NONE], repeats, HOUR)

        assert row.remarks == ("mixing: the examples have no labels",)


class TestRows:
    def test_stand_in_the_order_of_the_cases_with_what_makes_each(self) -> None:
        cases = [TEN, Case(1000, "before-decode", symbolic=True), NONE]

        rows = rows_of(cases, [repeat(NONE, 1, events())], HOUR)

        assert [row.name for row in rows] == ["shuffle-10k", "shuffle-1k-before-decode-symbolic", "shuffle-0"]
        assert (rows[1].buffer_size, rows[1].placement, rows[1].symbolic) == (1000, "before-decode", True)
