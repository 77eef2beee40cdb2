"""What a checkpoint is made of, as an event: the tf.data nodes of an input checkpoint, the components of a model's.

Made to be read beside a running training loop: it reads indexes and headers, never the tensors; it rests between
slices of work, so that Python's lock is free; and it leaves out what would take too long, and says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from observed_hooks.checkpoints import dtypes
from observed_hooks.checkpoints.bundle import Bundle, Entry, index_path, read_index
from observed_hooks.checkpoints.components import component_bytes
from observed_hooks.checkpoints.files import is_remote
from observed_hooks.checkpoints.iterator_state import IteratorState, iterator_state_of
from observed_hooks.errors import one_line
from observed_hooks.events import (
    CheckpointSaved,
    ComponentBytes,
    ComponentsMeasured,
    Event,
    IteratorStateMeasured,
    Kind,
    NodeBytes,
)

MAX_INDEX_BYTES = 16 * 1024 * 1024
"""A larger index is not read: that is 150,000 tensors and more."""
MAX_VARIANTS = 250_000
"""Iterator state of more variants (a shuffle writes one for each element) is not read."""
MOST_NODES = 20
"""Nodes that are told by name; the rest is told as one, so that labels stay few."""
OTHER = "other"

_T = TypeVar("_T")

_REST_SECONDS = 0.009
_HASTY_REST_SECONDS = 0.001
_PATIENCE_SECONDS = 0.5
_QUICK_SECONDS = 0.25
_PAUSE_FACTOR = 4.0
_UNATTRIBUTED = "unattributed"


class _TooLargeError(Exception):
    """Reading this would take too long."""


class LookingInside:
    """Turns a `CheckpointSaved` into what the checkpoint is made of; of all other events there is nothing to tell.

    Called on one thread. Where looking takes long it is done for a fifth of the time at most: saves may come fast. Of
    those in between nothing is told.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Use that clock."""
        self._monotonic = monotonic
        self._next_seconds: dict[Kind, float] = {}

    def __call__(self, event: Event) -> Iterator[Event]:
        """Yield what is inside the checkpoint that `event` tells of."""
        start = self._monotonic()
        # A checkpoint without a size was pruned before it could be measured.
        if not isinstance(event, CheckpointSaved) or event.size is None:
            return
        if start < self._next_seconds.get(event.kind, start):
            return
        yield composition(event.kind, event.step, event.prefix)
        end = self._monotonic()
        if end - start > _QUICK_SECONDS:
            self._next_seconds[event.kind] = end + _PAUSE_FACTOR * (end - start)


def composition(
    kind: Kind, step: int, prefix: str, rest: Callable[[], object] | None = None
) -> IteratorStateMeasured | ComponentsMeasured:
    """Return what the checkpoint with this prefix is made of; never raises.

    Args:
        kind: an input checkpoint is told by tf.data nodes, a model's by components.
        step: of the checkpoint.
        prefix: its path, without `.index`.
        rest: called every millisecond or so of work; sleeps when not given.
    """
    if kind == "input_pipeline":
        nodes, left_out = _attempt(lambda: _nodes(_index(prefix), rest or _Rests()))
        return IteratorStateMeasured(step=step, prefix=prefix, nodes=nodes, left_out=left_out)
    components, left_out = _attempt(lambda: _components(_index(prefix)))
    return ComponentsMeasured(kind=kind, step=step, prefix=prefix, components=components, left_out=left_out)


def largest(nodes: Iterable[NodeBytes]) -> tuple[NodeBytes, ...]:
    """Return the `MOST_NODES` largest of `nodes`, largest first, and the rest as one."""
    ordered = sorted(nodes, key=lambda each: (-each.size_bytes, each.iterator, each.node))
    rest = ordered[MOST_NODES:]
    if not rest:
        return tuple(ordered)
    size_bytes = sum(each.size_bytes for each in rest)
    other = NodeBytes(iterator=OTHER, node=OTHER, transformation=OTHER, elements=None, size_bytes=size_bytes)
    return (*ordered[:MOST_NODES], other)


def _attempt(read: Callable[[], tuple[_T, ...]]) -> tuple[tuple[_T, ...], str]:
    try:
        return read(), ""
    except _TooLargeError as error:
        return (), str(error)
    except Exception as error:  # noqa: BLE001 - a file system may raise anything, a damaged file nearly
        return (), one_line(error)


class _Rests:
    """Sleeps between slices of work, long enough to leave Python's lock to others for nine tenths of the time.

    Of a large state it makes haste in the end: whoever waits for the bus to be closed shall not wait for this.
    """

    def __init__(self) -> None:
        self._patience_seconds = _PATIENCE_SECONDS

    def __call__(self) -> None:
        seconds = _REST_SECONDS if self._patience_seconds > 0 else _HASTY_REST_SECONDS
        self._patience_seconds -= seconds
        time.sleep(seconds)


def _index(prefix: str) -> Bundle:
    if is_remote(prefix):
        raise _TooLargeError("the checkpoint is on a remote file system")
    size = os.path.getsize(index_path(prefix))
    if size > MAX_INDEX_BYTES:
        raise _TooLargeError(f"the index has {size} bytes; the limit is {MAX_INDEX_BYTES}")
    return read_index(prefix)


def _components(bundle: Bundle) -> tuple[ComponentBytes, ...]:
    return component_bytes(bundle.entries)


def _nodes(bundle: Bundle, rest: Callable[[], object]) -> tuple[NodeBytes, ...]:
    variants = sum(_count(entry) for entry in bundle.entries if entry.dtype == dtypes.VARIANT)
    if variants > MAX_VARIANTS:
        raise _TooLargeError(f"the iterators have {variants} parts; the limit is {MAX_VARIANTS}")
    states = iterator_state_of(bundle, rest)
    return largest(node for state in states for node in _nodes_of(state))


def _count(entry: Entry) -> int:
    return entry.shape[0] if len(entry.shape) == 1 else 0


def _nodes_of(state: IteratorState) -> Iterable[NodeBytes]:
    for node in state.nodes:
        yield NodeBytes(
            iterator=state.name,
            node=node.node,
            transformation=node.transformation,
            elements=node.elements,
            size_bytes=node.bytes,
        )
    if state.unattributed_bytes:
        yield NodeBytes(
            iterator=state.name,
            node=_UNATTRIBUTED,
            transformation=_UNATTRIBUTED,
            elements=None,
            size_bytes=state.unattributed_bytes,
        )
