"""Buffers under names that are the same in every run of a program, and that saved iterator state uses too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from observed_hooks.checkpoints.nodes import node_path, transformation
from observed_hooks.events import BufferState
from observed_hooks.pipeline.families import PREFETCH, parts
from observed_hooks.pipeline.matching import Match, match
from observed_hooks.pipeline.plan import Planned
from observed_hooks.pipeline.running import Running, running

MOST_NODES = 20
"""Nodes that are told by name; the rest is told as one, so that labels stay few."""
OTHER = "other"

_ROOT = "Iterator::Root"
_IMPLEMENTATION = "Impl"
_ASYNCHRONOUS = ("Prefetch", "MapAndBatch", "Parallel")
# Where neither the op's nor the class's name is that of the running node.
_RUNS_AS = {
    "ShuffleV2": "Shuffle",
    "ShuffleV3": "Shuffle",
    "Batch": "BatchV2",
    "PaddedBatch": "PaddedBatchV2",
    "ParallelMap": "ParallelMapV2",
    "ParallelInterleave": "ParallelInterleaveV4",
}
_FUSED = {("Shuffle", "Repeat"), ("Map", "Batch")}
_MIXER = "DirectedInterleave"
# They hold elements, and tell how many: of these an empty buffer is told as 0, of all others it is not told.
_HOLDERS = frozenset(
    {
        *("Shuffle", "Prefetch", "Cache", "ParallelMap", "ParallelBatch", "ParallelInterleave", "MapAndBatch"),
        "ParallelFilter",
    }
)


@dataclass(frozen=True, slots=True)
class _Place:
    """One place in the program, and the running nodes that share it."""

    path: str
    transformation: str
    ids: tuple[int, ...]
    capacity: int | None


class Snapshots:
    """The buffers of one running iterator, again and again.

    Which node is which is found out when the nodes are others than last time; a node's id is not used twice.
    """

    def __init__(self, iterator: str, plan: Planned | None) -> None:
        """Tell of the iterator of this name.

        Args:
            iterator: the iterator's name.
            plan: what the program asks for; None when that is not known.
        """
        self._iterator = iterator
        self._plan = plan
        self._ids: frozenset[int] = frozenset()
        self._places: tuple[_Place, ...] = ()

    def of(self, model: Any) -> list[BufferState]:
        """Return what `model`, a `ModelProto`, says; nodes that share a place in the program are taken together."""
        nodes = model.nodes
        ids = frozenset(nodes)
        if ids != self._ids:
            self._places = tuple(_places(running(model), self._plan))
            self._ids = ids
        return [
            BufferState(
                iterator=self._iterator,
                node=place.path,
                transformation=place.transformation,
                elements=elements,
                size_bytes=sum(nodes[each].buffered_bytes for each in place.ids),
                capacity_elements=place.capacity,
            )
            for place in self._places
            if (elements := sum(nodes[each].buffered_elements for each in place.ids))
            or place.transformation in _HOLDERS
        ]


def _places(root: Running, plan: Planned | None) -> Iterator[_Place]:
    found: dict[str, list[tuple[int, int | None]]] = {}
    matched = match(root, plan)
    for name, node in _named(_ROOT, root.inputs, matched):
        capacity = node.limit if node.limit is not None else matched.capacities.get(node.id)
        if path := node_path(name):
            found.setdefault(path, []).append((node.id, capacity))
    for path, nodes in found.items():
        ids = tuple(each for each, _ in nodes)
        yield _Place(path, transformation(path), ids, _sum(capacity for _, capacity in nodes))


def planned_snapshot(iterator: str, plan: Planned) -> list[BufferState]:
    """Return the buffers of known capacity where TensorFlow does not tell what they hold.

    Their names are those of the program, as TensorFlow changes them by default: a repeated shuffle is one node, a map
    and its batch are another, and the last node prefetches. Where other changes are made, these names differ from those
    in saved state. What a function opens is left out: nobody knows how many of it there are.
    """
    found: dict[str, list[BufferState]] = {}
    prefetches = _as_it_will_run(plan)[0].startswith(_ASYNCHRONOUS)
    for name, capacity in _planned_names(_ROOT if prefetches else f"{_ROOT}::{PREFETCH}", plan):
        if capacity is not None:
            path = node_path(name)
            found.setdefault(path, []).append(_state(iterator, path, None, None, capacity))
    return [_together(states) for states in found.values()]


def largest(buffers: Iterable[BufferState]) -> tuple[BufferState, ...]:
    """Return the `MOST_NODES` largest of `buffers`, largest first, and the rest as one."""
    ordered = sorted(buffers, key=lambda each: (-(each.size_bytes or 0), each.iterator, each.node))
    rest = ordered[MOST_NODES:]
    if not rest:
        return tuple(ordered)
    together = _together(rest)
    sums = (together.elements, together.size_bytes, together.capacity_elements)
    return (*ordered[:MOST_NODES], _state(OTHER, OTHER, *sums))


def _state(iterator: str, path: str, elements: int | None, size_bytes: int | None, capacity: int | None) -> BufferState:
    return BufferState(
        iterator=iterator,
        node=path,
        transformation=transformation(path),
        elements=elements,
        size_bytes=size_bytes,
        capacity_elements=capacity,
    )


def _together(states: list[BufferState]) -> BufferState:
    """Return one state for several nodes: a sum is known when all its summands are."""
    first = states[0]
    if len(states) == 1:
        return first
    elements = _sum(each.elements for each in states)
    size_bytes = _sum(each.size_bytes for each in states)
    return _state(first.iterator, first.node, elements, size_bytes, _sum(each.capacity_elements for each in states))


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _named(parent: str, nodes: Iterable[Running], matched: Match) -> Iterator[tuple[str, Running]]:
    """Yield each node with the name that tf.data gives it in saved state."""
    for node in nodes:
        if node.name.endswith(_IMPLEMENTATION):  # the inner part of a cache: tf.data calls both the same
            name = parent + _IMPLEMENTATION
        else:
            name = f"{parent}{_number(parent, matched.numbers.get(node.id))}::{node.name}"
        yield name, node
        yield from _named(name, node.inputs, matched)


def _number(parent: str, place: int | None) -> str:
    """Return what tells the inputs of `parent` apart; nothing for a node with one input, or when nobody knows."""
    if place is None:
        return ""
    if parent.endswith(f"::{_MIXER}"):  # its first input selects among the others
        return f"[{place - 1}]" if place else ""
    return f"[{place}]"


def _planned_names(parent: str, planned: Planned) -> Iterator[tuple[str, int | None]]:
    name, capacity, inputs = _as_it_will_run(planned)
    name = f"{parent}::{name}"
    yield name, capacity
    merges = len(inputs) > 1
    for place, each in enumerate(inputs):
        yield from _planned_names(name + _number(name, place) if merges else name, each)


def _as_it_will_run(planned: Planned) -> tuple[str, int | None, tuple[Planned, ...]]:
    """Return name, capacity and inputs of a node, or of it and its input where TensorFlow makes one node of them."""
    fused = planned.inputs[0] if len(planned.inputs) == 1 else None
    if fused is not None:
        pair = (*parts(fused.name), *parts(planned.name))
        if pair in _FUSED:
            return "And".join(pair), fused.capacity, fused.inputs
    name = planned.name.removeprefix("_").replace("Dataset", "")
    return _RUNS_AS.get(name, name), planned.capacity, planned.inputs
