"""Decompression of short snappy blocks, such as hold the counters of an iterator.

Source: snappy's `format_description.txt`.
"""

from __future__ import annotations

from observed_hooks.checkpoints.wire import Span

MAX_BYTES = 1 << 16
"""Longer blocks are refused; what is read here has a few hundred bytes."""

_LITERAL = 0
_LONG_LITERAL = 60  # from here on the length follows in 1 to 4 bytes


def decompress(block: Span) -> bytes:
    """Return the content of `block`; raise CheckpointFormatError where it is damaged, or too long."""
    size, position = block.varint(0, "the length of a snappy block")
    if size > MAX_BYTES:
        raise block.error(0, f"a snappy block of {size} bytes, where counters were expected")
    content = bytearray()
    while position < len(block.data) and len(content) <= size:
        if block.data[position] & 3 == _LITERAL:
            length, position = _literal(block, position)
            content += block.part(position, length, "a literal").data
            position += length
        else:
            length, distance, position = _copy(block, position)
            if not 0 < distance <= len(content):
                raise block.error(position, f"a copy from {distance} bytes back, of {len(content)} there are")
            for _ in range(length):  # byte by byte: a copy may overlap itself
                content.append(content[-distance])
    if len(content) != size:
        raise block.error(0, f"a snappy block of {len(content)} bytes that says it has {size}")
    return bytes(content)


def _literal(block: Span, position: int) -> tuple[int, int]:
    """Return the length of the literal, and where it begins."""
    length = block.data[position] >> 2
    if length < _LONG_LITERAL:
        return length + 1, position + 1
    extra = length - _LONG_LITERAL + 1
    return _number(block, position + 1, extra) + 1, position + 1 + extra


def _copy(block: Span, position: int) -> tuple[int, int, int]:
    """Return the length of the copy, how far back it begins, and the position after it."""
    tag = block.data[position]
    if tag & 3 == 1:
        return (tag >> 2 & 7) + 4, (tag >> 5) << 8 | _number(block, position + 1, 1), position + 2
    size = 2 if tag & 3 == 2 else 4  # noqa: PLR2004 - the kinds of copy are called 1, 2 and 4, after these sizes
    return (tag >> 2) + 1, _number(block, position + 1, size), position + 1 + size


def _number(block: Span, position: int, size: int) -> int:
    return int.from_bytes(block.part(position, size, "a number").data, "little")
