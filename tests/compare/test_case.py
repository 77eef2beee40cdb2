from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.compare.case import PLACEMENTS, Case, parse_sizes, short
from observed_hooks.errors import ConfigurationError


class TestSizes:
    @pytest.mark.parametrize(
        ("text", "sizes"),
        [
            ("0,1k,10k,100k", (0, 1000, 10_000, 100_000)),
            ("2.5m", (2_500_000,)),
            ("1K,1M", (1000, 1_000_000)),
            (" 10 , 5 ", (5, 10)),
            ("1000,1k,1k", (1000,)),
            ("0.5k", (500,)),
            ("1.13m,0.29k", (290, 1_130_000)),
        ],
    )
    def test_are_read_in_rising_order_each_once(self, text: str, sizes: tuple[int, ...]) -> None:
        assert parse_sizes(text) == sizes

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ",",
            "1k,,2k",
            "-1",
            "1g",
            "k",
            "0.5",
            "1.0005k",
            "1e3",
            "10 000",
            "3000m",
            "9" * 5000,
            "1." + "0" * 5000,
            "٣",
        ],
    )
    def test_that_cannot_be_read_are_told_in_one_line(self, text: str) -> None:
        with pytest.raises(ConfigurationError, match=r"^expected buffer sizes such as .*; got '.*'$"):
            parse_sizes(text)

    @given(st.integers(0, 2**31 - 1))
    def test_are_the_same_after_they_were_written_short(self, number: int) -> None:
        assert parse_sizes(short(number)) == (number,)

    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0, "0"),
            (999, "999"),
            (1000, "1k"),
            (1010, "1.01k"),
            (1001, "1001"),
            (2500, "2.5k"),
            (37_500, "37.5k"),
            (10**6, "1m"),
        ],
    )
    def test_are_written_as_a_person_would_type_them(self, number: int, text: str) -> None:
        assert short(number) == text


class TestName:
    @pytest.mark.parametrize(
        ("case", "name"),
        [
            (Case(0), "shuffle-0"),
            (Case(10_000), "shuffle-10k"),
            (Case(10_000, "before-decode"), "shuffle-10k-before-decode"),
            (Case(10_000, symbolic=True), "shuffle-10k-symbolic"),
            (Case(2500, "after-decode", symbolic=True), "shuffle-2.5k-after-decode-symbolic"),
        ],
    )
    def test_says_all_that_makes_a_case(self, case: Case, name: str) -> None:
        assert case.name == name

    @given(
        st.lists(
            st.builds(Case, st.integers(0, 10**7), st.sampled_from([None, *PLACEMENTS]), st.booleans()), unique=True
        )
    )
    def test_tells_every_two_cases_apart(self, cases: list[Case]) -> None:
        assert len({case.name for case in cases}) == len(cases)
