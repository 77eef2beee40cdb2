from __future__ import annotations

import pytest

from observed_hooks.demo.leash import AHEAD_STEPS
from observed_hooks.demo.plan import FEWEST_STEPS, Plan


def plan(steps: int) -> Plan:
    return Plan(directory="/tmp/demo", steps=steps, port=9464, serve=False)  # noqa: S108 - nothing is written


class TestThePlan:
    @pytest.mark.parametrize("steps", [FEWEST_STEPS, FEWEST_STEPS + 1, 99, 1000, 12345])
    def test_has_the_kill_strike_between_two_saves_wherever_training_has_got_to(self, steps: int) -> None:
        since_save = plan(steps).kill_step % plan(steps).save_steps

        assert since_save > 0
        assert since_save + AHEAD_STEPS < plan(steps).save_steps

    @pytest.mark.parametrize("steps", [FEWEST_STEPS, 99, 1000, 12345])
    def test_has_the_kill_strike_about_half_way(self, steps: int) -> None:
        assert plan(steps).kill_step == pytest.approx(steps / 2, rel=0.12)

    def test_reaches_the_training_process_as_it_is(self) -> None:
        assert Plan.from_argument(plan(1000).to_argument()) == plan(1000)
