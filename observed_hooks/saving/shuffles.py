"""Which shuffle buffers the input checkpoints of a directory were saved with.

TensorFlow restores a shuffle buffer slot by slot, and does not look whether the buffer of the program has as many: with
another size the pipeline yields wrong elements, fails at some later step, or crashes the process. So the sizes are
noted beside the checkpoints, in `<checkpoint_dir>/observed_hooks/shuffles-<basename>.json`, and compared before a
restore. Checkpoints without a note, such as those of TensorFlow's own hook, are restored unseen.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from typing import TypeAlias

import tensorflow as tf

from observed_hooks import _tensorflow
from observed_hooks.checkpoints.baseline import OWN_DIRECTORY
from observed_hooks.checkpoints.files import join
from observed_hooks.pipeline.families import SHUFFLE, parts
from observed_hooks.pipeline.plan import Planned, plan_of_resource

log = logging.getLogger("observed_hooks")

Sizes: TypeAlias = dict[str, list[int | None]]
"""Buffer sizes of the shuffles upstream of each iterator, the last of the pipeline first; None where not known."""


def sizes_of_graph() -> Sizes:
    """Return the sizes of the default graph's shuffle buffers."""
    try:
        plans = {resource.name: plan_of_resource(resource) for resource in _tensorflow.iterator_resources()}
    except Exception:  # a graph that cannot be read is no reason not to train
        log.warning("The sizes of the shuffle buffers could not be read off the graph.", exc_info=True)
        return {}
    return {name: list(_shuffles(plan)) for name, plan in plans.items() if plan is not None}


class ShuffleRecord:
    """The note of one directory and basename. Used by one thread at a time."""

    def __init__(self, directory: str, basename: str, sizes: Sizes) -> None:
        """Read the note, if there is one; `sizes` are those of the program that runs now."""
        self._directory = join(directory, OWN_DIRECTORY)
        self._path = join(self._directory, f"shuffles-{basename}.json")
        self._sizes = sizes
        self._since = self._read()

    def objection(self, step: int) -> str | None:
        """Say why the checkpoint of `step` cannot be restored into this program; None when nothing speaks against."""
        then = self._valid_at(step)
        if then is None or _alike(then, self._sizes):
            return None
        return f"it was saved with shuffle buffers of {_spoken(then)}, and the program has {_spoken(self._sizes)}"

    def saved(self, step: int) -> None:
        """Note, if need be, that the checkpoint of `step` and those after it have the sizes of this program."""
        if self._valid_at(step) == self._sizes and max(self._since) <= step:
            return
        # What was noted for later steps belongs to a training that was rolled back.
        self._since = {first: sizes for first, sizes in self._since.items() if first < step}
        self._since[step] = self._sizes
        self._write()

    def _valid_at(self, step: int) -> Sizes | None:
        first = max((first for first in self._since if first <= step), default=None)
        return None if first is None else self._since[first]

    def _read(self) -> dict[int, Sizes]:
        try:
            with tf.io.gfile.GFile(self._path) as file:
                noted = json.load(file)["since_step"]
            return {int(step): sizes for step, sizes in noted.items()}
        except (tf.errors.OpError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _write(self) -> None:
        # The note protects; training does not depend on it.
        with contextlib.suppress(tf.errors.OpError, OSError):
            tf.io.gfile.makedirs(self._directory)
            aside = f"{self._path}.{os.getpid()}.tmp"
            with tf.io.gfile.GFile(aside, "w") as file:
                json.dump({"since_step": self._since}, file)
            tf.io.gfile.rename(aside, self._path, overwrite=True)


def _shuffles(plan: Planned) -> Iterator[int | None]:
    if SHUFFLE in parts(plan.name):
        yield plan.capacity
    for upstream in (*plan.inputs, *([plan.opened] if plan.opened else [])):
        yield from _shuffles(upstream)


def _alike(then: Sizes, now: Sizes) -> bool:
    """Tell whether nothing that is known of both differs."""
    return all(
        len(then[name]) == len(now[name])
        and all(a == b or None in {a, b} for a, b in zip(then[name], now[name], strict=True))
        for name in then.keys() & now.keys()
    )


def _spoken(sizes: Sizes) -> str:
    known = [str(size) if size is not None else "unknown size" for each in sizes.values() for size in each]
    return ", ".join(known) or "none"
