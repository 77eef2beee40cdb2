"""From "the files are complete" to what they weigh: the measuring that stays off the training thread.

What cannot be measured is unknown, and the save is told all the same.
"""

from __future__ import annotations

import logging
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

log = logging.getLogger("observed_hooks")


class Measurement:
    """Turns a `SaveCompleted` into a `CheckpointSaved`; hands every other event on as it is.

    Called on the bus's thread only. It remembers the baselines of the directories it has seen.
    """

    def __init__(self) -> None:
        """Start with no baseline; each is read when its directory is first seen."""
        self._baselines: dict[tuple[str, str], Baseline] = {}
        self._unreadable: set[str] = set()

    def __call__(self, event: Event) -> Iterator[Event]:
        """Yield what the sinks shall get for `event`."""
        yield self._measured(event) if isinstance(event, SaveCompleted) else event

    def _measured(self, save: SaveCompleted) -> CheckpointSaved:
        where = files.split_prefix(save.prefix)
        if where is None:
            return _unknown(save)
        try:
            return self._on_disk(save, *where)
        except Exception as error:  # noqa: BLE001 - a remote file system may raise anything
            self._warn_once(where[0], error)
            return _unknown(save)

    def _warn_once(self, directory: str, error: Exception) -> None:
        if directory not in self._unreadable:
            self._unreadable.add(directory)
            log.warning("The checkpoints in %s cannot be measured; their sizes are unknown.", directory, exc_info=error)

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


def _unknown(save: SaveCompleted) -> CheckpointSaved:
    return _saved(save, None, None, None, None)


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
        write_seconds=save.write_seconds,
        size=size,
        baseline_bytes=baseline_bytes,
        retained=retained,
        filesystem=filesystem,
    )
