from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.diary import Board, Diary, Life, State, Step, read_diary
from tests.crash.phases import AIMED, Aim, Phase, aims
from tests.crash.tally import Tally
from tests.crash.verdict import Reference, mismatch

EXAMPLES = 12
BATCH = 2


def stream(batches: Sequence[tuple[int, ...]], start: State) -> list[Step]:
    """What the witness writes down of a model at `start` that is trained on `batches`."""
    steps, digest = [], start.digest
    for number, ids in enumerate(batches, start.step + 1):
        digest = hash((digest, ids))
        steps.append(Step(ids, State(number, digest, counts=digest + 1)))
    return steps


START = State(0, 0, 0)
BATCHES = [(number, number + 1) for number in range(0, EXAMPLES, BATCH)]
REFERENCE = Reference(START, tuple(stream(BATCHES, START)))


def resumed(step: int, batches: Sequence[tuple[int, ...]]) -> Life:
    start = REFERENCE.state(step)
    return Life(start=start, steps=stream(batches, start))


class TestAResume:
    @pytest.mark.parametrize("step", range(len(BATCHES) + 1))
    def test_is_right_when_the_stream_goes_on_where_the_model_is(self, step: int) -> None:
        assert not mismatch(REFERENCE, resumed(step, BATCHES[step:]), newest_saved_step=step)

    def test_is_right_as_far_as_it_went_before_the_next_kill(self) -> None:
        assert not mismatch(REFERENCE, resumed(2, BATCHES[2:3]), newest_saved_step=2)

    def test_says_nothing_when_it_died_before_the_model_was_restored(self) -> None:
        assert not mismatch(REFERENCE, Life(), newest_saved_step=4)

    def test_may_be_at_a_newer_step_than_the_last_one_known_to_be_saved(self) -> None:
        assert not mismatch(REFERENCE, resumed(3, BATCHES[3:]), newest_saved_step=2)


class TestAMismatch:
    def test_is_a_lost_batch(self) -> None:
        found = mismatch(REFERENCE, resumed(2, BATCHES[3:]), newest_saved_step=2)

        assert "from step 3 on" in found
        assert "2 lost and 0 repeated" not in found, "in as many steps, whoever loses two has two others"
        assert "2 lost and 2 repeated" in found

    def test_is_a_repeated_batch(self) -> None:
        assert "2 lost and 2 repeated" in mismatch(REFERENCE, resumed(2, BATCHES[1:5]), newest_saved_step=2)

    def test_is_one_lost_example_in_the_middle_of_a_stream(self) -> None:
        found = mismatch(REFERENCE, resumed(1, [BATCHES[1], (4, 6), (7, 8)]), newest_saved_step=1)

        assert "from step 3 on" in found

    def test_is_two_examples_that_changed_places(self) -> None:
        first, second = BATCHES[2]

        assert mismatch(REFERENCE, resumed(2, [(second, first)]), newest_saved_step=2)

    def test_is_a_model_that_was_trained_on_something_else_before(self) -> None:
        life = resumed(2, BATCHES[2:])
        life.start = State(2, digest=1, counts=1)

        assert "restored at step 2" in mismatch(REFERENCE, life, newest_saved_step=2)

    def test_is_a_model_that_does_not_learn_what_it_was_given(self) -> None:
        life = resumed(2, BATCHES[2:])
        life.steps[1] = replace(life.steps[1], state=replace(life.steps[1].state, digest=1))

        assert "model at step 4" in mismatch(REFERENCE, life, newest_saved_step=2)

    def test_is_a_saved_step_that_is_forgotten(self) -> None:
        assert "although step 4 had been saved" in mismatch(REFERENCE, resumed(2, BATCHES[2:]), newest_saved_step=4)

    def test_is_a_step_counted_twice(self) -> None:
        life = resumed(2, BATCHES[2:4])
        life.steps.append(life.steps[-1])

        assert "expected step 5, got step 4" in mismatch(REFERENCE, life, newest_saved_step=2)


class TestAReference:
    @pytest.mark.parametrize(
        "life",
        [
            Life(),
            Life(start=START),
            Life(start=START, ended=True, error="OSError: no"),
            Life(start=State(3, 0, 0), ended=True),
        ],
    )
    def test_is_a_whole_run(self, life: Life) -> None:
        with pytest.raises(ValueError, match="from its beginning to its end"):
            Reference.of(life)


class TestADiary:
    def test_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        diary = Diary(tmp_path / "diary")
        diary.started(START)
        diary.stepped(REFERENCE.steps[0])
        diary.saved(1)
        diary.failed("OSError: no")
        diary.ended()

        assert read_diary(tmp_path / "diary") == Life(START, [REFERENCE.steps[0]], [1], "OSError: no", ended=True)

    def test_of_a_process_that_wrote_nothing_is_empty(self, tmp_path: Path) -> None:
        assert read_diary(tmp_path / "diary") == Life()

    def test_has_a_board_that_another_process_can_read(self, tmp_path: Path) -> None:
        path = Board.make(tmp_path / "board")
        Board(path).phase = Phase.BETWEEN

        assert Board(path).phase is Phase.BETWEEN


class TestTheAims:
    def test_are_as_many_as_asked_for(self) -> None:
        assert len(aims(37, seed=1)) == 37

    def test_are_at_every_phase_as_soon_as_there_are_enough(self) -> None:
        assert {aim.phase for aim in aims(16, seed=1)} == {None, *AIMED}

    def test_are_the_same_for_the_same_seed(self) -> None:
        assert aims(20, seed=5) == aims(20, seed=5) != aims(20, seed=6)


class TestATally:
    def test_is_clean_when_every_resume_was_right(self) -> None:
        tally = Tally()
        tally.kill(Phase.BETWEEN, aimed=True)
        tally.resume(Phase.BETWEEN, 25, "")

        assert tally.is_clean

    def test_is_not_after_a_mismatch(self) -> None:
        tally = Tally()
        tally.resume(Phase.BETWEEN, 25, "6 lost")

        assert not tally.is_clean
        assert tally.total.mismatches == 1
        assert tally.details == ["killed in between: 6 lost"]

    def test_is_not_after_a_restart_that_failed(self) -> None:
        tally = Tally()
        tally.failed(Phase.MODEL_INDEX, "DataLossError")

        assert not tally.is_clean

    def test_is_not_when_a_phase_was_never_reached(self) -> None:
        tally = Tally()
        tally.unreached_aim(Aim(phase=Phase.BETWEEN).label)

        assert not tally.is_clean
