"""A `Saver` that writes K shards of equal bytes at once, as an ordinary V2 checkpoint that any reader restores.

TensorFlow writes one shard per device, hence one on a machine with one: tensor after tensor, on one thread. Each shard
here has a SaveV2 op of its own, and TensorFlow runs them side by side; they read side by side, too.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import tensorflow as tf

from observed_hooks import _tensorflow
from observed_hooks.errors import ConfigurationError

MIN_SHARD_BYTES = 32 * 1024 * 1024
"""Below this a second shard costs more than it saves: opening, merging and renaming files."""
MAX_SHARDS = 8


class StagedCopy:
    """What a `ParallelSaver` has copied and not yet written."""

    def __init__(self, session: tf.compat.v1.Session, area: threading.Lock) -> None:
        self.session = session
        self._area: threading.Lock | None = area

    def discard(self) -> None:
        """Make room for another copy; this one is written, or never will be. Again is harmless."""
        area, self._area = self._area, None
        if area is not None:
            area.release()


class ParallelSaver(tf.compat.v1.train.Saver):
    """Saves variables in several shards at once. Use it in a `Scaffold`, or let `CheckpointSaverHook` make one.

        scaffold = tf.compat.v1.train.Scaffold(saver=ParallelSaver(defer_build=True))

    With `staged=True` the work of a save can be divided: `stage` takes a consistent copy between two steps, and
    `save_staged` writes that copy later, from any thread, while training goes on. The copy shares its memory with the
    variables until they are assigned again, so it costs up to the variables' size. `save` does both at once. One copy
    can be held at a time; whoever wants to take another waits until the first is written or discarded.
    """

    def __init__(
        self, var_list: Any | None = None, *, shards: int | None = None, staged: bool = False, **options: Any
    ) -> None:
        """Take what `tf.compat.v1.train.Saver` takes, by keyword, less `builder` and `sharded`.

        Args:
            var_list: what to save; all of the graph's saveable objects when not given.
            shards: files to write at once for each device; from size and cores when not given. A single large tensor
                is not divided.
            staged: add a staging area before each shard.
            **options: the other arguments of `Saver`.

        Raises:
            ConfigurationError: `shards` is below 1.
        """
        if shards is not None and shards < 1:
            raise ConfigurationError(f"expected shards to be at least 1, got {shards}")
        self._shards = shards
        self._saves_everything = var_list is None
        self._staged = staged
        # Held from the taking of a copy to its writing, which may happen on another thread: a plain lock allows that.
        self._area = threading.Lock()
        self._ops = _tensorflow.ShardingBuilder(self._split, staged=staged)
        super().__init__(var_list, builder=self._ops, sharded=True, **options)

    @property
    def staged(self) -> bool:
        """Whether a copy can be staged and written later."""
        return self._staged

    def stage(self, session: tf.compat.v1.Session) -> StagedCopy:
        """Copy what is to be saved, between two steps. The copy is to be written with `save_staged`, or discarded."""
        self._area.acquire()
        try:
            session.run(self._ops.clear_ops)
            session.run(self._ops.stage_ops)
        except BaseException:
            self._area.release()
            raise
        return StagedCopy(session, self._area)

    def save_staged(self, copy: StagedCopy, save_path: str, *args: Any, **options: Any) -> Any:
        """Write `copy` as `Saver.save` writes the variables; any thread may do so, once.

        Shard after shard is written on the calling thread: TensorFlow's own threads are left to training.
        """
        # Another process's session runs elsewhere, whatever this one asks for.
        session = copy.session if copy.session.sess_str else _tensorflow.CallersThread(copy.session)
        try:
            with copy.session.graph.as_default():
                return super().save(session, save_path, *args, **options)
        finally:
            copy.discard()

    def save(self, sess: tf.compat.v1.Session, save_path: str, *args: Any, **options: Any) -> Any:
        """Save as `Saver.save` does."""
        if not self._staged:
            return super().save(sess, save_path, *args, **options)
        return self.save_staged(self.stage(sess), save_path, *args, **options)

    def left_out(self) -> list[str]:
        """Return the global variables of the default graph that this saver should save and was built too early for."""
        if not self._saves_everything:
            return []
        names = [_tensorflow.checkpoint_name(variable) for variable in tf.compat.v1.global_variables()]
        return sorted(set(names) - self._ops.saved_names)

    def _split(self, saveables: list[Any]) -> list[list[Any]]:
        sizes = [_tensorflow.static_bytes(saveable) for saveable in saveables]
        shards = self._shards or shards_for(sum(sizes), _cores())
        return [[saveables[index] for index in group] for group in balanced(sizes, shards)]


def shards_for(total_bytes: int, cores: int) -> int:
    """Return how many shards to write `total_bytes` in: a core for each, and enough bytes to be worth it."""
    return max(1, min(cores, MAX_SHARDS, total_bytes // MIN_SHARD_BYTES))


def balanced(sizes: list[int], groups: int) -> list[list[int]]:
    """Divide indices into at most `groups` groups of about equal total size, each in ascending order; none is empty.

    The largest goes first, always to the lightest group (longest processing time first: at most a third above the
    optimum, Graham 1969).
    """
    loads = [0] * groups
    members: list[list[int]] = [[] for _ in range(groups)]
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]):
        lightest = min(range(groups), key=lambda group: (loads[group], len(members[group])))
        loads[lightest] += sizes[index]
        members[lightest].append(index)
    return [sorted(group) for group in members if group]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
