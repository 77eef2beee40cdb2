"""CRC-32C (Castagnoli), masked as TensorFlow stores it, fast without a compiled extension.

A CRC is the remainder of a division of polynomials over GF(2), so it is linear: whatever multiple of the
divisor is added to the message, the remainder stays. Two uses are made of that.

- Folding. x^(64*A) + x^(64*B) + x^(64*C) + 1 is a multiple of the divisor, so a 64-bit word may be taken away
  where it stands and added A-B, A-C and A words further on. A stretch of A-B words is moved by three
  vector XORs, which run at the speed of the cache, until only the last A words are left.
- Pairing. Of two neighbouring words the first is advanced over the second by four table look-ups, for all
  pairs at once, until one word is left.

Short buffers are summed by a loop over words instead. That loop also spares a reader of one small index the
import of numpy, which would take longer than the reading.

Sources: RFC 3720, appendix B.4 (the polynomial and its test vectors); `crc32c.h` in TensorFlow (the mask).
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    Words: TypeAlias = npt.NDArray[np.uint32]

VECTOR_BYTES = 1 << 13
"""Shorter buffers are always summed word by word: numpy's call overhead would outweigh its speed."""

_IMPORT_BYTES = 1 << 20  # from here on the import of numpy is worth its while
_CHUNK_BYTES = 1 << 20  # small enough to stay in the second-level cache, large enough to hide call overhead
_POLYNOMIAL = 0x82F63B78  # bits reversed, as every table-driven implementation wants it
_MASK_DELTA = 0xA282EAD8
_FULL = 0xFFFFFFFF

# Found by search among all exponents up to 10,000. A-B is how many words one step moves.
FOLD_WORDS = (5843, 3359, 1367)
"""A, B and C of the module's docstring: x^(64*A) + x^(64*B) + x^(64*C) + 1 = 0 modulo the polynomial."""


def masked_crc32c(pieces: Iterable[bytes]) -> int:
    """Return the masked checksum of `pieces` joined, as the entries of a checkpoint carry it.

    Small pieces are gathered first, so that a stream of many short ones costs little more than one long one.
    """
    checksum = 0
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _CHUNK_BYTES:
            checksum = extend(checksum, gathered)
            gathered.clear()
    return mask(extend(checksum, gathered))


def mask(checksum: int) -> int:
    """Rotate `checksum` by 15 bits and add a constant: a checksum of checksums stays meaningful."""
    return (((checksum >> 15) | (checksum << 17)) + _MASK_DELTA) & _FULL


def extend(checksum: int, data: bytes | bytearray) -> int:
    """Return the checksum of (what `checksum` stands for, then `data`); 0 stands for no bytes at all."""
    least = VECTOR_BYTES if "numpy" in sys.modules else _IMPORT_BYTES
    state = checksum ^ _FULL
    with memoryview(data) as view:
        for start in range(0, len(view), _CHUNK_BYTES):
            chunk = view[start : start + _CHUNK_BYTES]
            state = _by_vectors(state, chunk) if len(chunk) >= least else _by_words(state, chunk)
            chunk.release()
    return state ^ _FULL


def expect_much_data() -> None:
    """Load numpy now, because many buffers that are each too short to be worth it are about to be summed."""
    importlib.import_module("numpy")


@functools.cache
def _byte_tables() -> tuple[tuple[int, ...], ...]:
    """Four tables: the remainder of each byte value followed by 0, 1, 2 and 3 zero bytes."""
    first = tuple(_remainder(byte) for byte in range(256))
    tables = [first]
    for _ in range(3):
        tables.append(tuple(first[value & 0xFF] ^ (value >> 8) for value in tables[-1]))
    return tuple(tables)


def _remainder(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


def _by_words(state: int, data: memoryview) -> int:
    t0, t1, t2, t3 = _byte_tables()
    whole = len(data) & ~3
    if sys.byteorder == "little":
        for word in data[:whole].cast("I"):
            state ^= word
            state = t3[state & 0xFF] ^ t2[state >> 8 & 0xFF] ^ t1[state >> 16 & 0xFF] ^ t0[state >> 24]
    else:
        whole = 0
    for byte in data[whole:]:
        state = t0[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state


def _by_vectors(state: int, data: memoryview) -> int:
    import numpy as np

    padding = -len(data) % 8
    # Zeros in front of a message add nothing to its remainder.
    padded = np.empty(padding + len(data), np.uint8)
    padded[:padding] = 0
    padded[padding:] = data
    padded[padding : padding + 4] ^= np.frombuffer(state.to_bytes(4, "little"), np.uint8)
    words = _fold(padded.view("<u8"))
    return _remainder_of_words(words.view("<u4").astype(np.uint32, copy=False))


def _fold(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the last A words (all of them, if fewer) after the others have been added into them."""
    a, b, c = FOLD_WORDS
    count = len(words)
    for start in range(0, count - a, a - b):
        stretch = words[start : min(start + a - b, count - a)]
        for distance in (a - b, a - c, a):
            words[start + distance : start + distance + len(stretch)] ^= stretch
    return words[-a:]


def _remainder_of_words(words: Words) -> int:
    import numpy as np

    level = 0
    while len(words) > 1:
        if len(words) % 2:
            words = np.concatenate((np.zeros(1, np.uint32), words))
        words = _advance(_advance_tables(level), np.ascontiguousarray(words[0::2])) ^ words[1::2]
        level += 1
    return int(_advance(_advance_tables(0), words)[0])


def _advance(tables: Words, words: Words) -> Words:
    """Return each remainder followed by as many zero bytes as `tables`, of shape (4, 256), were made for."""
    advanced: Words = tables[0][words & 0xFF]
    advanced ^= tables[1][words >> 8 & 0xFF]
    advanced ^= tables[2][words >> 16 & 0xFF]
    advanced ^= tables[3][words >> 24]
    return advanced


@functools.cache
def _advance_tables(level: int) -> Words:
    """Return the tables, shape (4, 256), that advance a remainder over 2**level words of four zero bytes."""
    import numpy as np

    if level == 0:
        return np.array(_byte_tables()[::-1], np.uint32)
    half = _advance_tables(level - 1)
    return _advance(half, half)
