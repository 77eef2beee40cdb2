from __future__ import annotations

from dataclasses import fields

import pytest

from observed_hooks.dashboards.config import Config, duration, seconds_of
from observed_hooks.errors import ConfigurationError


class TestTheConfiguration:
    @pytest.mark.parametrize("name", [field.name for field in fields(Config)])
    def test_tells_of_each_setting_what_it_is_and_when_to_change_it(self, name: str) -> None:
        (comment,) = [field.metadata["comment"] for field in fields(Config) if field.name == name]

        assert len(comment) > 30
        assert comment.endswith(".")

    def test_takes_values_as_text(self) -> None:
        config = Config().with_values({"bloat_ratio": "2.5", "failures_in_a_row": "5", "selector": 'a="b"'})

        assert (config.bloat_ratio, config.failures_in_a_row, config.selector) == (2.5, 5, 'a="b"')

    @pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("1h30m", 5400), ("5400", 5400)])
    def test_takes_durations_as_prometheus_writes_them(self, text: str, seconds: int) -> None:
        assert Config().with_values({"overdue_seconds": text}).overdue_seconds == seconds

    def test_leaves_the_original_as_it_is(self) -> None:
        original = Config()
        original.with_values({"bloat_ratio": "9"})

        assert original == Config()

    @pytest.mark.parametrize(
        ("name", "text", "complaint"),
        [
            ("bloat", "2", "expected one of bloat_ratio"),
            ("bloat_ratio", "twice", "bloat_ratio to be a number"),
            ("bloat_ratio", "0", "above 0"),
            ("bloat_ratio", "nan", "above 0"),
            ("failures_in_a_row", "1.5", "whole number"),
            ("overdue_seconds", "an hour", "a duration such as 90m"),
            ("overdue_seconds", "", "a duration such as 90m"),
        ],
    )
    def test_refuses_what_it_cannot_take_and_says_what_it_can(self, name: str, text: str, complaint: str) -> None:
        with pytest.raises(ConfigurationError, match=complaint):
            Config().with_values({name: text})

    def test_refuses_to_forget_a_dead_run_before_it_is_missed(self) -> None:
        with pytest.raises(ConfigurationError, match="forgotten before it is missed"):
            Config(memory_seconds=3600, overdue_seconds=7200)


class TestDurations:
    @pytest.mark.parametrize(
        ("seconds", "text"), [(0, "0s"), (1, "1s"), (60, "1m"), (5400, "1h30m"), (86400, "1d"), (90061, "1d1h1m1s")]
    )
    def test_are_written_as_prometheus_reads_them(self, seconds: int, text: str) -> None:
        assert duration(seconds) == text
        assert seconds_of(text) == seconds
