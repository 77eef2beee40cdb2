"""The input pipeline's checkpoints of one directory: written, listed, read back, removed.

File names are those of TensorFlow's own input hook: `<basename>-<step>` and the state file `checkpoint_<name>`.
"""

from __future__ import annotations

import contextlib
from typing import Any

import tensorflow as tf

from observed_hooks import _tensorflow
from observed_hooks.checkpoints import files
from observed_hooks.errors import ConfigurationError, RestoreError, telling_line
from observed_hooks.events import LeftoversRemoved
from observed_hooks.saving import state_file
from observed_hooks.saving.cleaning import remove_of_step
from observed_hooks.saving.parallel import ParallelSaver, StagedCopy
from observed_hooks.saving.retention import expired
from observed_hooks.saving.shuffles import ShuffleRecord


class InputCheckpoints:
    """Saves and restores the iterators of one graph. Used by the training thread only."""

    def __init__(  # noqa: PLR0913 - made in one place only
        self,
        directory: str,
        basename: str,
        saver: Any,
        *,
        limit: int | None,
        saver_keeps: bool,
        shuffles: ShuffleRecord,
    ) -> None:
        """Save with `saver` to `<directory>/<basename>-<step>`.

        Args:
            directory: where the checkpoints lie.
            basename: such as `input.ckpt`.
            saver: a `Saver` of the iterators.
            limit: see `retention.expired`.
            saver_keeps: the saver, being the user's, decides what is kept.
            shuffles: the sizes of the shuffle buffers, now and when the checkpoints were saved.
        """
        self._directory = directory
        self._basename = basename
        self._saver = saver
        self._limit = limit
        self._saver_keeps = saver_keeps
        self._shuffles = shuffles

    def steps(self) -> tuple[int, ...]:
        """Return the steps of the whole checkpoints on disk, ascending; the state file is not asked."""
        return tuple(files.checkpoints(self._directory, self._basename))

    def prefix(self, step: int) -> str:
        """Return the path of the checkpoint of `step`, without suffix."""
        return f"{self._path}-{step}"

    @property
    def stages(self) -> bool:
        """Whether a copy can be taken now and written later; not with every saver of a user's."""
        return isinstance(self._saver, ParallelSaver) and self._saver.staged

    def stage(self, session: tf.compat.v1.Session) -> StagedCopy:
        """Copy the iterators' state. Serialising and compressing it happens here, on the calling thread's time."""
        copy: StagedCopy = self._saver.stage(session)
        return copy

    def save(self, session: tf.compat.v1.Session, step: int, copy: StagedCopy | None) -> str:
        """Write the iterators' state at `step`, or a copy of it; return the prefix once the files are complete."""
        options = {
            "global_step": step,
            "latest_filename": self._state_file,
            "write_meta_graph": False,
            "write_state": self._saver_keeps,
        }
        if copy is not None:
            prefix = self._saver.save_staged(copy, self._path, **options)
        else:
            prefix = self._saver.save(session, self._path, **options)
        self._shuffles.saved(step)
        return str(prefix)

    def restore(self, session: tf.compat.v1.Session, step: int) -> None:
        """Bring the iterators to their state at `step`.

        Raises:
            RestoreError: the pipeline was changed since in a way that TensorFlow would not survive.
        """
        objection = self._shuffles.objection(step)
        if objection is not None:
            raise RestoreError(objection)
        self._saver.restore(session, self.prefix(step))

    def reinitialize(self, session: tf.compat.v1.Session) -> None:
        """Put the iterators back at their beginning, after a restore that failed half-way."""
        session.run(_tensorflow.iterator_initializers(session.graph))

    def size_bytes(self, step: int) -> int | None:
        """Return the bytes on disk of the checkpoint of `step`, None when it is not there."""
        found = files.checkpoints(self._directory, self._basename).get(step)
        return found.size.total_bytes if found else None

    def tidy(self, saved_step: int) -> None:
        """Remove the checkpoints that are due to go, and name the others in the state file."""
        if self._saver_keeps:
            return
        everything = files.all_checkpoints(self._directory)
        on_disk = everything.pop(self._basename, {})
        # Whatever is not an input pipeline's may be the model's: in doubt the partner is kept.
        model_steps = {step for name in everything if not name.startswith("input") for step in everything[name]}
        for step in expired(on_disk, model_steps, saved_step, self._limit):
            self._remove(on_disk.pop(step))
        if on_disk:
            state_file.write(self._directory, self._state_file, [self.prefix(step) for step in on_disk])

    def remove(self, step: int) -> None:
        """Remove the checkpoint of `step`, if it is there."""
        found = files.checkpoints(self._directory, self._basename).get(step)
        if found is not None:
            self._remove(found)

    def clean(self, step: int) -> LeftoversRemoved | None:
        """Remove what a save of `step` that failed has left behind."""
        return remove_of_step("input_pipeline", self._directory, self._basename, step)

    @property
    def _path(self) -> str:
        return files.join(self._directory, self._basename)

    @property
    def _state_file(self) -> str:
        return state_file_of(self._basename)

    def _remove(self, checkpoint: files.CheckpointFiles) -> None:
        for name in checkpoint.names:
            with contextlib.suppress(tf.errors.NotFoundError):
                tf.io.gfile.remove(files.join(self._directory, name))


def state_file_of(basename: str) -> str:
    """Return the name of the state file, as TensorFlow's own input hook has it."""
    return f"checkpoint_{basename.removesuffix('.ckpt')}"


def iterator_saver(external_state_policy: str) -> Any:
    """Return a `Saver` of the default graph's "iterators" collection; adds its ops to the graph.

    Args:
        external_state_policy: `warn`, `ignore` or `fail`.

    Raises:
        ConfigurationError: the collection is empty.
    """
    resources = _tensorflow.iterator_resources()
    if not resources:
        raise ConfigurationError(
            "expected an iterator in the graph's \"iterators\" collection, found none; make the input pipeline's "
            "iterator before the session, or leave the input hook out"
        )
    saveables = _tensorflow.iterator_saveables(resources, external_state_policy)
    # Keeps everything: `tidy` removes, by the model's checkpoints rather than by count.
    return ParallelSaver(saveables, shards=1, staged=True, max_to_keep=0)


def unserializable(error: Exception) -> str | None:
    """Return what makes the pipeline impossible to save, None for an error in writing files, which may pass."""
    op = getattr(error, "op", None)
    if op is None or op.type != "SerializeIterator":
        return None
    return f"the iterator {op.inputs[0].op.name!r} cannot be saved: {telling_line(str(error)).rstrip('.')}"
