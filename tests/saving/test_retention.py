from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.saving.restore import candidates
from observed_hooks.saving.retention import expired

STEPS = st.sets(st.integers(0, 30))


class TestBesideModelCheckpoints:
    def test_what_has_no_model_checkpoint_goes(self) -> None:
        assert expired([0, 3, 6, 9], [6, 9], saved_step=9, limit=5) == (0, 3)

    def test_the_one_just_saved_stays_although_its_model_is_still_to_come(self) -> None:
        assert expired([3, 6, 9], [3, 6], saved_step=9, limit=5) == ()

    def test_the_limit_is_the_model_s_and_no_other(self) -> None:
        assert expired(range(20), range(20), saved_step=19, limit=1) == ()

    def test_one_from_after_every_model_goes_when_training_was_rolled_back(self) -> None:
        assert expired([3, 6, 9], [3, 6], saved_step=6, limit=5) == (9,)

    def test_one_between_two_models_stays_for_the_second_when_that_has_no_partner(self) -> None:
        assert expired([3, 5, 9], [3, 8, 12], saved_step=9, limit=5) == ()

    def test_one_between_two_models_goes_when_both_have_their_partners(self) -> None:
        assert expired([3, 5, 8], [3, 8], saved_step=8, limit=5) == (5,)

    @given(inputs=STEPS, models=STEPS.filter(bool), saved=st.integers(0, 30))
    def test_no_model_loses_what_it_would_be_restored_with(
        self, inputs: set[int], models: set[int], saved: int
    ) -> None:
        kept = inputs - set(expired(inputs, models, saved, limit=5))
        for model in models:
            assert candidates(kept, model, "nearest")[:1] == candidates(inputs, model, "nearest")[:1]

    @given(inputs=STEPS, models=STEPS.filter(bool), saved=st.integers(0, 30))
    def test_no_more_stay_than_there_are_models_and_the_one_just_saved(
        self, inputs: set[int], models: set[int], saved: int
    ) -> None:
        assert len(inputs) - len(expired(inputs, models, saved, limit=5)) <= len(models) + 1


class TestWithoutModelCheckpoints:
    def test_the_newest_up_to_the_limit_stay(self) -> None:
        assert expired([9, 0, 3, 6], [], saved_step=9, limit=2) == (0, 3)

    @pytest.mark.parametrize("limit", [None, 0])
    def test_all_stay_without_a_limit(self, limit: int | None) -> None:
        assert expired(range(100), [], saved_step=99, limit=limit) == ()

    def test_those_of_a_training_that_was_rolled_back_go_first(self) -> None:
        assert expired([3, 6, 9, 12], [], saved_step=6, limit=2) == (9, 12)

    def test_none_on_disk_none_to_go(self) -> None:
        assert expired([], [], saved_step=0, limit=1) == ()
