"""Saves that never took place, told to a bus as if they had."""

from __future__ import annotations

from pathlib import Path

from observed_hooks.events import CheckpointingStarted, RunStarted, SaveCompleted

RETAINED = 5


def fake_checkpoints(directory: str, basename: str = "model.ckpt") -> list[str]:
    """Write the files of as many checkpoints as a saver keeps; return their prefixes."""
    prefixes = [str(Path(directory) / f"{basename}-{step}") for step in range(RETAINED)]
    for prefix in prefixes:
        for suffix in (".index", ".data-00000-of-00001"):
            Path(prefix + suffix).write_bytes(bytes(4096))
    return prefixes


def beginnings(directory: str) -> list[RunStarted | CheckpointingStarted]:
    """Return what a bus hears before the first save."""
    return [
        RunStarted(version="benchmark", tensorflow_version="none", mode="graph"),
        *(
            CheckpointingStarted(kind=kind, checkpoint_dir=directory, step=0, interval_seconds=None, interval_steps=1)
            for kind in ("model", "input_pipeline")
        ),
    ]


def save_completed(prefix: str, step: int) -> SaveCompleted:
    """Return what a hook publishes behind a save."""
    return SaveCompleted(
        kind="model", step=step, prefix=prefix, duration_seconds=0.5, stall_seconds=0.5, write_seconds=0.4
    )
