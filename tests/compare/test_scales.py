from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from observed_hooks.compare.measures import Unit
from observed_hooks.compare.scales import linear_scale, log_scale, ratio_scale
from tests.compare.results import KIB, MIB


class TestTheLogarithm:
    def test_of_bytes_has_ticks_at_powers_of_two(self) -> None:
        assert log_scale([14 * KIB, 100 * MIB], "bytes").labels == (
            *("16 KiB", "64 KiB", "256 KiB", "1 MiB", "4 MiB", "16 MiB", "64 MiB"),
        )

    def test_of_seconds_has_ticks_at_round_numbers(self) -> None:
        assert log_scale([0.002, 0.07], "seconds").labels == ("2 ms", "5 ms", "10 ms", "20 ms", "50 ms")

    def test_of_values_that_lie_close_together_has_the_ticks_around_them(self) -> None:
        assert log_scale([0.011, 0.012], "seconds").labels == ("10 ms", "20 ms")

    def test_gives_zero_a_place_of_its_own_below_the_rest(self) -> None:
        scale = log_scale([0.0, 20 * KIB, 1 * MIB], "bytes")

        assert scale.labels[0] == "0"
        assert scale.place(0.0) == scale.ticks[0] < 20 * KIB
        assert scale.place(1 * MIB) == 1 * MIB

    def test_says_so_where_values_below_zero_stand_there_too(self) -> None:
        scale = log_scale([-5 * KIB, 0.0, 20 * KIB, 1 * MIB], "bytes")

        assert scale.labels[0] == "0 or less"
        assert scale.place(-5 * KIB) == scale.place(0.0)

    def test_of_nothing_but_zeros_is_linear(self) -> None:
        assert log_scale([0.0, 0.0], "bytes").type == "linear"

    @pytest.mark.parametrize("unit", ["bytes", "seconds"])
    @given(values=st.lists(st.floats(1e-6, 1e13) | st.just(0.0), min_size=1))
    @example([0.0, 1e13, 1e-6])
    def test_holds_all_values_and_can_be_read(self, unit: Unit, values: list[float]) -> None:
        scale = log_scale(values, unit)
        lowest, highest = scale.axis()["range"]

        assert all(lowest <= scale.on_axis(value) <= highest for value in values)
        assert all(lowest <= scale.on_axis(tick) <= highest for tick in scale.ticks)
        assert 2 <= len(scale.ticks) == len(scale.labels) <= 8
        assert len(set(scale.ticks)) == len(scale.ticks)

    def test_is_told_to_plotly_in_powers_of_ten(self) -> None:
        scale = log_scale([0.01, 1.0], "seconds")

        assert scale.on_axis(0.01) == pytest.approx(math.log10(0.01))
        assert scale.axis()["range"] == pytest.approx([-2.16, 0.16])


class TestTheLinearScale:
    def test_begins_at_zero(self) -> None:
        scale = linear_scale([41_000.0, 37_000.0], "examples per second")

        assert scale.labels == ("0", "20,000", "40,000")
        assert scale.axis()["range"][0] <= 0

    def test_goes_below_zero_where_values_do(self) -> None:
        assert linear_scale([-10.0, 40.0], "examples per second").labels == ("0", "20", "40")
        assert linear_scale([-10.0, 40.0], "examples per second").ends == (-10.0, 40.0)

    def test_has_a_range_even_when_there_is_nothing(self) -> None:
        lowest, highest = linear_scale([], "bytes").axis()["range"]

        assert lowest < highest


class TestTheScaleOfRatios:
    def test_goes_from_input_order_to_full_shuffle(self) -> None:
        assert ratio_scale([0.4, 0.5]).ends == (0.0, 1.0)
        assert ratio_scale([0.4]).labels == ("0", "0.25", "0.5", "0.75", "1")

    def test_has_room_for_values_beyond(self) -> None:
        assert ratio_scale([-0.1, 1.2]).ends == (-0.1, 1.2)
