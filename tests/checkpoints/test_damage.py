"""Files that anything may have happened to: an answer or a clear refusal, within little memory."""

from __future__ import annotations

import contextlib
import shutil
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from observed_hooks.checkpoints.bundle import Bundle, read_index
from observed_hooks.checkpoints.iterator_state import iterator_state, iterator_state_of
from observed_hooks.checkpoints.verification import verify
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.saves import save_object, taken
from tests.checkpoints.tables import field, table, trailed, varint, write_index

MIB = 1 << 20

mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "repeat", "swap"]),
        st.integers(0, 1 << 20),
        st.binary(min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=4,
)
relaxed = settings(deadline=None, max_examples=150)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, new in changes:
        at = place % (len(data) + 1)
        data = {
            "flip": data[:at] + bytes(old ^ byte for old, byte in zip(data[at:], new, strict=False)) + data[at + 4 :],
            "cut": data[:at],
            "insert": data[:at] + new + data[at:],
            "repeat": data[:at] + data[max(at - 50, 0) :],
            "swap": data[at:] + data[:at],
        }[kind]
    return data


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pipeline = tf.data.Dataset.range(99).map(lambda x: tf.fill([20], x)).shuffle(9).batch(2).prefetch(2)
    return save_object(
        tmp_path_factory.mktemp("sound"),
        iterator=taken(pipeline, 1),
        strings=tf.Variable(["a", "b"]),
        numbers=tf.Variable(tf.zeros([30, 20])),
    )


def read_everything(prefix: Path) -> None:
    """Read all that can be read; whatever is wrong must be a refusal that names the file and a place in it."""
    with contextlib.suppress(FileNotFoundError):
        try:
            for _ in verify(read_index(prefix)):
                pass
            iterator_state(prefix)
        except CheckpointFormatError as error:
            refused = error
        else:
            return
        assert 0 <= refused.offset <= 2 * MIB
        assert Path(refused.path).name.startswith(prefix.name)


class TestDamagedFiles:
    @relaxed
    @given(changes=mutations, suffix=st.sampled_from(["index", "data-00000-of-00001"]))
    def test_are_read_or_refused(
        self, prefix: Path, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, bytes]], suffix: str
    ) -> None:
        copy = tmp_path_factory.mktemp("damaged") / prefix.name
        for file in prefix.parent.glob(f"{prefix.name}.*"):
            shutil.copy(file, copy.parent)
        damaged = Path(f"{copy}.{suffix}")
        damaged.write_bytes(mutated(damaged.read_bytes(), changes))
        read_everything(copy)

    @relaxed
    @given(changes=mutations)
    def test_are_read_or_refused_when_their_checksums_are_right(
        self, prefix: Path, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, bytes]]
    ) -> None:
        copy = tmp_path_factory.mktemp("forged") / prefix.name
        shutil.copy(f"{prefix}.data-00000-of-00001", copy.parent)
        index = Path(f"{prefix}.index").read_bytes()
        footer_at = len(index) - 48
        # The data block is the first; the metaindex and the index block, 8 and about 20 bytes, follow it.
        size = next(size for size in range(footer_at) if index[: size + 5] == trailed(index[:size], index[size]))
        Path(f"{copy}.index").write_bytes(table(trailed(mutated(index[:size], changes))))
        read_everything(copy)

    @relaxed
    @given(data=st.binary(max_size=200))
    def test_of_any_content_are_read_or_refused(self, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
        directory = tmp_path_factory.mktemp("random")
        (directory / "made.index").write_bytes(data)
        with pytest.raises(CheckpointFormatError):
            read_index(directory / "made")

    @relaxed
    @given(block=st.binary(max_size=200))
    def test_with_any_block_are_read_or_refused(self, tmp_path_factory: pytest.TempPathFactory, block: bytes) -> None:
        directory = tmp_path_factory.mktemp("random")
        (directory / "made.index").write_bytes(table(trailed(block + struct.pack("<II", 0, 1))))
        read_everything(directory / "made")


def peak_bytes(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def large(tmp_path: Path) -> Bundle:
    """A checkpoint of 64 MiB: an iterator with 63 elements of a mebibyte, and zeros."""
    proto = field(1, b"tensorflow::Iterator") + field(2, b"Iterator::Root::Shuffle:buffer::1@@component[0]")
    start = varint(MIB - 7) + proto
    with (tmp_path / "made.data-00000-of-00001").open("wb") as data:
        data.truncate(64 * MIB)
        for number in range(63):
            data.seek(number * MIB)
            data.write(start + varint(3 << 3 | 2) + varint(MIB - 7 - len(proto) - 4))
    state = field(1, 21) + field(2, field(2, field(1, 63))) + field(5, 63 * MIB)
    zeros = field(1, 4) + field(2, field(2, field(1, MIB))) + field(4, 63 * MIB) + field(5, MIB)
    return read_index(write_index(tmp_path, [(b"it", state), (b"zeros", zeros)]))


class TestMemory:
    def test_that_reading_an_iterator_takes_is_small(self, large: Bundle) -> None:
        assert peak_bytes(lambda: iterator_state_of(large)) < MIB // 2

    def test_that_verifying_takes_is_a_few_chunks(self, large: Bundle) -> None:
        list(verify(large))  # numpy and its tables are loaded once
        assert peak_bytes(lambda: list(verify(large))) < 8 * MIB

    @pytest.mark.parametrize("length", [1 << 31, 1 << 40, (1 << 63) - 1])
    def test_is_not_asked_for_by_a_length_beyond_the_file(self, tmp_path: Path, length: int) -> None:
        (tmp_path / "made.data-00000-of-00001").write_bytes(varint(length) + bytes(100))
        shape = field(2, field(2, field(1, length)))
        for dtype in (1, 7, 21):
            prefix = write_index(tmp_path, [(b"a", field(1, dtype) + shape + field(5, length))])
            assert peak_bytes(lambda: list(verify(read_index(prefix)))) < MIB  # noqa: B023 - called at once
            with contextlib.suppress(CheckpointFormatError):
                assert peak_bytes(lambda: iterator_state(prefix)) < MIB  # noqa: B023
