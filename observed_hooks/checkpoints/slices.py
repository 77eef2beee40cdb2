"""The keys under which the slices of partitioned tensors stand in a checkpoint's index.

Source: `saved_tensor_slice_util.cc` (what the key is made of) and `ordered_code.cc` (how) in TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FULL = -1
"""Length of an extent that spans its whole dimension."""

_ESCAPED = re.compile(rb"[\x00\xff]")
_ESCAPES = {b"\x00": b"\xff", b"\xff": b"\x00"}


def slice_key(name: bytes, extents: Iterable[tuple[int, int]]) -> bytes:
    """Return the key of the slice of tensor `name` with these (start, length) pairs, one per dimension."""
    extents = tuple(extents)
    numbers = b"".join(_signed(number) for extent in extents for number in extent)
    return _unsigned(0) + _string(name) + _unsigned(len(extents)) + numbers


def _string(text: bytes) -> bytes:
    return _ESCAPED.sub(lambda byte: byte[0] + _ESCAPES[byte[0]], text) + b"\x00\x01"


def _unsigned(number: int) -> bytes:
    size = (number.bit_length() + 7) // 8
    return bytes([size]) + number.to_bytes(size, "big")


def _signed(number: int) -> bytes:
    """Encode `number` so that bytes sort as numbers do: leading ones, or zeros, tell the length."""
    magnitude = ~number if number < 0 else number
    size = magnitude.bit_length() // 7 + 1
    length_bits = ((1 << size) - 1) << (7 * size)
    return ((number & ((1 << 8 * size) - 1)) ^ length_bits).to_bytes(size, "big")
