"""How a hook tells the bus of a save: once, whatever the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.clock import Clock
from observed_hooks.errors import one_line
from observed_hooks.events import Kind, SaveCompleted, SaveFailed
from observed_hooks.listener import BusListener

log = tf.compat.v1.logging


@dataclass(slots=True)
class Save:
    """A save under way; whoever writes it fills in the prefix."""

    prefix: str = ""


@contextmanager
def reported_save(bus: CheckpointBus, kind: Kind, step: int, clock: Clock) -> Iterator[Save]:
    """Time the block, which holds up the training thread, and publish how it ended; errors pass through."""
    start = clock.monotonic()
    save = Save()
    try:
        yield save
    except BaseException as error:
        seconds = clock.monotonic() - start
        bus.publish(
            SaveFailed(
                kind=kind,
                step=step,
                duration_seconds=seconds,
                stall_seconds=seconds,
                error=one_line(error),
            )
        )
        raise
    seconds = clock.monotonic() - start
    bus.publish(
        SaveCompleted(kind=kind, step=step, prefix=save.prefix, duration_seconds=seconds, stall_seconds=seconds)
    )


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
