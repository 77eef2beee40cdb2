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


def mend(directory: str, basename: str) -> None:
    """Rewrite a model's state file that is damaged, or names a checkpoint that is not there, from what is on disk.

    A file that is absent stays absent: that is how people ask for a fresh start.
    """
    if not tf.io.gfile.exists(join(directory, MODEL_STATE)):
        return
    whole = [found for found in checkpoints(directory, basename).values() if found.complete]
    newest = _newest_named(directory)
    if not whole or newest in {os.path.basename(found.prefix) for found in whole}:
        return
    log.warning(
        "The file %s is damaged or names a checkpoint that is not there (%s); it was written anew from the %d "
        "checkpoints on disk, the newest of step %d.",
        join(directory, MODEL_STATE),
        newest or "none",
        len(whole),
        whole[-1].step,
    )
    write(directory, MODEL_STATE, [found.prefix for found in whole])


def _newest_named(directory: str) -> str | None:
    state = tf.train.get_checkpoint_state(directory)
    return os.path.basename(state.model_checkpoint_path) if state and state.model_checkpoint_path else None
