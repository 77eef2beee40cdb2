"""The index of a V2 checkpoint: which tensors it holds, and where in its data files they are.

A tensor is stored in one part, or, when it was partitioned, in one part per slice. Reading the index touches
no data file: those may be large, or already pruned.

Sources: `tensor_bundle.proto`, `tensor_shape.proto`, `tensor_slice.proto` and `tensor_bundle.cc` in
TensorFlow.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from observed_hooks.checkpoints import table
from observed_hooks.checkpoints.dtypes import dtype_name
from observed_hooks.checkpoints.slices import FULL, slice_key
from observed_hooks.checkpoints.wire import Span

MAX_ENTRIES = 1_000_000
"""Tensors and slices that are read from one index."""

_MAX_RANK = 254  # TensorFlow's own limit
_MAX_SHARDS = 99_999  # file names have five digits for them
_BIG_ENDIAN = 1
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CRC32C, _SLICES = range(1, 8)  # the fields of BundleEntryProto
_HEADER_KEY = b""
_SLICE_KEYS = b"\x00"  # what the keys of slices begin with, and names of tensors never do

Extents = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one data file that holds a tensor, or one slice of it."""

    shard: int
    offset: int
    size: int
    """In bytes."""
    crc32c: int
    """Masked, as stored; see `observed_hooks.checkpoints.crc32c`."""
    extents: Extents = ()
    """(start, length) in each dimension where the part is a slice; a length of -1 spans the dimension."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor. `shape` is that of the whole tensor, also where it is stored in slices."""

    name: str
    dtype: str
    """As `tf.dtypes` names it, such as `float32`, `string`, `variant`."""
    shape: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes the tensor takes in the data files."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A V2 checkpoint as its index describes it; `entries` are in the order of their names."""

    prefix: str
    num_shards: int
    entries: tuple[Entry, ...]

    def data_path(self, shard: int) -> str:
        """Return the path of the data file with number `shard`."""
        return f"{self.prefix}.data-{shard:05d}-of-{self.num_shards:05d}"


def index_path(prefix: str | os.PathLike[str]) -> str:
    """Return the path of the index of the checkpoint with this prefix."""
    return f"{os.fspath(prefix)}.index"


def read_index(prefix: str | os.PathLike[str]) -> Bundle:
    """Return what the index of the checkpoint with this prefix (`<directory>/model.ckpt-100`) says.

    Raises:
        OSError: there is no such index, or it cannot be read.
        CheckpointFormatError: the index is damaged, or is not that of a V2 checkpoint.
    """
    path = index_path(prefix)
    pairs = table.pairs(path)
    key, header = next(pairs, (None, Span(path, 0, b"")))
    if key != _HEADER_KEY:
        raise header.error(0, "the index has no header")
    decoder = _Decoder(_num_shards(header))
    wholes: list[tuple[bytes, Span, _Record]] = []
    slices: dict[bytes, _Record] = {}
    for count, (name, value) in enumerate(pairs):
        if count >= MAX_ENTRIES:
            raise value.error(0, f"more than {MAX_ENTRIES} entries")
        record = decoder.record(value)
        if name.startswith(_SLICE_KEYS):
            slices[name] = record
        else:
            wholes.append((name, value, record))
    entries = tuple(_entry(name, value, record, slices) for name, value, record in wholes)
    return Bundle(os.fspath(prefix), decoder.num_shards, entries)


@dataclass(slots=True)
class _Record:
    """A BundleEntryProto: an entry that may still lack its slices."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    part: Part = Part(0, 0, 0, 0)
    slices: tuple[Extents, ...] = ()


def _entry(name: bytes, value: Span, record: _Record, slices: dict[bytes, _Record]) -> Entry:
    parts = tuple(_slice(name, value, extents, slices) for extents in record.slices) or (record.part,)
    return Entry(name.decode(errors="backslashreplace"), dtype_name(record.dtype), record.shape, parts)


def _slice(name: bytes, value: Span, extents: Extents, slices: dict[bytes, _Record]) -> Part:
    # A slice belongs to one tensor, and pop() keeps a hostile index from naming one slice a million times.
    record = slices.pop(slice_key(name, extents), None)
    if record is None:
        raise value.error(0, f"the index has no entry, or two uses, of slice {extents} of {name!r}")
    part = record.part
    return Part(part.shard, part.offset, part.size, part.crc32c, extents)


def _num_shards(header: Span) -> int:
    num_shards = 0
    for number, at, value in header.message():
        if number == 1:
            num_shards = header.integer(at, value)
        elif number == 2 and header.integer(at, value) == _BIG_ENDIAN:  # noqa: PLR2004 - field numbers
            raise header.error(at, "written on a big-endian machine; only little-endian checkpoints are read")
    if not 1 <= num_shards <= _MAX_SHARDS:
        raise header.error(0, f"a checkpoint of {num_shards} data files")
    return num_shards


class _Decoder:
    """Decodes the entries of one index."""

    def __init__(self, num_shards: int) -> None:
        self.num_shards = num_shards
        # Models repeat few shapes, and of all fields the shape takes longest to decode.
        self._shapes: dict[bytes, tuple[int, ...]] = {}

    def record(self, span: Span) -> _Record:
        """Decode a BundleEntryProto. Fields that are absent have their default, 0."""
        record = _Record()
        slices: list[Extents] = []
        place = {_SHARD: 0, _OFFSET: 0, _SIZE: 0, _CRC32C: 0}
        for number, at, value in span.message():
            if number in place:
                place[number] = span.integer(at, value)
            elif number == _DTYPE:
                record.dtype = span.integer(at, value)
            elif number == _SHAPE:
                record.shape = self._shape(span.nested(at, value))
            elif number == _SLICES:
                slices.append(_extents(span.nested(at, value)))
        record.part = self._part(span, *place.values())
        record.slices = tuple(slices)
        return record

    def _part(self, span: Span, shard: int, offset: int, size: int, crc32c: int) -> Part:
        if not 0 <= shard < self.num_shards:
            raise span.error(0, f"an entry in data file {shard} of {self.num_shards}")
        if offset < 0 or size < 0:
            raise span.error(0, f"an entry of {size} bytes at byte {offset} of its data file")
        return Part(shard, offset, size, crc32c)

    def _shape(self, span: Span) -> tuple[int, ...]:
        shape = self._shapes.get(span.data)
        if shape is None:
            shape = self._shapes[span.data] = _shape(span)
        return shape


def _shape(span: Span) -> tuple[int, ...]:
    sizes = tuple(_dimension(span.nested(at, value)) for number, at, value in span.message() if number == 2)  # noqa: PLR2004
    if len(sizes) > _MAX_RANK:
        raise span.error(0, f"a tensor of {len(sizes)} dimensions")
    return sizes


def _dimension(span: Span) -> int:
    size = 0
    for number, at, value in span.message():
        if number == 1:
            size = span.integer(at, value)
    if size < 0:
        raise span.error(0, f"a dimension of size {size}")
    return size


def _extents(span: Span) -> Extents:
    extents = tuple(_extent(span.nested(at, value)) for number, at, value in span.message() if number == 1)
    if len(extents) > _MAX_RANK:
        raise span.error(0, f"a slice of {len(extents)} dimensions")
    return extents


def _extent(span: Span) -> tuple[int, int]:
    start, length = 0, FULL
    for number, at, value in span.message():
        if number == 1:
            start = span.integer(at, value)
        elif number == 2:  # noqa: PLR2004
            length = span.integer(at, value)
    return start, length
