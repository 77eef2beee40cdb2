from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.checkpoints.snappy import MAX_BYTES, decompress
from observed_hooks.checkpoints.wire import Span
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.tables import varint


def content(block: bytes) -> bytes:
    return decompress(Span("input.data", 50, block))


class TestDecompress:
    @pytest.mark.parametrize(
        ("block", "expected"),
        [
            (b"\x00", b""),
            (b"\x03\x08abc", b"abc"),
            (b"\x46\xf0\x45" + b"z" * 70, b"z" * 70),
            (b"\x46\xf4\x45\x00" + b"z" * 70, b"z" * 70),
            (b"\x08\x0cabcd\x01\x04", b"abcdabcd"),
            (b"\x07\x00a\x16\x01\x00", b"a" * 7),
            (b"\x07\x00a\x17\x01\x00\x00\x00", b"a" * 7),
        ],
        ids=["empty", "literal", "long literal", "longer literal", "copy 1", "overlapping copy 2", "copy 4"],
    )
    def test_follows_the_format(self, block: bytes, expected: bytes) -> None:
        assert content(block) == expected

    @pytest.mark.parametrize(
        ("block", "problem"),
        [
            (b"", "byte 50: the length of a snappy block"),
            (varint(MAX_BYTES + 1), "byte 50: a snappy block of 65537 bytes"),
            (b"\x03\x08ab", "byte 52: a literal should take 3 bytes, but 2 are left"),
            (b"\x04\x01\x01", "a copy from 1 bytes back, of 0 there are"),
            (b"\x05\x00a\x01\x00", "a copy from 0 bytes back"),
            (b"\x05\x08abc", "a snappy block of 3 bytes that says it has 5"),
            (b"\x02\x08abc", "a snappy block of 3 bytes that says it has 2"),
        ],
    )
    def test_refuses_a_damaged_block(self, block: bytes, problem: str) -> None:
        with pytest.raises(CheckpointFormatError, match=problem):
            content(block)

    @given(st.binary(max_size=100))
    def test_of_any_bytes_ends_within_the_limit(self, block: bytes) -> None:
        with contextlib.suppress(CheckpointFormatError):
            assert len(content(block)) <= MAX_BYTES
