"""From "the files are complete" to what they weigh: the measuring that stays off the training thread."""

from __future__ import annotations

from collections.abc import Iterator

from observed_hooks.checkpoints import files
from observed_hooks.checkpoints.baseline import Baseline
from observed_hooks.events import (
    CheckpointSaved,
    CheckpointSize,
    Event,
    Filesystem,
    Retained,
    SaveCompleted,
)


class Measurement:
    """Turns a `SaveCompleted` into a `CheckpointSaved`; hands every other event on as it is.

    Called on the bus's thread only. It remembers the baselines of the directories it has seen.
    """

    def __init__(self) -> None:
        """Start with no baseline; each is read when its directory is first seen."""
        self._baselines: dict[tuple[str, str], Baseline] = {}

    def __call__(self, event: Event) -> Iterator[Event]:
        """Yield what the sinks shall get for `event`."""
        yield self._measured(event) if isinstance(event, SaveCompleted) else event

    def _measured(self, save: SaveCompleted) -> CheckpointSaved:
        where = files.split_prefix(save.prefix)
        return self._on_disk(save, *where) if where else _saved(save, None, None, None, None)

    def _on_disk(self, save: SaveCompleted, directory: str, basename: str, step: int) -> CheckpointSaved:
        found = files.checkpoints(directory, basename)
        size = found[step].size if step in found else None
        baseline = self._baseline(directory, basename)
        if size is not None:
            baseline.add(size.total_bytes)
        room = files.filesystem(directory)
        return _saved(save, size, baseline.median_bytes, files.retained(found), room)

    def _baseline(self, directory: str, basename: str) -> Baseline:
        key = (directory, basename)
        if key not in self._baselines:
            self._baselines[key] = Baseline.beside(directory, basename)
        return self._baselines[key]


def _saved(
    save: SaveCompleted,
    size: CheckpointSize | None,
    baseline_bytes: int | None,
    retained: Retained | None,
    filesystem: Filesystem | None,
) -> CheckpointSaved:
    return CheckpointSaved(
        kind=save.kind,
        step=save.step,
        prefix=save.prefix,
        duration_seconds=save.duration_seconds,
        stall_seconds=save.stall_seconds,
        size=size,
        baseline_bytes=baseline_bytes,
        retained=retained,
        filesystem=filesystem,
    )
