"""Adding up the saved state of a tf.data pipeline, node by node.

The metadata of each variant in a saved iterator is a name and the keys of the values in it, joined by `@@`;
the name tells the node, and the keys tell whether the variant holds elements that the node has buffered:

    Iterator::Root::Prefetch::BatchV2::ShuffleAndRepeat:buffer::17@@num_components@@component[0]

Sources: `serialization_utils.cc` and the iterators under `core/kernels/data` in TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from observed_hooks.checkpoints.counters import DELIMITER
from observed_hooks.checkpoints.nodes import node_path, transformation

MAX_NODES = 4096
"""State of further nodes counts as unattributed: no pipeline has as many, a hostile file may."""

_MAX_NAME_BYTES = 4096
_MAX_OWNERS = 4096  # different kinds of variant remembered at once,
_MAX_REMEMBERED_BYTES = 256  # and how long the metadata of such a kind may be
_NUMBER = b"0123456789]"
_BEFORE_NUMBER = (b":", b"[")

# The key of the first component of one buffered element, as the nodes that hold elements write it.
_ELEMENT = re.compile(
    rb"@@(?:[0-9a-f]{32}\|[^@]{1,4096}:)?"
    rb"(?:component\[0\]"  # shuffle, cache
    rb"|buffer\[0\]"  # prefetch
    rb"|\[0\]"  # parallel map
    rb"|output_0"  # parallel batch, map_and_batch
    rb"|\.results\[\d+\]\[0\]"  # parallel interleave
    rb"|buffer\[\d+\]\[0\]"  # window
    rb"|groups_\[\d+\]\[\d+\]\[0\]"  # group_by_window
    rb")(?=@@|\Z)"
)
# The key with which such a node says how many elements it holds, also when it holds none.
_HOLDER = re.compile(
    rb"@@(?:[0-9a-f]{32}\|[^@]{1,4096}:)?"
    rb"(?:num_elements|buffer_size|groups_size"
    rb"|invocation_results_size|batch_results_size|current_elements\.size)"
    rb"(?=@@|\Z)"
)


@dataclass(frozen=True, slots=True)
class NodeState:
    """What one node of a pipeline has in a saved iterator."""

    node: str
    """Path from the consumer, such as `Prefetch::BatchV2::ShuffleAndRepeat`; see `nodes.node_path`."""
    transformation: str
    """Such as `Shuffle`."""
    elements: int | None
    """Elements buffered, each as this node would hand it on; None for a node that holds none."""
    bytes: int
    """As stored: elements are compressed."""
    entries: int
    """Variants in the vector."""


@dataclass(slots=True)
class _Sum:
    """A NodeState in the making."""

    bytes: int = 0
    entries: int = 0
    counted: int = 0
    declared: int | None = None
    holds_elements: bool = False

    @property
    def elements(self) -> int | None:
        if self.declared is not None:
            return self.declared
        return self.counted if self.holds_elements else None


class Tally:
    """Adds up variants by the node that owns them."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}
        self._others = _Sum()
        self._owners: dict[tuple[bytes, bytes], tuple[_Sum, int]] = {}

    def add(self, metadata: bytes, size: int) -> None:
        """Count one variant of `size` bytes."""
        name, _, keys = metadata.partition(DELIMITER)
        # The variants of one buffer differ only in a number at the end of their names, after `::` or `[`.
        stem = name.rstrip(_NUMBER)
        kind = (stem if stem.endswith(_BEFORE_NUMBER) else name, keys)
        owner, elements = self._owners.get(kind) or self._owner(kind, name, metadata)
        owner.bytes += size
        owner.entries += 1
        owner.counted += elements

    def declare(self, metadata: bytes, elements: int) -> None:
        """Take the word of the node for the number of its elements, instead of counting them."""
        owner = self._sum(metadata.partition(DELIMITER)[0])
        owner.declared = (owner.declared or 0) + elements

    def nodes(self) -> tuple[NodeState, ...]:
        """Return what has been counted, the node with the most bytes first."""
        return tuple(sorted(self._nodes(), key=lambda state: (-state.bytes, state.node)))

    def _nodes(self) -> Iterator[NodeState]:
        for node, own in self._sums.items():
            yield NodeState(node, transformation(node), own.elements, own.bytes, own.entries)

    def _owner(self, kind: tuple[bytes, bytes], name: bytes, metadata: bytes) -> tuple[_Sum, int]:
        """Find out, once for each kind of variant, whose it is and how many elements are in it."""
        elements = len(_ELEMENT.findall(metadata))
        owner = self._sum(name)
        owner.holds_elements |= elements > 0 or _HOLDER.search(metadata) is not None
        if len(metadata) <= _MAX_REMEMBERED_BYTES:
            if len(self._owners) >= _MAX_OWNERS:
                self._owners.clear()
            self._owners[kind] = (owner, elements)
        return owner, elements

    def _sum(self, name: bytes) -> _Sum:
        node = node_path(name.decode(errors="replace")) if len(name) <= _MAX_NAME_BYTES else ""
        if node and node not in self._sums and len(self._sums) < MAX_NODES:
            self._sums[node] = _Sum()
        return self._sums.get(node, self._others)
