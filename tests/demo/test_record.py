from __future__ import annotations

from pathlib import Path

import pytest

from observed_hooks.demo.record import Batch, ConsumedRecord, Stretch, effective_stream, prove, read_stretches

# Ten steps of two examples each, from a training set of five that is read twice over in changing order.
UNINTERRUPTED: dict[int, Batch] = dict(
    enumerate([(0, 3), (1, 4), (2, 2), (4, 0), (3, 1), (3, 0), (1, 2), (4, 1), (4, 3), (0, 2)], start=1)
)


def killed(*, after: int) -> Stretch:
    return Stretch(0, {step: batch for step, batch in UNINTERRUPTED.items() if step <= after})


def resumed(*, at: int, skew: int = 0) -> Stretch:
    """A pipeline restored at the model's step, or `skew` steps too early."""
    return Stretch(at, {step: UNINTERRUPTED[step - skew] for step in UNINTERRUPTED if step > at})


class TestTheRecord:
    def test_reads_back_what_each_process_consumed(self, tmp_path: Path) -> None:
        for continues_at in (0, 2):
            record = ConsumedRecord(tmp_path / "consumed.jsonl")
            record.begin(continues_at)
            record.consumed(continues_at + 1, [7, 8])
            record.close()

        assert read_stretches(tmp_path / "consumed.jsonl") == [Stretch(0, {1: (7, 8)}), Stretch(2, {3: (7, 8)})]

    def test_has_a_step_on_disk_before_the_next_line_of_code(self, tmp_path: Path) -> None:
        record = ConsumedRecord(tmp_path / "consumed.jsonl")
        record.begin(0)
        record.consumed(1, [5])

        assert read_stretches(tmp_path / "consumed.jsonl")[0].last_step == 1
        record.close()

    def test_survives_a_line_that_a_killed_process_left_torn(self, tmp_path: Path) -> None:
        path = tmp_path / "consumed.jsonl"
        path.write_bytes(b'\n{"continues_at": 0}\n{"step": 1, "ids": [1, 2]}\n{"step": 2, "ids": [3')
        record = ConsumedRecord(path)
        record.begin(1)
        record.close()

        assert read_stretches(path) == [Stretch(0, {1: (1, 2)}), Stretch(1)]


class TestTheEffectiveStream:
    def test_of_one_process_is_what_it_consumed(self) -> None:
        assert effective_stream([killed(after=10)]) == UNINTERRUPTED

    def test_counts_a_step_that_was_done_again_once(self) -> None:
        assert effective_stream([killed(after=7), resumed(at=5)]) == UNINTERRUPTED

    def test_forgets_steps_that_went_with_the_killed_process_and_were_not_done_again(self) -> None:
        assert set(effective_stream([killed(after=7), Stretch(5)])) == {1, 2, 3, 4, 5}


class TestTheProof:
    @pytest.mark.parametrize(("kill", "checkpoint"), [(7, 5), (6, 5), (5, 5), (3, 0)])
    def test_holds_when_the_pipeline_resumes_where_the_model_does(self, kill: int, checkpoint: int) -> None:
        proof = prove([killed(after=kill), resumed(at=checkpoint)], UNINTERRUPTED)

        assert proof.holds
        assert (proof.steps, proof.examples, proof.steps_done_again) == (10, 20, kill - checkpoint)
        assert (proof.lost, proof.repeated, proof.first_difference) == (0, 0, None)

    def test_finds_one_lost_example(self) -> None:
        second = resumed(at=5)
        second.batches[8] = (4,)

        proof = prove([killed(after=7), second], UNINTERRUPTED)

        assert not proof.holds
        assert (proof.lost, proof.repeated, proof.first_difference) == (1, 0, 8)

    def test_finds_one_repeated_example(self) -> None:
        second = resumed(at=5)
        second.batches[8] = (4, 1, 1)

        proof = prove([killed(after=7), second], UNINTERRUPTED)

        assert not proof.holds
        assert (proof.lost, proof.repeated, proof.first_difference) == (0, 1, 8)

    def test_finds_a_pipeline_that_resumed_two_steps_before_the_model(self) -> None:
        proof = prove([killed(after=7), resumed(at=5, skew=2)], UNINTERRUPTED)

        assert not proof.holds
        assert proof.first_difference == 6
        assert proof.lost == proof.repeated > 0

    def test_finds_a_pipeline_that_began_afresh(self) -> None:
        assert not prove([killed(after=7), resumed(at=5, skew=5)], UNINTERRUPTED).holds

    def test_finds_examples_in_another_order(self) -> None:
        second = resumed(at=5)
        second.batches[6] = tuple(reversed(second.batches[6]))

        proof = prove([killed(after=7), second], UNINTERRUPTED)

        assert not proof.holds
        assert (proof.lost, proof.repeated, proof.first_difference) == (0, 0, 6)
        assert proof.verdict == "Examples came in another order"

    def test_finds_a_step_that_is_missing_at_the_end(self) -> None:
        second = resumed(at=5)
        del second.batches[10]

        proof = prove([killed(after=7), second], UNINTERRUPTED)

        assert (proof.holds, proof.lost, proof.first_difference) == (False, 2, 10)

    def test_finds_a_step_too_many(self) -> None:
        second = resumed(at=5)
        second.batches[11] = (0, 1)

        assert not prove([killed(after=7), second], UNINTERRUPTED).holds

    def test_is_one_sentence_with_its_numbers(self) -> None:
        assert prove([killed(after=7), resumed(at=5)], UNINTERRUPTED).sentence == (
            "No example was lost, none repeated: killed after step 7 and resumed from the checkpoint of step 5 "
            "(2 steps done again), the model saw the same 20 examples in the same order as in a run that is never "
            "interrupted."
        )

    def test_says_where_it_fails(self) -> None:
        second = resumed(at=6)
        second.batches[8] = (4,)

        assert prove([killed(after=7), second], UNINTERRUPTED).sentence == (
            "Examples were lost or repeated: killed after step 7 and resumed from the checkpoint of step 6 "
            "(1 step done again), the model saw from step 8 on other examples than in a run that is never interrupted; "
            "1 of 20 were lost, 0 repeated."
        )
