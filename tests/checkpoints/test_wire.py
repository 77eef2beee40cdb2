from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.checkpoints.wire import Span
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.tables import field, varint


def span(data: bytes, offset: int = 1000) -> Span:
    return Span("model.index", offset, data)


class TestVarint:
    @given(st.integers(0, 2**64 - 1), st.binary(max_size=5))
    def test_is_read_as_it_was_written(self, number: int, rest: bytes) -> None:
        written = varint(number)
        assert span(written + rest).varint(0, "a number") == (number, len(written))

    @pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 11])
    def test_that_does_not_end_is_refused_with_its_offset(self, data: bytes) -> None:
        with pytest.raises(CheckpointFormatError, match="byte 1000: a length is a varint") as caught:
            span(data).varint(0, "a length")
        assert caught.value.offset == 1000

    def test_of_more_than_64_bits_keeps_the_low_64(self) -> None:
        assert span(b"\xff" * 9 + b"\x7f").varint(0, "a number") == (2**64 - 1, 10)


class TestMessage:
    def test_yields_fields_in_order_with_their_positions(self) -> None:
        fields = list(span(field(1, 300) + field(2, b"ab")).message())
        assert fields == [(1, 0, 300), (2, 3, Span("model.index", 1005, b"ab"))]

    def test_reads_fixed_fields(self) -> None:
        data = b"\x35\x01\x02\x03\x04" + b"\x39" + bytes(7) + b"\x80"
        assert [value for _, _, value in span(data).message()] == [0x04030201, 0x80 << 56]

    def test_refuses_bytes_longer_than_what_is_left(self) -> None:
        with pytest.raises(CheckpointFormatError, match=r"byte 1002: field 2 should take 9 bytes, but 2 are left"):
            list(span(b"\x12\x09ab").message())

    def test_refuses_groups(self) -> None:
        with pytest.raises(CheckpointFormatError, match="wire type 3"):
            list(span(b"\x0b").message())

    @given(st.binary(max_size=60))
    def test_of_any_bytes_ends_or_is_refused_with_an_offset_inside_them(self, data: bytes) -> None:
        offset = 1000
        try:
            list(span(data).message())
        except CheckpointFormatError as error:
            offset = error.offset
        assert 1000 <= offset <= 1000 + len(data)


class TestInteger:
    @pytest.mark.parametrize(("value", "integer"), [(0, 0), (2**63 - 1, 2**63 - 1), (2**64 - 1, -1)])
    def test_is_signed(self, value: int, integer: int) -> None:
        assert span(b"").integer(0, value) == integer

    def test_refuses_bytes(self) -> None:
        with pytest.raises(CheckpointFormatError, match="a number was expected"):
            span(b"").integer(0, span(b""))


class TestNested:
    def test_refuses_a_number(self) -> None:
        with pytest.raises(CheckpointFormatError, match="a message or a string was expected"):
            span(b"").nested(0, 7)
