"""Taking away what failed and killed saves leave behind, where it is ours."""

from __future__ import annotations

import tensorflow as tf

from observed_hooks.checkpoints.leftovers import Leftover, leftovers, orphans, remove
from observed_hooks.events import Kind, LeftoversRemoved

log = tf.compat.v1.logging


def remove_older(kind: Kind, directory: str, basename: str, state_file: str) -> LeftoversRemoved | None:
    """Remove the left-overs of saves to this basename. To be called before the first save of a run."""
    return _remove(kind, directory, [*leftovers(directory, basename), *orphans(directory, basename, state_file)])


def remove_of_step(kind: Kind, directory: str, basename: str, step: int) -> LeftoversRemoved | None:
    """Remove the left-overs of a save of `step` that has just failed, so that it does not fill the disk."""
    return _remove(kind, directory, [one for one in leftovers(directory, basename) if one.step == step])


def _remove(kind: Kind, directory: str, found: list[Leftover]) -> LeftoversRemoved | None:
    if not found:
        return None
    for one in found:
        remove(one)
    size_bytes = sum(one.size_bytes for one in found)
    log.warning("Removed what %d unfinished saves had left in %s: %d bytes.", len(found), directory, size_bytes)
    return LeftoversRemoved(kind=kind, checkpoint_dir=directory, leftovers=len(found), size_bytes=size_bytes)
