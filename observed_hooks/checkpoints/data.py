"""Bounded reads from the data files of a checkpoint.

Reads are ordinary ones, not a memory map. A map of a file that shrinks, or whose network file system fails,
ends the process with SIGBUS, and this reader runs beside a training loop; a failed read is an exception.
Besides, every page of a map that was touched counts as memory of the process.

Source: `tensor_bundle.cc` in TensorFlow (how strings and variants are laid out).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from observed_hooks.checkpoints.bundle import Bundle, Part
from observed_hooks.checkpoints.wire import Span
from observed_hooks.errors import CheckpointFormatError

CHUNK_BYTES = 1 << 20
CHECKSUM_BYTES = 4

_WINDOW_BYTES = 1 << 15  # many small elements in one read, and little wasted on elements larger than this
_LONGEST_VARINT = 10


@contextlib.contextmanager
def open_part(bundle: Bundle, part: Part) -> Iterator[PartReader]:
    """Open the data file that holds `part`, for as long as the context lasts.

    Raises:
        OSError: the data file cannot be opened or read.
        CheckpointFormatError: the data file ends before the part does.
    """
    path = bundle.data_path(part.shard)
    with Path(path).open("rb", buffering=0) as file:
        yield PartReader(path, file.fileno(), part)


class PartReader:
    """Reads one part of a tensor. Positions are offsets in the data file."""

    def __init__(self, path: str, descriptor: int, part: Part) -> None:
        self.path = path
        self.start, self.end = part.offset, part.offset + part.size
        self._descriptor = descriptor
        self._window = b""
        self._window_at = 0
        size = os.fstat(descriptor).st_size
        if self.end > size:
            raise self.error(self.start, f"{part.size} bytes of a tensor expected; the file ends at byte {size}")

    def error(self, position: int, problem: str) -> CheckpointFormatError:
        """Return, for the caller to raise, the error that `problem` was found at `position`."""
        return CheckpointFormatError(self.path, position, problem)

    def peek(self, position: int, size: int) -> bytes:
        """Return `size` bytes from `position`, fewer where the part ends. Cheap when the positions ascend."""
        at = position - self._window_at
        if at < 0 or at + size > len(self._window):
            self._window = self._read(position, max(size, _WINDOW_BYTES))
            self._window_at = position
            at = 0
        return self._window[at : at + size]

    def varint(self, position: int, what: str) -> tuple[int, int]:
        """Return the varint at `position`, and the position after it."""
        span = Span(self.path, position, self.peek(position, _LONGEST_VARINT))
        value, size = span.varint(0, what)
        return value, position + size

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` to `end`, at most `CHUNK_BYTES` at a time."""
        for position in range(start, end, CHUNK_BYTES):
            yield self.peek(position, min(CHUNK_BYTES, end - position))

    def variants(self) -> Iterator[tuple[int, int, int]]:
        """Yield (start, start of the VariantTensorDataProto, end) of each element of a tensor of variants.

        Before the proto comes a varint with its length, after it a checksum of 4 bytes.
        """
        position = self.start
        while position < self.end:
            size, payload = self.varint(position, "the length of a variant")
            following = payload + size + CHECKSUM_BYTES
            if following > self.end:
                left = self.end - payload
                raise self.error(position, f"a variant of {size} bytes, where {left} bytes are left")
            yield position, payload, following
            position = following

    def _read(self, position: int, size: int) -> bytes:
        wanted = min(size, self.end - position)
        data = os.pread(self._descriptor, wanted, position)
        if len(data) < wanted:
            raise self.error(position, f"{wanted} bytes expected, {len(data)} read: the file was cut short")
        return data
