from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.checkpoints import crc32c


def bit_by_bit(data: bytes) -> int:
    """The definition, which nobody would use for anything but comparing."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def some_bytes(count: int) -> bytes:
    return random.Random(count).randbytes(count)  # noqa: S311 - any bytes will do


class TestExtend:
    @pytest.mark.parametrize(
        ("data", "checksum"),
        [
            (b"", 0),
            (b"123456789", 0xE3069283),
            (bytes(32), 0x8A9136AA),
            (b"\xff" * 32, 0x62A8AB43),
            (bytes(range(32)), 0x46DD794E),
            (bytes(range(31, -1, -1)), 0x113FDB5C),
        ],
    )
    def test_gives_the_checksums_of_rfc_3720(self, data: bytes, checksum: int) -> None:
        assert crc32c.extend(0, data) == checksum

    @given(st.binary(max_size=100))
    def test_gives_what_the_definition_gives(self, data: bytes) -> None:
        assert crc32c.extend(0, data) == bit_by_bit(data)

    @pytest.mark.parametrize(
        "count",
        [
            crc32c.VECTOR_BYTES - 1,
            crc32c.VECTOR_BYTES,
            crc32c.VECTOR_BYTES + 3,
            8 * crc32c.FOLD_WORDS[0] - 1,
            8 * crc32c.FOLD_WORDS[0],
            8 * crc32c.FOLD_WORDS[0] + 1,
            8 * (2 * crc32c.FOLD_WORDS[0] - crc32c.FOLD_WORDS[1]) + 5,
            200_003,
        ],
    )
    def test_gives_the_same_for_long_data_whole_as_in_short_pieces(self, count: int) -> None:
        data = some_bytes(count)
        in_pieces = 0
        for start in range(0, count, 1000):
            in_pieces = crc32c.extend(in_pieces, data[start : start + 1000])
        assert crc32c.extend(0, data) == in_pieces

    def test_sums_more_than_a_chunk(self) -> None:
        data = some_bytes((1 << 20) + 77)
        assert crc32c.extend(crc32c.extend(0, data[:999_999]), data[999_999:]) == crc32c.extend(0, data)

    def test_of_short_data_does_not_wait_for_numpy(self) -> None:
        program = (
            "import sys; from observed_hooks.checkpoints import crc32c; "
            "crc32c.extend(0, bytes(500_000)); sys.exit('numpy' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class TestFolding:
    def test_adds_a_multiple_of_the_polynomial(self) -> None:
        longest = crc32c.FOLD_WORDS[0]
        words = np.zeros(longest + 1, np.uint64)
        for exponent in (*crc32c.FOLD_WORDS, 0):
            words[longest - exponent] = 1 << 63  # the highest power of x that a word, bits reversed, leaves at 1
        message = words.tobytes()
        state = 0
        for start in range(0, len(message), 1000):
            state = crc32c._by_words(state, memoryview(message)[start : start + 1000])
        assert state == 0


class TestMaskedCrc32c:
    @given(st.lists(st.binary(max_size=30)))
    def test_does_not_depend_on_where_the_pieces_end(self, pieces: list[bytes]) -> None:
        assert crc32c.masked_crc32c(pieces) == crc32c.masked_crc32c([b"".join(pieces)])

    def test_masks_as_tensorflow_does(self) -> None:
        assert crc32c.mask(0) == 0xA282EAD8
        assert crc32c.mask(0xE3069283) == (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF
