from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.saving.choices import ON_STEP_MISMATCH, OnStepMismatch
from observed_hooks.saving.restore import candidates


class TestCandidates:
    def test_the_exact_partner_comes_first(self) -> None:
        assert candidates([0, 3, 6, 9], 6, "nearest") == (6, 3, 0)

    def test_without_one_the_newest_before_it_comes_first(self) -> None:
        assert candidates([0, 3, 9], 6, "nearest") == (3, 0)

    def test_the_order_on_disk_does_not_matter(self) -> None:
        assert candidates([3, 9, 0, 3, 6], 7, "nearest") == (6, 3, 0)

    def test_those_who_want_an_exact_partner_get_no_other(self) -> None:
        for policy in ("fail", "restart"):
            assert candidates([0, 3, 9], 6, policy) == ()
            assert candidates([0, 6, 9], 6, policy) == (6,)

    def test_a_model_at_its_beginning_takes_the_beginning(self) -> None:
        assert candidates([0, 3], 0, "nearest") == (0,)

    @given(
        available=st.lists(st.integers(0, 50)), model_step=st.integers(0, 50), policy=st.sampled_from(ON_STEP_MISMATCH)
    )
    def test_none_is_ever_from_after_the_model_s_step(
        self, available: list[int], model_step: int, policy: OnStepMismatch
    ) -> None:
        found = candidates(available, model_step, policy)
        assert set(found) <= set(available)
        assert all(step <= model_step for step in found)
        assert list(found) == sorted(found, reverse=True)
