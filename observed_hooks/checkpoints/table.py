"""The sorted table of strings that a checkpoint's `.index` file is.

Blocks of prefix-compressed, sorted (key, value) pairs; a block of handles to them; a footer with the handle
of that block. Each block is followed by one byte for its compression and by its masked CRC-32C.

Sources: LevelDB's `table_format.md`; `lib/io/format.h` and `table_options.h` in TensorFlow.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from observed_hooks.checkpoints import crc32c
from observed_hooks.checkpoints.wire import Span
from observed_hooks.errors import CheckpointFormatError

MAX_TABLE_BYTES = 256 << 20
"""Larger tables are refused: a million tensors make an index of less than half of that."""

MAX_KEY_BYTES = 64 << 10
MAX_KEYS_BYTES = 256 << 20
"""All keys together. Prefix compression would otherwise let a small file ask for any amount of memory."""

_FOOTER_BYTES = 48  # two handles of up to 20 bytes, padding, the magic number
_TRAILER = struct.Struct("<BI")  # compression, masked checksum
_MAGIC = 0xDB4775248B80FB57
_UNCOMPRESSED, _SNAPPY = 0, 1


def pairs(path: str) -> Iterator[tuple[bytes, Span]]:
    """Yield the (key, value) pairs of the table in the file at `path`, in the order of their keys.

    Raises:
        OSError: the file cannot be read.
        CheckpointFormatError: the file is not such a table, or is damaged.
    """
    table = _read(path)
    previous = None
    budget = MAX_KEYS_BYTES
    for _, handle in _block_pairs(_block(table, _index_handle(table))):
        for key, value in _block_pairs(_block(table, handle)):
            if previous is not None and key <= previous:
                raise value.error(0, f"key {key!r} is not greater than the key before it, {previous!r}")
            budget -= len(key)
            if budget < 0:
                raise value.error(0, f"the keys of the table take more than {MAX_KEYS_BYTES} bytes")
            previous = key
            yield key, value


def _read(path: str) -> Span:
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_TABLE_BYTES:
            problem = f"an index of {size} bytes; at most {MAX_TABLE_BYTES} are read"
            raise CheckpointFormatError(path, 0, problem)
        return Span(path, 0, file.read(size))


def _index_handle(table: Span) -> Span:
    size = len(table.data)
    if size < _FOOTER_BYTES:
        raise table.error(0, f"a file of {size} bytes; the index of a checkpoint has at least {_FOOTER_BYTES}")
    footer = table.part(size - _FOOTER_BYTES, _FOOTER_BYTES, "the footer")
    if int.from_bytes(footer.data[-8:], "little") != _MAGIC:
        raise footer.error(_FOOTER_BYTES - 8, "not the index of a V2 checkpoint: the magic number is missing")
    _, position = footer.varint(0, "the offset of the unused metaindex block")
    _, position = footer.varint(position, "the size of the unused metaindex block")
    return footer.part(position, _FOOTER_BYTES - position, "the handle of the index block")


def _block(table: Span, handle: Span) -> Span:
    """Return the content of the block that `handle` points at, after checking its checksum."""
    start, position = handle.varint(0, "a block's offset")
    size, _ = handle.varint(position, "a block's size")
    if start + size + _TRAILER.size > len(table.data):
        raise handle.error(0, f"a block of {size} bytes at byte {start} reaches beyond the end of the file")
    block = table.part(start, size, "a block")
    compression, expected = _TRAILER.unpack_from(table.data, start + size)
    found = crc32c.mask(crc32c.extend(crc32c.extend(0, block.data), bytes([compression])))
    if found != expected:
        problem = f"checksum of the block of {size} bytes: {expected:#010x} expected, {found:#010x} found"
        raise block.error(0, problem)
    if compression != _UNCOMPRESSED:
        method = "snappy" if compression == _SNAPPY else f"method {compression}"
        raise block.error(size, f"a block compressed with {method}; TensorFlow writes them uncompressed")
    return block


def _block_pairs(block: Span) -> Iterator[tuple[bytes, Span]]:
    end = _end_of_pairs(block)
    key = b""
    position = 0
    while position < end:
        start = position
        shared, position = block.varint(position, "the length of a key's shared prefix")
        unshared, position = block.varint(position, "the length of the rest of a key")
        size, position = block.varint(position, "the length of a value")
        if shared > len(key):
            raise block.error(start, f"a key shares {shared} bytes with the one before, which has {len(key)}")
        if shared + unshared > MAX_KEY_BYTES:
            raise block.error(start, f"a key of {shared + unshared} bytes; at most {MAX_KEY_BYTES} are read")
        if position + unshared + size > end:
            raise block.error(start, f"a pair of {unshared} and {size} bytes reaches beyond its block")
        value_at = position + unshared
        key = key[:shared] + block.data[position:value_at]
        yield key, block.part(value_at, size, "a value")
        position = value_at + size


def _end_of_pairs(block: Span) -> int:
    """Return where the restart points begin, which serve searches and which we do not need."""
    size = len(block.data)
    if size < 4:  # noqa: PLR2004 - the number of restart points is a 32-bit integer
        raise block.error(0, f"a block of {size} bytes has no room for its number of restart points")
    restarts = int.from_bytes(block.data[-4:], "little")
    end = size - 4 - 4 * restarts
    if end < 0:
        raise block.error(size - 4, f"{restarts} restart points do not fit in a block of {size} bytes")
    return end
