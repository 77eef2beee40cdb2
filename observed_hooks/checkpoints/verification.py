"""Whether the tensors of a checkpoint are what was written.

Source: `tensor_bundle.cc` in TensorFlow (over which bytes the checksum of an entry runs).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from observed_hooks.checkpoints import crc32c, dtypes
from observed_hooks.checkpoints.bundle import Bundle, Entry, Part
from observed_hooks.checkpoints.data import CHECKSUM_BYTES, PartReader, open_part
from observed_hooks.checkpoints.slices import FULL
from observed_hooks.errors import CheckpointFormatError

_UINT32 = struct.Struct("<I")
_UINT64 = struct.Struct("<Q")
_LARGEST_UINT32 = 0xFFFF_FFFF


def verify(bundle: Bundle) -> Iterator[tuple[Entry, bool]]:
    """Yield each entry of `bundle`, and whether its bytes are there and agree with its checksum.

    Reads every byte of the checkpoint, one mebibyte at a time. `check` says what is wrong with an entry.

    Raises:
        OSError: a data file is there, but cannot be read.
    """
    crc32c.expect_much_data()
    for entry in bundle.entries:
        yield entry, _is_sound(bundle, entry)


def check(bundle: Bundle, entry: Entry) -> None:
    """Compare the bytes of `entry` with its checksum.

    Raises:
        FileNotFoundError: the data file is gone.
        CheckpointFormatError: the bytes are damaged, or not all there.
    """
    for part in entry.parts:
        with open_part(bundle, part) as reader:
            found = crc32c.masked_crc32c(_summed(reader, entry, part))
            if found != part.crc32c:
                problem = f"checksum of {entry.name!r}: {part.crc32c:#010x} expected, {found:#010x} found"
                raise reader.error(part.offset, problem)


def _is_sound(bundle: Bundle, entry: Entry) -> bool:
    try:
        check(bundle, entry)
    except (CheckpointFormatError, FileNotFoundError):
        return False
    return True


def _summed(reader: PartReader, entry: Entry, part: Part) -> Iterator[bytes]:
    if entry.dtype == dtypes.STRING:
        return _summed_strings(reader, _count(entry, part))
    if entry.dtype == dtypes.VARIANT:
        return _summed_variants(reader)
    return reader.chunks(reader.start, reader.end)


def _count(entry: Entry, part: Part) -> int:
    if not part.extents:
        return math.prod(entry.shape)
    extents = zip(entry.shape, part.extents, strict=False)
    return math.prod(size if length == FULL else length for size, (_, length) in extents)


def _summed_strings(reader: PartReader, count: int) -> Iterator[bytes]:
    """Lengths as varints, a checksum of them, the strings; the lengths are summed as fixed-size integers."""
    position = reader.start
    for _ in range(count):
        length, position = reader.varint(position, "the length of a string")
        yield _UINT32.pack(length) if length <= _LARGEST_UINT32 else _UINT64.pack(length)
    yield from reader.chunks(position, reader.end)


def _summed_variants(reader: PartReader) -> Iterator[bytes]:
    for _, payload, end in reader.variants():
        yield _UINT64.pack(end - CHECKSUM_BYTES - payload)
        yield from reader.chunks(payload, end)
