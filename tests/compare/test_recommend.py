from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.compare.case import PLACEMENTS
from observed_hooks.compare.recommend import front, knee, label, recommend, why_none
from observed_hooks.compare.result import Figure, Row
from tests.compare.examples import CURVE, MIB, row

POINTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), max_size=12)


def rows_at(points: list[tuple[int, int]]) -> list[Row]:
    return [row(number, float(size), mixing / 10) for number, (size, mixing) in enumerate(points)]


def sizes(rows: tuple[Row, ...]) -> list[int | None]:
    return [each.buffer_size for each in rows]


class TestFront:
    def test_holds_rows_that_no_other_beats_the_cheapest_first(self) -> None:
        worse = row(5000, 12 * MIB, 0.9)

        assert sizes(front([*reversed(CURVE), worse])) == [0, 1000, 10_000, 100_000]

    def test_keeps_the_smaller_buffer_of_two_that_are_level(self) -> None:
        # Both hold the whole data set.
        assert sizes(front([row(1_000_000, 50.0, 1.0), row(0, 1.0, 0.0), row(100_000, 50.0, 1.0)])) == [0, 100_000]

    def test_leaves_out_what_failed_or_is_not_known(self) -> None:
        rows = [row(0, 1.0, 0.0), row(10, 2.0, None), row(20, None, 0.5), row(30, 3.0, 0.9, failed=True)]

        assert sizes(front(rows)) == [0]

    def test_has_no_symbolic_row_that_saves_next_to_nothing(self) -> None:
        assert sizes(front([row(0, 1.0, 0.0), row(10, 100.0, 0.9), row(10, 99.0, 0.9, symbolic=True)])) == [0, 10]

        (_, chosen) = front([row(0, 1.0, 0.0), row(10, 100.0, 0.9), row(10, 60.0, 0.9, symbolic=True)])
        assert chosen.symbolic

    def test_has_a_symbolic_row_whose_plain_one_failed(self) -> None:
        rows = [row(0, 1.0, 0.0), row(10, None, None, failed=True), row(10, 60.0, 0.9, symbolic=True)]

        assert [each.symbolic for each in front(rows)] == [False, True]

    @given(POINTS)
    def test_beats_every_row_that_is_not_on_it(self, points: list[tuple[int, int]]) -> None:
        rows = rows_at(points)
        on_it = front(rows)
        weighed = [(each.median("checkpoint_bytes") or 0.0, each.median("mixing") or 0.0) for each in on_it]

        assert all(one[0] < other[0] and one[1] < other[1] for one, other in itertools.pairwise(weighed))
        assert all(any(size <= point[0] and mixing >= point[1] / 10 for size, mixing in weighed) for point in points)


class TestKnee:
    def test_is_farthest_above_the_line_from_the_first_to_the_last(self) -> None:
        found = knee(CURVE)

        # By hand: 0.7 - 0.01 for 1k, 0.97 - 0.11 for 10k.
        assert found is not None
        assert found.buffer_size == 10_000

    def test_does_not_depend_on_units_nor_on_where_the_axes_begin(self) -> None:
        sizes_and_mixing = ((0.0, 0.0), (1.0, 0.7), (11.0, 0.97), (100.0, 1.0))
        moved = [row(place, 5 + 7 * x, 0.25 + y / 2) for place, (x, y) in enumerate(sizes_and_mixing)]

        assert knee(moved) == moved[2]

    @pytest.mark.parametrize("rows", [(), CURVE[:1], CURVE[:2]], ids=["none", "one", "two"])
    def test_needs_three_rows_on_the_front(self, rows: tuple[Row, ...]) -> None:
        assert knee(rows) is None

    @pytest.mark.parametrize("middle", [0.5, 0.2], ids=["straight", "bent the other way"])
    def test_is_none_where_bytes_never_buy_less(self, middle: float) -> None:
        assert knee([row(0, 0.0, 0.0), row(50, 50.0, middle), row(100, 100.0, 1.0)]) is None

    @given(POINTS)
    def test_is_on_the_front_but_at_neither_end(self, points: list[tuple[int, int]]) -> None:
        found = knee(rows_at(points))

        assert found is None or found in front(rows_at(points))[1:-1]


class TestRecommending:
    def test_weighs_the_knee_against_the_best_mixing(self) -> None:
        chosen = recommend(CURVE)

        assert chosen is not None
        assert chosen.name == "shuffle-10k"
        assert chosen.sentence == "10k: 97 % of the mixing of 100k for 11 % of the checkpoint bytes"

    def test_names_the_part_of_mixing_that_the_mean_hides(self) -> None:
        hidden = row(10_000, 11.0, 0.8, mixing_displacement=0.5, mixing_neighbours=0.99, mixing_labels=0.9)
        chosen = recommend([row(0, 1.0, 0.0), hidden, row(100_000, 100.0, 1.0)])

        assert chosen is not None
        assert chosen.sentence == (
            "10k: 80 % of the mixing of 100k for 11 % of the checkpoint bytes; "
            "it lags in displacement, 50 % of a full shuffle's"
        )

    def test_names_none_where_the_parts_are_nearly_alike(self) -> None:
        even = row(10_000, 11.0, 0.8, mixing_displacement=0.7, mixing_neighbours=0.9)
        chosen = recommend([row(0, 1.0, 0.0), even, row(100_000, 100.0, 1.0)])

        assert chosen is not None
        assert "lags" not in chosen.sentence

    def test_tells_other_costs_where_the_larger_buffer_has_a_lot_more_of_them(self) -> None:
        smaller = row(10_000, 11 * MIB, 0.97, memory_bytes=40 * MIB, resume_seconds=0.3, save_stall_seconds=0.5)
        larger = row(100_000, 100 * MIB, 1.0, memory_bytes=400 * MIB, resume_seconds=3.0, save_stall_seconds=1.0)

        chosen = recommend([*CURVE[:2], smaller, larger])

        assert chosen is not None
        assert chosen.sentence == (
            "10k: 97 % of the mixing of 100k for 11 % of the checkpoint bytes; it takes 40.0 MiB of memory instead of "
            "400.0 MiB, 0.30 s to resume instead of 3.0 s and 0.50 s of stall at each save instead of 1.0 s"
        )

    def test_tells_a_single_other_cost(self) -> None:
        rows = [
            *CURVE[:2],
            row(10_000, 11 * MIB, 0.97, resume_seconds=0.3),
            row(100_000, 100 * MIB, 1.0, resume_seconds=3.0),
        ]

        chosen = recommend(rows)

        assert chosen is not None
        assert chosen.sentence.endswith("; it takes 0.30 s to resume instead of 3.0 s")

    @pytest.mark.parametrize(
        "larger",
        [Figure(0.35, 0.35, 0.35, 3), Figure(0.31, 0.31, 0.31, 3), Figure(3.0, 0.2, 9.0, 3)],
        ids=["by a hair", "by less", "within the spread"],
    )
    def test_is_silent_about_costs_that_do_not_matter(self, larger: Figure) -> None:
        smaller = row(10_000, 11 * MIB, 0.97, resume_seconds=0.3)
        figures = {**CURVE[3].figures, "resume_seconds": larger}
        rows = [*CURVE[:2], smaller, Row(name="shuffle-100k", buffer_size=100_000, figures=figures)]

        chosen = recommend(rows)

        assert chosen is not None
        assert chosen.sentence.endswith("of the checkpoint bytes")

    def test_names_the_place_that_makes_it_cheaper(self) -> None:
        rows = [
            row(each, factor * size * MIB, mixing + chance, placement=placement)
            for placement, factor, chance in zip(PLACEMENTS, (1.0, 4.0), (0.0, 0.001), strict=True)
            for each, size, mixing in ((0, 0.01, 0.0), (1000, 1, 0.7), (10_000, 11, 0.97), (100_000, 100, 1.0))
        ]

        chosen = recommend(rows)

        assert chosen is not None
        assert chosen.name == "shuffle-10k-before-decode"
        assert chosen.sentence == (
            "10k before-decode: 97 % of the mixing of 100k before-decode for 11 % of the checkpoint bytes; "
            "before-decode it takes 25 % of the checkpoint bytes that it takes after-decode"
        )

    def test_names_a_symbolic_checkpoint_that_pays(self) -> None:
        rows = [
            *CURVE,
            *(
                row(
                    each.buffer_size or 0,
                    (each.median("checkpoint_bytes") or 0) / 2,
                    each.median("mixing"),
                    symbolic=True,
                )
                for each in CURVE
            ),
        ]

        chosen = recommend(rows)

        assert chosen is not None
        assert chosen.name == "shuffle-10k-symbolic"
        assert chosen.sentence.endswith("; a symbolic checkpoint takes 50 % of the bytes of a plain one")

    def test_is_silent_about_symbolic_checkpoints_that_do_not(self) -> None:
        symbolic = [row(10_000, 10.9 * MIB, 0.97, symbolic=True)]

        assert recommend([*CURVE, *symbolic]) == recommend(CURVE)

    def test_of_two_sizes_asks_for_some_between(self) -> None:
        chosen = recommend([row(0, 1000.0, 0.0), row(10_000, 4 * MIB, 0.82)])

        assert chosen is not None
        assert chosen.sentence == (
            "10k: 82 % of a full shuffle's mixing for 4.0 MiB a checkpoint; "
            "sizes between 0 and 10k would show from where on it pays less"
        )

    def test_takes_the_best_mixing_where_every_byte_buys_its_share(self) -> None:
        chosen = recommend([row(0, 0.0, 0.0), row(50, 50.0, 0.4), row(100, 100.0, 0.9)])

        assert chosen is not None
        assert chosen.sentence == (
            "100: 90 % of a full shuffle's mixing for 100 B a checkpoint; "
            "smaller ones give up more mixing than they save bytes, in proportion"
        )

    def test_takes_no_buffer_when_none_mixes_better(self) -> None:
        chosen = recommend([row(0, 10.0, 0.5), row(1000, 1000.0, 0.5), row(2000, 2000.0, 0.4)])

        assert chosen is not None
        assert chosen.sentence == "0: no other mixes better, and none takes fewer checkpoint bytes"

    def test_does_not_round_to_all_or_nothing(self) -> None:
        chosen = recommend([row(0, 1.0, 0.0), row(10, 50.0, 0.999), row(20, 1e5, 1.0)])

        assert chosen is not None
        assert chosen.sentence.startswith("10: more than 99 % of the mixing of 20 for less than 1 % of the checkpoint")

    @given(POINTS)
    def test_says_one_line_or_why_not(self, points: list[tuple[int, int]]) -> None:
        rows = rows_at(points)
        chosen = recommend(rows)

        assert (chosen is None) == bool(why_none(rows))
        assert chosen is None or "\n" not in chosen.sentence


class TestWhyNone:
    @pytest.mark.parametrize(
        ("rows", "why"),
        [
            ((), "nothing was measured"),
            ((row(0, 1.0, 0.5, failed=True),), "nothing was measured"),
            ((row(0, 1.0, None), row(10, 2.0, None)), "the mixing of no case is known"),
            ((row(0, None, 0.0), row(10, None, 0.5)), "the checkpoint bytes of no case are known"),
            ((row(0, 1.0, 0.0), row(10, 2.0, None)), "mixing and checkpoint bytes are not known of two cases"),
        ],
    )
    def test_says_what_is_missing(self, rows: tuple[Row, ...], why: str) -> None:
        assert recommend(rows) is None
        assert why_none(rows).startswith(why)


class TestLabel:
    def test_of_a_case_is_its_size_as_it_is_typed(self) -> None:
        assert [label(each, CURVE) for each in CURVE] == ["0", "1k", "10k", "100k"]

    def test_names_what_tells_it_from_others_of_its_size(self) -> None:
        rows = [
            row(10, 1.0, 0.0, placement="before-decode"),
            row(10, 1.0, 0.0, placement="after-decode"),
            row(10, 1.0, 0.0, placement="after-decode", symbolic=True),
            row(20, 1.0, 0.0, placement="after-decode"),
        ]

        assert [label(each, rows) for each in rows] == [
            "10 before-decode",
            "10 after-decode",
            "10 after-decode symbolic",
            "20",
        ]

    @pytest.mark.parametrize("name", ["digits", "shuffle-10-before-decode"])
    @pytest.mark.parametrize("buffer_size", [None, 10])
    def test_of_a_run_is_its_name(self, buffer_size: int | None, name: str) -> None:
        run = Row(name=name, buffer_size=buffer_size)

        assert label(run, [run]) == name
