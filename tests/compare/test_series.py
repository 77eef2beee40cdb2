from __future__ import annotations

from dataclasses import replace

from observed_hooks.compare.series import all_series, categories, is_by_name
from tests.compare.results import FOUR_SERIES, ONE_SERIES, RUNS


class TestSeries:
    def test_are_one_where_only_the_size_differs(self) -> None:
        (series,) = all_series(ONE_SERIES)

        assert (series.name, series.rows) == ("shuffle buffer", ONE_SERIES.rows)

    def test_are_one_for_each_placement_plain_and_symbolic(self) -> None:
        assert [series.name for series in all_series(FOUR_SERIES)][:4] == [
            *("before-decode, plain", "before-decode, symbolic", "after-decode, plain", "after-decode, symbolic"),
        ]

    def test_are_told_apart_without_colour_too(self) -> None:
        series = all_series(FOUR_SERIES)

        assert len({each.symbol for each in series}) == len({each.glyph for each in series}) == len(series)

    def test_keep_the_colour_of_a_placement_and_open_the_symbol_of_a_symbolic_one(self) -> None:
        plain, symbolic = all_series(FOUR_SERIES)[:2]

        assert symbolic.color == plain.color
        assert symbolic.symbol == f"{plain.symbol}-open"

    def test_of_every_placement_begin_without_a_buffer(self) -> None:
        before, before_symbolic, after, after_symbolic = all_series(FOUR_SERIES)[:4]

        assert before.rows[0] is after.rows[0] is FOUR_SERIES.rows[0]
        assert before_symbolic.rows[0] is after_symbolic.rows[0] is FOUR_SERIES.rows[1]

    def test_know_how_many_are_drawn_over_them(self) -> None:
        assert [series.above for series in all_series(FOUR_SERIES)] == [1, 1, 0, 0]

    def test_have_their_rows_by_rising_size(self) -> None:
        turned = replace(ONE_SERIES, rows=ONE_SERIES.rows[::-1])

        assert all_series(turned)[0].rows == ONE_SERIES.rows

    def test_of_runs_are_one_without_a_line_between_the_runs(self) -> None:
        (series,) = all_series(RUNS)

        assert (series.rows, series.connected) == (RUNS.rows, False)


class TestCategories:
    def test_are_the_sizes_of_all_series_each_once(self) -> None:
        assert categories(FOUR_SERIES) == ("0", "100", "1k", "10k", "37.5k", "1m")

    def test_are_names_of_runs_even_where_their_sizes_are_known(self) -> None:
        assert categories(RUNS) == ("digits", "letters", "speech")
        assert categories(replace(RUNS, rows=RUNS.rows[:2])) == ("digits", "letters")

    def test_are_names_where_two_rows_are_of_one_kind(self) -> None:
        two = replace(ONE_SERIES, rows=(ONE_SERIES.rows[1], ONE_SERIES.rows[1]))

        assert is_by_name(two)
        assert categories(two) == ("shuffle-100",)
