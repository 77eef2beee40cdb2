"""What a training process leaves behind when it dies: a diary of its steps, and the phase it was in.

Both are plain files outside TensorFlow. A line of the diary is one `write` to a file opened with O_APPEND, and the
phase is one byte of a shared mapping: a killed process loses neither.
"""

from __future__ import annotations

import json
import mmap
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.phases import Phase


@dataclass(frozen=True, slots=True)
class State:
    """What the model says it was trained on, after `step` steps."""

    step: int
    digest: int
    """Of all examples in their order."""
    counts: int
    """Checksum over how often the model saw each example."""


@dataclass(frozen=True, slots=True)
class Step:
    """One training step: the examples it took, and the model afterwards."""

    ids: tuple[int, ...]
    state: State


@dataclass(slots=True)
class Life:
    """The diary of one process."""

    start: State | None = None
    """With what it began, after restoring; None when it died before."""
    steps: list[Step] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)
    """Steps whose model checkpoint was complete, state file and all."""
    error: str = ""
    ended: bool = False


class Diary:
    """Written by the training process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def started(self, state: State) -> None:
        self._write("start", [state.step, state.digest, state.counts])

    def stepped(self, step: Step) -> None:
        state = step.state
        self._write("step", [state.step, state.digest, state.counts, *step.ids])

    def saved(self, step: int) -> None:
        self._write("saved", step)

    def failed(self, error: str) -> None:
        self._write("error", error)

    def ended(self) -> None:
        self._write("ended", True)

    def _write(self, kind: str, value: Any) -> None:
        os.write(self._file, (json.dumps([kind, value]) + "\n").encode())


def read_diary(path: Path) -> Life:
    """Read what a process wrote until it died; empty when it wrote nothing."""
    life = Life()
    for line in path.read_text().splitlines() if path.exists() else ():
        kind, value = json.loads(line)
        if kind == "start":
            life.start = State(*value)
        elif kind == "step":
            life.steps.append(Step(tuple(value[3:]), State(*value[:3])))
        elif kind == "saved":
            life.saved.append(value)
        elif kind == "error":
            life.error = value
        else:
            life.ended = True
    return life


class Board:
    """One byte that says in which phase a process is."""

    def __init__(self, path: Path) -> None:
        """Open the board at `path`, which `Board.make` made."""
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 1)

    @staticmethod
    def make(path: Path) -> Path:
        """Make a board that says START."""
        path.write_bytes(bytes([Phase.START]))
        return path

    @property
    def phase(self) -> Phase:
        return Phase(self._map[0])

    @phase.setter
    def phase(self, phase: Phase) -> None:
        self._map[0] = phase
