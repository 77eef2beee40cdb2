from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.compare.result import Figure, Row

NUMBERS = st.lists(st.floats(-1e9, 1e9), min_size=1)


class TestFigure:
    def test_is_the_median_with_the_lowest_and_the_highest(self) -> None:
        assert Figure.of([3.0, 1.0, 10.0]) == Figure(median=3.0, low=1.0, high=10.0, repeats=3)

    def test_of_an_even_number_lies_between_the_middle_two(self) -> None:
        assert Figure.of([1.0, 2.0, 4.0, 9.0]).median == 3.0

    def test_of_nothing_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="median"):
            Figure.of([])

    @given(NUMBERS)
    def test_has_its_median_within_its_spread(self, numbers: list[float]) -> None:
        figure = Figure.of(numbers)

        assert figure.low <= figure.median <= figure.high
        assert figure.repeats == len(numbers)

    @given(NUMBERS)
    def test_does_not_depend_on_the_order_of_repeats(self, numbers: list[float]) -> None:
        assert Figure.of(numbers) == Figure.of(numbers[::-1])


class TestRow:
    def test_knows_the_median_of_what_was_measured(self) -> None:
        row = Row(name="shuffle-10", buffer_size=10, figures={"save_seconds": Figure(0.5, 0.25, 1.0, 3)})

        assert row.median("save_seconds") == 0.5
        assert row.median("mixing") is None

    def test_tells_zero_from_not_known(self) -> None:
        row = Row(name="shuffle-0", buffer_size=0, figures={"mixing": Figure(0.0, 0.0, 0.0, 1)})

        assert row.median("mixing") == 0.0
