"""The listeners that a hook calls: the user's, less those that would report the same save a second time."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.listener import BusListener

log = tf.compat.v1.logging


def without_bus_listeners(
    listeners: Sequence[tf.compat.v1.train.CheckpointSaverListener] | None, bus: CheckpointBus
) -> list[tf.compat.v1.train.CheckpointSaverListener]:
    """Return `listeners` less those of `bus` itself: the hook reports to it already, and would count twice."""
    mine = [one for one in listeners or () if isinstance(one, BusListener) and one.bus is bus]
    if mine:
        log.warning(
            "bus.listener(...) is left out of the listeners: a hook with bus= reports its saves to that bus already."
        )
    return [one for one in listeners or () if one not in mine]
