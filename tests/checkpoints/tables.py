"""Index files made by hand, of the kind that TensorFlow does not write."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from observed_hooks.checkpoints import crc32c

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
HEADER = b"\x08\x01"
"""A BundleHeaderProto: one data file."""


def varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer: a varint, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def pair(key: bytes, value: bytes, *, shared: int = 0) -> bytes:
    return varint(shared) + varint(len(key)) + varint(len(value)) + key + value


def block(pairs: Iterable[bytes], *, restarts: int = 1, compression: int = 0) -> bytes:
    """A block with its trailer; the checksum is right, whatever the rest is."""
    content = b"".join(pairs) + struct.pack("<I", 0) + struct.pack("<I", restarts)
    return trailed(content, compression)


def trailed(content: bytes, compression: int = 0) -> bytes:
    checksum = crc32c.mask(crc32c.extend(0, content + bytes([compression])))
    return content + struct.pack("<BI", compression, checksum)


def handle(start: int, size: int) -> bytes:
    return varint(start) + varint(size)


def table(data: bytes, *, data_handle: bytes | None = None) -> bytes:
    """A table with one data block, trailer included."""
    index = block([pair(b"~", data_handle or handle(0, len(data) - 5))])
    footer = handle(0, 0) + handle(len(data), len(index) - 5)
    return data + index + footer.ljust(40, b"\x00") + MAGIC


def write_index(directory: Path, entries: Iterable[tuple[bytes, bytes]], header: bytes = HEADER) -> Path:
    """Write the index of a checkpoint with these entries; return its prefix."""
    pairs = [pair(key, value) for key, value in [(b"", header), *entries]]
    (directory / "made.index").write_bytes(table(block(pairs)))
    return directory / "made"
