from __future__ import annotations

import pytest

from observed_hooks.compare import measures as m
from observed_hooks.compare.result import Figure
from observed_hooks.compare.wording import seconds, shown, spread, told


class TestSeconds:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.0, "0 s"),
            (0.000042, "0.042 ms"),
            (0.0042, "4.2 ms"),
            (0.42, "420 ms"),
            (0.9999, "1.00 s"),
            (4.2, "4.20 s"),
            (9.999, "10.0 s"),
            (42.0, "42.0 s"),
            (59.99, "1 min"),
            (200.0, "3 min 20 s"),
            (-0.0031, "-3.1 ms"),
        ],
    )
    def test_have_the_digits_that_matter(self, value: float, text: str) -> None:
        assert seconds(value) == text


class TestShown:
    @pytest.mark.parametrize(
        ("measure", "value", "text"),
        [
            (m.CHECKPOINT, 12.5 * 1024**2, "12.5 MiB"),
            (m.MEMORY, -2048.0, "-2.0 KiB"),
            (m.CHECKPOINT_PER_ELEMENT, 1280.0, "1.2 KiB"),
            (m.BUFFER_ELEMENTS, 37_500.0, "37,500"),
            (m.BUFFER_ELEMENTS, 0.0, "0"),
            (m.THROUGHPUT, 41_234.5, "41,234"),
            (m.THROUGHPUT, 4.217, "4.22"),
            (m.MIXING, 0.97129, "0.971"),
        ],
    )
    def test_follows_the_unit(self, measure: m.Measure, value: float, text: str) -> None:
        assert shown(value, measure.unit) == text


class TestSpread:
    def test_runs_from_the_lowest_to_the_highest(self) -> None:
        assert spread(Figure(4.2, 4.1, 4.35, 3), "seconds") == "4.10 to 4.35 s"

    def test_names_both_units_where_they_differ(self) -> None:
        assert spread(Figure(1.0, 0.98, 1.02, 3), "seconds") == "980 ms to 1.02 s"

    def test_says_nothing_of_a_single_repeat(self) -> None:
        assert not spread(Figure.of([4.2]), "seconds")

    def test_says_nothing_of_repeats_that_read_the_same(self) -> None:
        assert not spread(Figure(0.5, 0.50001, 0.50002, 3), "ratio")

    def test_stands_behind_the_figure_in_a_sentence(self) -> None:
        assert told(Figure(4.2, 4.1, 4.35, 3), m.FIRST_BATCH) == "first batch: 4.20 s (4.10 to 4.35 s)"
        assert told(Figure.of([4.2]), m.FIRST_BATCH) == "first batch: 4.20 s"
