"""A small crash matrix, and the proof that it can fail and that its kills fall where they should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from observed_hooks.checkpoints.files import checkpoints, list_sizes
from tests.crash.driver import Plan, crash, new_job
from tests.crash.job import write_data
from tests.crash.phases import Aim, Phase, aims
from tests.crash.processes import Corpse, live_and_die, start_server

FIRST_PERIOD = 5

Live: TypeAlias = Callable[[Aim], Corpse]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture
def live(tmp_path: Path, directory: Path) -> Live:
    """Lives once, saving every five steps, the model in place rather than through a temporary directory."""
    start_server()
    job = new_job(tmp_path / "life", directory, write_data(tmp_path, 1), mode="ours", trigger="steps", sharded=False)
    return lambda aim: live_and_die(replace(job, aim=aim))


def steps(directory: Path, kind: str) -> list[int]:
    return list(checkpoints(str(directory), f"{kind}.ckpt"))


class TestTheCrashMatrix:
    @pytest.mark.parametrize("mode", ["ours", "asynchronous"])
    def test_loses_and_repeats_no_example_whenever_training_is_killed(self, mode: str) -> None:
        tally = crash(Plan(aims=aims(16, seed=1), seed=1, mode=mode, triggers=("steps", "secs")))

        assert tally.is_clean, tally.as_dict()
        # In the background a phase may be over, or another begun, when the kill comes.
        assert mode == "asynchronous" or not tally.missed
        assert tally.total.kills >= 16
        assert tally.total.resumes >= tally.total.kills, "each kill is followed by a resume that nobody disturbs"

    def test_finds_out_who_forgets_the_position_of_the_input_pipeline(self) -> None:
        after_two_saves = Aim(phase=Phase.AFTER_STATE, occurrence=3)
        tally = crash(Plan(aims=[after_two_saves], seed=1, mode="model-only", triggers=("steps",)))

        assert tally.total.mismatches == 1
        assert "lost and" in tally.details[0]
        assert not tally.is_clean


class TestAKill:
    """Files tell in which phase it fell."""

    def test_before_a_save_finds_nothing_of_it(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.BEFORE_INPUT, occurrence=2))

        assert (corpse.killed, corpse.phase) == (True, Phase.BEFORE_INPUT)
        assert corpse.life.steps[-1].state.step == FIRST_PERIOD
        assert (steps(directory, "input"), steps(directory, "model")) == ([0], [0])
        assert not [name for name in list_sizes(str(directory)) if f"-{FIRST_PERIOD}" in name]

    def test_while_the_input_is_written_leaves_half_of_its_data(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.INPUT_WRITE, occurrence=2))

        (temporary,) = directory.glob(f"input.ckpt-{FIRST_PERIOD}_temp")
        (part,) = temporary.iterdir()
        assert (corpse.killed, corpse.phase) == (True, Phase.INPUT_WRITE)
        assert part.stat().st_size == 8 << 10
        assert steps(directory, "input") == [0]

    def test_between_the_two_finds_the_input_alone(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.BETWEEN))

        assert (corpse.killed, corpse.phase) == (True, Phase.BETWEEN)
        assert (steps(directory, "input"), steps(directory, "model")) == ([0, FIRST_PERIOD], [0])

    def test_while_the_model_is_written_leaves_half_of_its_data(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.MODEL_WRITE, occurrence=2))

        (part,) = directory.glob(f"model.ckpt-{FIRST_PERIOD}.data*tempstate*")
        assert (corpse.killed, corpse.phase) == (True, Phase.MODEL_WRITE)
        assert part.stat().st_size == 8 << 10

    def test_before_the_index_finds_whole_data_without_one(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.MODEL_INDEX, occurrence=2))

        names = list_sizes(str(directory))
        assert (corpse.killed, corpse.phase) == (True, Phase.MODEL_INDEX)
        assert names[f"model.ckpt-{FIRST_PERIOD}.data-00000-of-00001"] == names["model.ckpt-0.data-00000-of-00001"]
        assert f"model.ckpt-{FIRST_PERIOD}.index" not in names

    @pytest.mark.parametrize(("phase", "named"), [(Phase.BEFORE_STATE, 0), (Phase.AFTER_STATE, FIRST_PERIOD)])
    def test_around_the_state_file_finds_it_old_or_new(
        self, live: Live, directory: Path, phase: Phase, named: int
    ) -> None:
        corpse = live(Aim(phase=phase, occurrence=2))

        assert (corpse.killed, corpse.phase) == (True, phase)
        assert steps(directory, "model") == [0, FIRST_PERIOD]
        assert f'model.ckpt-{named}"' in (directory / "checkpoint").read_text().splitlines()[0]

    def test_during_a_removal_finds_more_than_retention_keeps(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.MODEL_REMOVAL))

        assert (corpse.killed, corpse.phase) == (True, Phase.MODEL_REMOVAL)
        assert steps(directory, "model") == [0, 5, 10, 15]

    def test_that_never_comes_lets_training_end(self, live: Live, directory: Path) -> None:
        corpse = live(Aim(phase=Phase.BETWEEN, occurrence=100))

        assert not corpse.killed
        assert not corpse.error
        assert corpse.life.ended


class TestAFailedRestart:
    def test_is_told_from_a_kill(self, live: Live, directory: Path) -> None:
        directory.write_text("not a directory")

        corpse = live(Aim(phase=Phase.BETWEEN))

        assert not corpse.killed
        assert "expected checkpoint_dir to be a directory" in corpse.error
