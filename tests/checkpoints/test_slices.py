from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.checkpoints.slices import FULL, slice_key

extents = st.lists(st.tuples(st.integers(0, 2**62), st.integers(-1, 2**62)), max_size=4)


class TestSliceKey:
    def test_is_the_key_that_tensorflow_writes(self) -> None:
        assert slice_key(b"ab", [(0, 64), (3, FULL)]) == b"\x00ab\x00\x01\x01\x02\x80\xc0\x40\x83\x7f"

    @given(st.binary(max_size=5), extents, st.binary(max_size=5), extents)
    def test_is_different_for_every_slice(
        self, name: bytes, own: list[tuple[int, int]], other_name: bytes, other: list[tuple[int, int]]
    ) -> None:
        same = (name, own) == (other_name, other)
        assert (slice_key(name, own) == slice_key(other_name, other)) == same

    @given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
    def test_sorts_as_the_numbers_in_it(self, one: int, two: int) -> None:
        assert (slice_key(b"a", [(one, FULL)]) < slice_key(b"a", [(two, FULL)])) == (one < two)
