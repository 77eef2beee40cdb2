"""The saved state of tf.data iterators, split by the node of the pipeline that it belongs to.

An iterator is saved as a vector of variants. The metadata of each is a name and the keys of the values in it, joined
by `@@`; the name tells the node, and the keys tell whether the variant holds elements that the node has buffered:

    Iterator::Root::Prefetch::BatchV2::ShuffleAndRepeat:buffer::17@@num_components@@component[0]

Only these headers are read, never the (compressed) elements, so a state of any size takes the same little
memory.

Sources: `serialization_utils.cc`, `tensor.proto` (VariantTensorDataProto) and the iterators under
`core/kernels/data` in TensorFlow.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from observed_hooks.checkpoints import dtypes
from observed_hooks.checkpoints.bundle import Bundle, Entry, read_index
from observed_hooks.checkpoints.data import CHECKSUM_BYTES, PartReader, open_part
from observed_hooks.checkpoints.nodes import node_path, transformation
from observed_hooks.checkpoints.wire import Span

MAX_NODES = 4096
"""State of further nodes counts as unattributed: no pipeline has as many, a hostile file may."""

_TYPE_NAME, _METADATA = 1, 2  # the fields of VariantTensorDataProto that come before the values
_ITERATOR = b"tensorflow::Iterator"
# Both tags and the type name, as every protobuf library writes them.
_USUAL_HEADER = b"\n\x14tensorflow::Iterator\x12"
_USUAL_HEADER_BYTES = len(_USUAL_HEADER)
_PEEK_BYTES = 256  # holds the header of nearly every variant
_MAX_METADATA_BYTES = 1 << 20
_MAX_NAME_BYTES = 4096
_MAX_OWNERS = 4096  # different kinds of variant remembered at once
_COUNTERS = b"0123456789]"

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
    rb"(?:num_elements|buffer_size|invocation_results_size|batch_results_size|current_elements\.size|groups_size)"
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


@dataclass(frozen=True, slots=True)
class IteratorState:
    """One saved iterator. The bytes of `nodes` and `unattributed_bytes` make up `total_bytes`."""

    name: str
    """The iterator's operation or attribute, such as `IteratorV2` or `iterator`."""
    entry: str
    """The entry's name in the checkpoint, such as `IteratorV2:0_STATE`."""
    nodes: tuple[NodeState, ...]
    """Largest first."""
    total_bytes: int
    unattributed_bytes: int


def iterator_state(prefix: str | os.PathLike[str]) -> tuple[IteratorState, ...]:
    """Return the iterators in the checkpoint with this prefix; none when it holds only a model.

    Raises:
        OSError: a file of the checkpoint is missing or cannot be read.
        CheckpointFormatError: a file of the checkpoint is damaged.
    """
    return iterator_state_of(read_index(prefix))


def iterator_state_of(bundle: Bundle) -> tuple[IteratorState, ...]:
    """Return the iterators in the checkpoint with this index; raises as `iterator_state` does."""
    states = (_state(bundle, entry) for entry in bundle.entries if entry.dtype == dtypes.VARIANT)
    return tuple(state for state in states if state is not None)


def iterator_name(entry: str) -> str:
    """Return the name of the iterator that a v1 Saver or a `tf.train.Checkpoint` saved as `entry`."""
    return entry.removesuffix("/.ATTRIBUTES/ITERATOR_STATE").removesuffix("_STATE").removesuffix(":0")


def _state(bundle: Bundle, entry: Entry) -> IteratorState | None:
    """Read one tensor of variants; None when something other than an iterator was saved in it."""
    with open_part(bundle, entry.parts[0]) as reader:
        tally = _Tally()
        for start, payload, end in reader.variants():
            metadata = _metadata(reader, payload, end - CHECKSUM_BYTES)
            if metadata is None and start == reader.start:
                return None
            tally.add(metadata or b"", end - start)
    nodes = tuple(sorted(tally.nodes(), key=lambda state: (-state.bytes, state.node)))
    attributed = sum(state.bytes for state in nodes)
    return IteratorState(iterator_name(entry.name), entry.name, nodes, entry.size, entry.size - attributed)


def _metadata(reader: PartReader, start: int, end: int) -> bytes | None:
    """Return the metadata of the variant from `start` to `end`; None for one that is not of an iterator."""
    head = reader.peek(start, min(_PEEK_BYTES, end - start))
    if head.startswith(_USUAL_HEADER):
        size, at = Span(reader.path, start, head).varint(_USUAL_HEADER_BYTES, "the length of the metadata")
        if at + size <= len(head):
            return head[at : at + size]
    return _metadata_of_any(reader, start, end)


def _metadata_of_any(reader: PartReader, start: int, end: int) -> bytes | None:
    """Do what `_metadata` does for headers that are long, or written in an unusual way."""
    type_name = metadata = b""
    position = start
    while position < end:
        tag, position = reader.varint(position, "a field's tag")
        size, position = reader.varint(position, "a field's length")
        if tag & 7 != 2 or position + size > end:  # noqa: PLR2004 - the wire type of bytes
            raise reader.error(start, "a variant that is not a VariantTensorDataProto")
        if tag >> 3 == _TYPE_NAME:
            type_name = reader.peek(position, min(size, len(_ITERATOR) + 1))
        elif tag >> 3 == _METADATA:
            metadata = reader.peek(position, min(size, _MAX_METADATA_BYTES))
            break
        position += size
    return metadata if type_name == _ITERATOR else None


@dataclass(slots=True)
class _Counter:
    """A NodeState in the making."""

    bytes: int = 0
    entries: int = 0
    elements: int = 0
    holds_elements: bool = False


class _Tally:
    """Adds up variants by the node that owns them."""

    def __init__(self) -> None:
        self._counters: dict[str, _Counter] = {}
        self._unattributed = _Counter()
        self._owners: dict[tuple[bytes, bytes], tuple[_Counter, int]] = {}

    def add(self, metadata: bytes, size: int) -> None:
        """Count one variant of `size` bytes."""
        name, _, keys = metadata.partition(b"@@")
        # The variants of one buffer differ only in a number at the end of their names.
        kind = (name.rstrip(_COUNTERS), keys)
        owner = self._owners.get(kind) or self._owner(kind, name, metadata)
        counter, elements = owner
        counter.bytes += size
        counter.entries += 1
        counter.elements += elements

    def nodes(self) -> Iterator[NodeState]:
        """Yield what has been counted, node by node."""
        for node, counter in self._counters.items():
            elements = counter.elements if counter.holds_elements else None
            yield NodeState(node, transformation(node), elements, counter.bytes, counter.entries)

    def _owner(self, kind: tuple[bytes, bytes], name: bytes, metadata: bytes) -> tuple[_Counter, int]:
        elements = len(_ELEMENT.findall(metadata))
        counter = self._counter(name)
        counter.holds_elements |= elements > 0 or _HOLDER.search(metadata) is not None
        if len(metadata) <= _PEEK_BYTES:
            if len(self._owners) >= _MAX_OWNERS:
                self._owners.clear()
            self._owners[kind] = (counter, elements)
        return counter, elements

    def _counter(self, name: bytes) -> _Counter:
        node = node_path(name.decode(errors="replace")) if len(name) <= _MAX_NAME_BYTES else ""
        known = self._counters.get(node)
        if known is None and node and len(self._counters) < MAX_NODES:
            known = self._counters[node] = _Counter()
        return known or self._unattributed
