"""Decoding of untrusted bytes that remember where in which file they stood.

Every read from a `Span` is checked against its end before anything is allocated, and every refusal is a
`CheckpointFormatError` with the file and the offset.

Source: the protocol buffers encoding guide (varints, wire types).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from observed_hooks.errors import CheckpointFormatError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_LONGEST_VARINT = 10
_MORE = 0x80  # set in every byte of a varint but the last
_UINT64 = (1 << 64) - 1
_SIGN = 1 << 63
_FIXED = {FIXED64: struct.Struct("<Q"), FIXED32: struct.Struct("<I")}


@dataclass(slots=True)
class Span:
    """Some bytes of a file. Positions are relative to the span, errors name the offset in the file."""

    path: str
    offset: int
    data: bytes

    def error(self, position: int, problem: str) -> CheckpointFormatError:
        """Return, for the caller to raise, the error that `problem` was found at `position`."""
        return CheckpointFormatError(self.path, self.offset + position, problem)

    def part(self, start: int, size: int, what: str) -> Span:
        """Return the `size` bytes from `start`; raise CheckpointFormatError where they are not all there."""
        left = len(self.data) - start
        if size > left:
            raise self.error(start, f"{what} should take {size} bytes, but {left} are left")
        return Span(self.path, self.offset + start, self.data[start : start + size])

    def varint(self, position: int, what: str) -> tuple[int, int]:
        """Return the unsigned 64-bit varint at `position`, and the position after it."""
        # Most varints have one byte, and this is the reader's inner loop.
        if position < len(self.data) and self.data[position] < _MORE:
            return self.data[position], position + 1
        value = shift = 0
        for at, byte in enumerate(self.data[position : position + _LONGEST_VARINT], position + 1):
            if byte < _MORE:
                return (value | byte << shift) & _UINT64, at
            value |= (byte & 0x7F) << shift
            shift += 7
        raise self.error(position, f"{what} is a varint that does not end")

    def message(self) -> Iterator[tuple[int, int, int | Span]]:
        """Yield (field number, position, value) for each field of the protocol buffer that the span is.

        Values of length-delimited fields are spans, all others unsigned integers. Groups, which no checkpoint
        uses, are refused.
        """
        position = 0
        while position < len(self.data):
            start = position
            tag, position = self.varint(start, "a field's tag")
            number, kind = tag >> 3, tag & 7
            value: int | Span
            if kind == VARINT:
                value, position = self.varint(position, "a field")
            elif kind == BYTES:
                size, position = self.varint(position, "a field's length")
                value = self.part(position, size, f"field {number}")
                position += size
            elif kind in _FIXED:
                form = _FIXED[kind]
                value = form.unpack(self.part(position, form.size, f"field {number}").data)[0]
                position += form.size
            else:
                raise self.error(start, f"field {number} has wire type {kind}, which no checkpoint uses")
            yield number, start, value

    def integer(self, position: int, value: int | Span) -> int:
        """Return the field's `value` as the signed 64-bit integer it should be."""
        if isinstance(value, Span):
            raise self.error(position, "a number was expected, but the field holds bytes")
        return value - 2 * _SIGN if value >= _SIGN else value

    def nested(self, position: int, value: int | Span) -> Span:
        """Return the field's `value` as the message or string it should be."""
        if isinstance(value, Span):
            return value
        raise self.error(position, "a message or a string was expected, but the field holds a number")
