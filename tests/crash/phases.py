"""The instants at which a training process is killed, and how each of them is hit.

    start, training               by the driver's clock alone
    restore-model, restore-input  SIGKILL from a timer that starts with `Saver.restore`, some milliseconds later
    resumed                       SIGKILL in the first to third step after a restore
    before-input                  SIGKILL on entering `Saver.save` of the iterators
    input-write, model-write      SIGXFSZ from the kernel in the `write` that passes 8 KiB of the data file
    model-index                   SIGXFSZ in the `write` that passes 28 KiB of the index; the data are smaller
    between                       SIGKILL on leaving `Saver.save` of one kind while the other has not begun
    before-state, after-state     SIGKILL before and after the state file is renamed into place
    model-removal, input-removal  SIGKILL before one file of an old checkpoint is deleted, the first to third

A quarter of all kills comes from the driver's clock and may fall anywhere, inside TensorFlow's own code too. `death`
does the rest from within the process. Each kill is of a real process, and no handler runs in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from random import Random


class Phase(IntEnum):
    """Where a process is in its life. The order is that of one life: start, resume, train, save."""

    START = 0
    RESTORE_MODEL = 1
    RESTORE_INPUT = 2
    RESUMED = 3
    TRAINING = 4
    BEFORE_INPUT = 5
    INPUT_WRITE = 6
    BETWEEN = 7
    MODEL_WRITE = 8
    MODEL_INDEX = 9
    BEFORE_STATE = 10
    AFTER_STATE = 11
    MODEL_REMOVAL = 12
    INPUT_REMOVAL = 13

    @property
    def label(self) -> str:
        """What the table calls it."""
        return self.name.lower().replace("_", "-")

    @property
    def meaning(self) -> str:
        """What the process is about at that instant."""
        return _MEANINGS[self]


_MEANINGS = {
    Phase.START: "the process starts, the graph is built",
    Phase.RESTORE_MODEL: "the model is being restored",
    Phase.RESTORE_INPUT: "the input pipeline is being restored",
    Phase.RESUMED: "resumed, and nothing new saved yet",
    Phase.TRAINING: "between two saves",
    Phase.BEFORE_INPUT: "a save is decided, nothing is written yet",
    Phase.INPUT_WRITE: "the input pipeline's data are half written",
    Phase.BETWEEN: "one of the pair is complete, the other not begun",
    Phase.MODEL_WRITE: "the model's data are half written",
    Phase.MODEL_INDEX: "the model's data are written, its index is half written",
    Phase.BEFORE_STATE: "the model is complete, its state file not replaced",
    Phase.AFTER_STATE: "the state file is replaced, nothing removed yet",
    Phase.MODEL_REMOVAL: "an old model checkpoint is being removed",
    Phase.INPUT_REMOVAL: "an old input checkpoint is being removed",
}

RESUMING = (Phase.RESTORE_MODEL, Phase.RESTORE_INPUT, Phase.RESUMED)
"""These need something to resume from."""

SAVING = (
    Phase.BEFORE_INPUT,
    Phase.INPUT_WRITE,
    Phase.BETWEEN,
    Phase.MODEL_WRITE,
    Phase.MODEL_INDEX,
    Phase.BEFORE_STATE,
    Phase.AFTER_STATE,
    Phase.MODEL_REMOVAL,
    Phase.INPUT_REMOVAL,
)

AIMED = RESUMING + SAVING
"""Those that are hit on purpose; START and TRAINING are left to chance."""

RANDOM_SHARE = 0.25
"""Of all kills: at an instant that the driver's clock chooses, wherever the process may be then."""

# Saving takes a while, so most lives last longer than one that saves nothing.
_CHANCE_SHARES = (0.1, 1.3)

_LATEST_OCCURRENCE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """When to die: on entering `phase` for the `occurrence`-th time, or after a share of a run's usual life."""

    phase: Phase | None
    occurrence: int = 1
    share: float = 0.0
    """Of an uninterrupted run's life; with a phase, of the few milliseconds for which a restore lasts."""

    @property
    def label(self) -> str:
        """Say it in a word or two."""
        return "chance" if self.phase is None else f"{self.phase.label} x{self.occurrence}"


def aims(kills: int, seed: int) -> list[Aim]:
    """Return `kills` aims in random order: every phase as often as the others, and a quarter left to chance."""
    random = Random(seed)  # noqa: S311 - chooses instants, guards no secret
    by_chance = int(kills * RANDOM_SHARE)
    chosen = [Aim(phase=None, share=random.uniform(*_CHANCE_SHARES)) for _ in range(by_chance)]
    for number in range(kills - by_chance):
        phase = AIMED[number % len(AIMED)]
        latest = 1 if phase in {Phase.RESTORE_MODEL, Phase.RESTORE_INPUT} else _LATEST_OCCURRENCE
        chosen.append(Aim(phase=phase, occurrence=random.randint(1, latest), share=random.random()))
    random.shuffle(chosen)
    return chosen
