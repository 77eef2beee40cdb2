"""The model's checkpoints of one directory: prepared for, staged, written, cleaned up after."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from observed_hooks.checkpoints import files
from observed_hooks.errors import StateError
from observed_hooks.events import Event
from observed_hooks.saving import state_file
from observed_hooks.saving.cleaning import remove_of_step, remove_older
from observed_hooks.saving.neighbours import Neighbours
from observed_hooks.saving.parallel import ParallelSaver, StagedCopy

log = tf.compat.v1.logging


class ModelCheckpoints:
    """Saves one graph's model. Used by one thread at a time."""

    def __init__(
        self, path: str, *, writes_graph: bool, find_saver: Callable[[], Any], publish: Callable[[Event], None]
    ) -> None:
        """Save to `<path>-<step>`.

        Args:
            path: directory and basename.
            writes_graph: write a `.meta` file with each checkpoint.
            find_saver: returns the session's saver; called once the graph is finalised.
            publish: where to report what was removed.
        """
        self._path = path
        self._directory, self._basename = os.path.split(path)
        self._writes_graph = writes_graph
        self._find_saver = find_saver
        self._publish = publish

    def prepare(self) -> None:
        """Put right what a killed run has left, before the session looks for a checkpoint to restore."""
        removed = remove_older("model", self._directory, self._basename, state_file.MODEL_STATE)
        if removed is not None:
            self._publish(removed)
        state_file.mend(self._directory, self._basename)
        self._neighbours = Neighbours(self._directory)

    def prefix_on_disk(self, step: int) -> str | None:
        """Return the prefix of the checkpoint of `step`, None when there is none."""
        found = files.checkpoints(self._directory, self._basename).get(step)
        return found.prefix if found else None

    def check(self, *, staged: bool) -> None:
        """Look at the session's saver before the first save.

        Raises:
            StateError: it leaves variables out, or has to stage and cannot.
        """
        saver = self._find_saver()
        left_out = saver.left_out() if isinstance(saver, ParallelSaver) else []
        if left_out:
            raise StateError(
                f"the saver was built before these variables were made, and would leave them out: "
                f"{', '.join(left_out)}; build it with ParallelSaver(defer_build=True)"
            )
        if staged and not (isinstance(saver, ParallelSaver) and saver.staged):
            raise StateError(
                f"asynchronous=True needs a ParallelSaver with staged=True, got a {type(saver).__name__}; "
                "pass it as saver=, or in the Scaffold: Scaffold(saver=ParallelSaver(staged=True, defer_build=True))"
            )

    def stage(self, session: tf.compat.v1.Session) -> StagedCopy:
        """Copy the model as it is now, to be written later."""
        copy: StagedCopy = self._find_saver().stage(session)
        return copy

    def write(self, session: tf.compat.v1.Session, step: int, copy: StagedCopy | None) -> str:
        """Write the model at `step`, or a copy of it; return the prefix once all files are complete."""
        saver = self._find_saver()
        self._warn_of_neighbour(saver)
        log.info("Saving checkpoints for %d into %s.", step, self._path)
        options = {"global_step": step, "write_meta_graph": self._writes_graph}
        if copy is not None:
            prefix = saver.save_staged(copy, self._path, **options)
        else:
            prefix = saver.save(session, self._path, **options)
        self._neighbours.ours(prefix)
        return str(prefix)

    def clean(self, step: int) -> None:
        """Remove what a save of `step` that failed has left behind."""
        removed = remove_of_step("model", self._directory, self._basename, step)
        if removed is not None:
            self._publish(removed)

    def _warn_of_neighbour(self, saver: Any) -> None:
        newcomer = self._neighbours.newcomer(saver)
        if newcomer is not None:
            log.warning(
                "Another CheckpointSaverHook saves to %s as well: it wrote %s. Pass save_checkpoint_secs=None and "
                "save_checkpoint_steps=None to MonitoredTrainingSession, so that each step is written once.",
                self._directory,
                newcomer,
            )
