"""The saved state of tf.data iterators, split by the node of the pipeline that it belongs to.

An iterator is saved as a vector of variants, whose metadata tell the node; `node_tally` has the details. Only the
metadata are read, never the (compressed) elements, so a state of any size takes the same little memory.

Sources: `iterator_ops.cc` and `tensor.proto` (VariantTensorDataProto) in TensorFlow.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass

from observed_hooks.checkpoints import dtypes
from observed_hooks.checkpoints.bundle import Bundle, Entry, read_index
from observed_hooks.checkpoints.counters import counter
from observed_hooks.checkpoints.data import CHECKSUM_BYTES, PartReader, open_part
from observed_hooks.checkpoints.node_tally import NodeState, Tally
from observed_hooks.checkpoints.wire import BYTES, Span

VARIANTS_BETWEEN_RESTS = 128

_ITERATOR = b"tensorflow::Iterator"
# Tag, length and value of the type name, and the tag of the metadata, as every protobuf library writes them.
_USUAL_HEADER = b"\n\x14tensorflow::Iterator\x12"
_USUAL_HEADER_BYTES = len(_USUAL_HEADER)
_TYPE_NAME, _METADATA = 1, 2  # the fields of VariantTensorDataProto that come before the values
_PEEK_BYTES = 256  # holds the header of nearly every variant
_MAX_FIELDS = 16  # looked at in one variant: those that matter come first
_MAX_METADATA_BYTES = 1 << 20
_SHUFFLE_KEY = b"@@slices_size"  # only the own state of a shuffle has it
_MAX_SHUFFLE_BYTES = 1 << 16  # usually 500


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


def iterator_state_of(bundle: Bundle, rest: Callable[[], object] | None = None) -> tuple[IteratorState, ...]:
    """Return the iterators in the checkpoint with this index; raises as `iterator_state` does.

    Args:
        bundle: the index.
        rest: called every `VARIANTS_BETWEEN_RESTS` variants, a millisecond or so: a reader beside a training loop
            may sleep then, lest it holds up the loop.
    """
    states = (_state(bundle, entry, rest) for entry in bundle.entries if entry.dtype == dtypes.VARIANT)
    return tuple(state for state in states if state is not None)


def iterator_name(entry: str) -> str:
    """Return the name of the iterator that a v1 Saver or a `tf.train.Checkpoint` saved as `entry`."""
    return entry.removesuffix("/.ATTRIBUTES/ITERATOR_STATE").removesuffix("_STATE").removesuffix(":0")


def _state(bundle: Bundle, entry: Entry, rest: Callable[[], object] | None) -> IteratorState | None:
    """Read one tensor of variants; None when something other than an iterator was saved in it."""
    with open_part(bundle, entry.parts[0]) as reader:
        tally = _tally(reader, entry, rest)
    if tally is None:
        return None
    nodes = tally.nodes()
    remainder = entry.size - sum(state.bytes for state in nodes)
    return IteratorState(iterator_name(entry.name), entry.name, nodes, entry.size, remainder)


def _tally(reader: PartReader, entry: Entry, rest: Callable[[], object] | None) -> Tally | None:
    tally = Tally()
    variants = 0
    for start, payload, end in reader.variants():
        metadata = _metadata(reader, payload, end - CHECKSUM_BYTES)
        if metadata is None and not variants:
            return None
        tally.add(metadata or b"", end - start)
        if metadata and _SHUFFLE_KEY in metadata:
            _declare(tally, metadata, reader, payload, end - CHECKSUM_BYTES)
        variants += 1
        if rest is not None and variants % VARIANTS_BETWEEN_RESTS == 0:
            rest()
    if math.prod(entry.shape) != variants:
        raise reader.error(reader.end, f"{variants} variants in {entry.name!r} of shape {entry.shape}")
    return tally


def _declare(tally: Tally, metadata: bytes, reader: PartReader, start: int, end: int) -> None:
    """Pass on how many elements a shuffle says it holds.

    They cannot just be counted: a symbolic checkpoint keeps the elements of slots that are empty by now.
    """
    size = end - start
    variant = reader.peek(start, size) if size <= _MAX_SHUFFLE_BYTES else b""
    elements = counter(Span(reader.path, start, variant), b"num_elements")
    if elements is not None and elements >= 0:
        tally.declare(metadata, elements)


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
    type_name = b""
    position = start
    for _ in range(_MAX_FIELDS):
        if position >= end:
            break
        tag, position = reader.varint(position, "a field's tag")
        size, position = reader.varint(position, "a field's length")
        if tag & 7 != BYTES or position + size > end:
            raise reader.error(start, "a variant that is not a VariantTensorDataProto")
        if tag >> 3 == _TYPE_NAME:
            type_name = reader.peek(position, min(size, len(_ITERATOR) + 1))
        elif tag >> 3 == _METADATA and type_name == _ITERATOR:
            return reader.peek(position, min(size, _MAX_METADATA_BYTES))
        position += size
    return b"" if type_name == _ITERATOR else None
