"""The file that names the checkpoints of a directory, `checkpoint` for the model: written whole, mended when damaged.

TensorFlow's session reads it to find the model's newest checkpoint, and begins from nothing when it cannot.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import tensorflow as tf
from google.protobuf import text_format

from observed_hooks.checkpoints.files import checkpoints, join

log = tf.compat.v1.logging

MODEL_STATE = "checkpoint"


def write(directory: str, name: str, prefixes: Sequence[str]) -> None:
    """Name `prefixes`, the newest last, in the file `name` of `directory`; a kill leaves the old file or the new."""
    state = tf.compat.v1.train.generate_checkpoint_state_proto(directory, prefixes[-1], list(prefixes))
    path = join(directory, name)
    aside = f"{path}.tmp"
    with tf.io.gfile.GFile(aside, "w") as file:
        file.write(text_format.MessageToString(state))
    tf.io.gfile.rename(aside, path, overwrite=True)


def named(directory: str) -> tuple[str, ...]:
    """Return the names of the checkpoints in a model's state file, the newest last; empty when it cannot be read."""
    try:
        state = tf.train.get_checkpoint_state(directory)
    except (ValueError, tf.errors.OpError):  # empty, not text, or unreadable: TensorFlow lets these through
        return ()
    return tuple(os.path.basename(prefix) for prefix in state.all_model_checkpoint_paths) if state else ()


def mend(directory: str, basename: str) -> None:
    """Put right a model's state file that is damaged, or whose newest checkpoint is not there.

    It is written anew from the checkpoints on disk; without any it is put aside. A file that is absent stays absent:
    that is how people ask for a fresh start.
    """
    path = join(directory, MODEL_STATE)
    if not tf.io.gfile.exists(path):
        return
    whole = [found for found in checkpoints(directory, basename).values() if found.complete]
    names = named(directory)
    if names and (not whole or names[-1] in {os.path.basename(found.prefix) for found in whole}):
        return
    damage = f"The file {path} is damaged or names a checkpoint that is not there ({names[-1] if names else 'none'})"
    if whole:
        log.warning("%s; it was written anew, and names the one of step %d.", damage, whole[-1].step)
        write(directory, MODEL_STATE, [found.prefix for found in whole])
    else:
        log.warning("%s, and no checkpoint is on disk; it was put aside as %s.damaged.", damage, path)
        tf.io.gfile.rename(path, f"{path}.damaged", overwrite=True)
