"""What a training process is told: its job, and the files to train on. Loads no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.crash.phases import Aim

FILES = 7
EXAMPLES_PER_FILE = 17
EXAMPLES = FILES * EXAMPLES_PER_FILE
STEPS = 80
"""Four epochs."""

_EXAMPLE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process has to do."""

    mode: str
    trigger: str
    data: tuple[Path, ...]
    checkpoints: Path
    diary: Path
    board: Path
    errors: Path
    sharded: bool
    """How the model is written: into a temporary directory and merged, or in place."""
    aim: Aim | None = None
    """None to live to the end."""
    steps: int = STEPS
    steps_after_resume: int = STEPS
    """Whichever of the two comes first is the end."""


def write_data(directory: Path, seed: int) -> tuple[Path, ...]:
    """Write the files to train on: a number and incompressible text in each line."""
    random = Random(seed)  # noqa: S311 - text, not secrets
    paths = []
    for file in range(FILES):
        numbers = range(file * EXAMPLES_PER_FILE, (file + 1) * EXAMPLES_PER_FILE)
        lines = [f"{number},{random.getrandbits(4 * _EXAMPLE_CHARACTERS):x}" for number in numbers]
        paths.append(directory / f"examples-{file}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return tuple(paths)
