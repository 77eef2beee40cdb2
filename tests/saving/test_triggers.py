from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.errors import ConfigurationError
from observed_hooks.saving.triggers import Interval, SaveTrigger
from observed_hooks.saving.watch import Reach
from observed_hooks.testing import FakeClock

MOST_PER_RUN = 4
RUNS = st.lists(
    st.tuples(st.integers(0, MOST_PER_RUN), st.sampled_from([0.0, 0.25, 1.0, 3.5])), min_size=1, max_size=60
)
"""What goes by with each run: steps and seconds."""


def trigger_of(
    clock: FakeClock | None = None, *, seconds: float | None = None, steps: int | None = None
) -> SaveTrigger:
    return SaveTrigger(Interval.of(seconds, steps), clock or FakeClock())


class TestInterval:
    @pytest.mark.parametrize(("seconds", "steps"), [(None, None), (1, 1)])
    def test_is_exactly_one_of_seconds_and_steps(self, seconds: float | None, steps: int | None) -> None:
        with pytest.raises(ConfigurationError, match=f"got save_secs={seconds!r} and save_steps={steps!r}"):
            Interval.of(seconds, steps)

    @pytest.mark.parametrize("value", [0, -1, -0.5, float("nan"), "3", [3]])
    def test_is_a_number_above_zero(self, value: Any) -> None:
        with pytest.raises(ConfigurationError, match="above 0, got"):
            Interval.of(None, value)
        with pytest.raises(ConfigurationError, match="above 0, got"):
            Interval.of(value, None)

    @pytest.mark.parametrize("value", [1, 2.5, np.int64(3), np.float32(0.5)])
    def test_may_be_a_number_of_numpy_s(self, value: Any) -> None:
        assert Interval.of(None, value) == Interval(seconds=None, steps=value)
        assert Interval.of(value, None) == Interval(seconds=value, steps=None)


class TestSaveTrigger:
    def test_is_due_at_once_when_nothing_was_saved_yet(self) -> None:
        assert trigger_of(steps=10).is_due(0)
        assert trigger_of(seconds=10).is_due(7)

    def test_by_steps_is_due_when_so_many_have_gone_by(self) -> None:
        trigger = trigger_of(steps=10)
        trigger.saved(5, 0.0)
        assert [trigger.is_due(step) for step in (5, 6, 14, 15, 27)] == [False, False, False, True, True]

    def test_by_seconds_is_due_when_so_many_have_gone_by_since_the_decision(self) -> None:
        clock = FakeClock()
        trigger = trigger_of(clock, seconds=10)
        clock.advance(3.0)
        trigger.saved(0, decided_seconds=1.0)
        due = []
        for seconds in (7.0, 1.0, 5.0):
            clock.advance(seconds)
            due.append(trigger.is_due(1))
        assert due == [False, True, True]

    def test_is_never_due_twice_for_one_step(self) -> None:
        clock = FakeClock()
        trigger = trigger_of(clock, seconds=1)
        trigger.saved(3, 0.0)
        clock.advance(100.0)
        assert not trigger.is_due(3)

    def test_is_due_again_at_the_next_step_when_the_save_failed(self) -> None:
        trigger = trigger_of(steps=10)
        trigger.saved(0, 0.0)
        assert [trigger.is_due(step) for step in (10, 11, 12)] == [True, True, True]

    def test_counts_from_the_restored_step_when_training_was_rolled_back(self) -> None:
        trigger = trigger_of(steps=10)
        trigger.saved(20, 0.0)
        trigger.saved(10, 0.0)
        assert [trigger.is_due(step) for step in (19, 20)] == [False, True]

    def test_does_not_notice_when_the_calendar_jumps(self) -> None:
        clock = FakeClock()
        trigger = trigger_of(clock, seconds=10)
        trigger.saved(0, 0.0)
        clock.jump(1_000_000.0)
        assert not trigger.is_due(1)
        clock.jump(-2_000_000.0)
        clock.advance(10.0)
        assert trigger.is_due(1)

    def test_remembers_the_last_step(self) -> None:
        trigger = trigger_of(steps=10)
        assert trigger.last_step is None
        trigger.saved(7, 0.0)
        assert trigger.last_step == 7


def steps_saved_by_tensorflow(
    clock: FakeClock, runs: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch, **interval: Any
) -> list[int]:
    monkeypatch.setattr("time.time", clock.time)
    timer = tf.compat.v1.train.SecondOrStepTimer(every_secs=interval.get("seconds"), every_steps=interval.get("steps"))
    timer.update_last_triggered_step(0)
    step, saved = 0, []
    for steps, seconds in runs:
        step += steps
        clock.advance(seconds)
        if timer.should_trigger_for_step(step):
            timer.update_last_triggered_step(step)
            saved.append(step)
    return saved


def steps_saved_by_us(
    clock: FakeClock, runs: list[tuple[int, float]], *, looks_always: bool, alone: bool = True, **interval: Any
) -> list[int]:
    trigger = trigger_of(clock, **interval)
    trigger.begin_session(Reach(most_per_run=MOST_PER_RUN, alone=alone))
    trigger.saved(0, clock.monotonic())
    step, saved = 0, []
    for steps, seconds in runs:
        step += steps
        clock.advance(seconds)
        looks = trigger.may_be_due()
        if (looks or looks_always) and trigger.is_due(step):
            trigger.saved(step, clock.monotonic())
            saved.append(step)
    return saved


class TestBesideTensorFlowSTimer:
    @pytest.mark.parametrize("looks_always", [True, False])
    @given(runs=RUNS, every_steps=st.integers(1, 12))
    def test_by_steps_the_same_steps_are_saved(
        self, looks_always: bool, runs: list[tuple[int, float]], every_steps: int
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            stock = steps_saved_by_tensorflow(FakeClock(), runs, patch, steps=every_steps)
        assert steps_saved_by_us(FakeClock(), runs, looks_always=looks_always, steps=every_steps) == stock

    @pytest.mark.parametrize("looks_always", [True, False])
    @given(runs=RUNS, every_seconds=st.sampled_from([0.25, 1.0, 4.0, 10.0]))
    def test_by_seconds_the_same_steps_are_saved(
        self, looks_always: bool, runs: list[tuple[int, float]], every_seconds: float
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            stock = steps_saved_by_tensorflow(FakeClock(0.0), runs, patch, seconds=every_seconds)
        assert steps_saved_by_us(FakeClock(0.0), runs, looks_always=looks_always, seconds=every_seconds) == stock
