from __future__ import annotations

import struct
from pathlib import Path

import pytest

from observed_hooks.checkpoints import table as tables
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.tables import block, handle, pair, table, trailed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.index"


def read(path: Path, content: bytes) -> list[tuple[bytes, bytes]]:
    path.write_bytes(content)
    return [(key, value.data) for key, value in tables.pairs(str(path))]


class TestPairs:
    def test_are_read_with_the_prefix_that_keys_share(self, path: Path) -> None:
        content = table(block([pair(b"layer/a", b"1"), pair(b"b", b"2", shared=6)]))
        assert read(path, content) == [(b"layer/a", b"1"), (b"layer/b", b"2")]

    def test_of_an_empty_table_are_none(self, path: Path) -> None:
        assert read(path, table(block([]))) == []

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "byte 0: a file of 0 bytes"),
            (bytes(47), "byte 0: a file of 47 bytes"),
            (bytes(48), "byte 40: not the index of a V2 checkpoint"),
            (table(block([]), data_handle=handle(0, 1 << 40)), "reaches beyond the end of the file"),
            (table(block([]), data_handle=b"\x80"), "a block's offset is a varint that does not end"),
            (table(block([], compression=1)), "byte 8: a block compressed with snappy"),
            (table(block([], compression=7)), "byte 8: a block compressed with method 7"),
            (table(trailed(b"abc")), "byte 0: a block of 3 bytes has no room"),
            (table(block([], restarts=1000)), "byte 4: 1000 restart points do not fit"),
            (table(block([pair(b"b", b""), pair(b"a", b"")])), "key b'a' is not greater than"),
            (table(block([pair(b"a", b""), pair(b"a", b"")])), "key b'a' is not greater than"),
            (table(block([pair(b"a", b"", shared=1)])), "byte 0: a key shares 1 bytes with the one before"),
            (table(block([b"\x00\xff\xff\xff\x7f\x00"])), r"byte 0: a key of \d+ bytes; at most 65536"),
            (table(block([b"\x00\x01\xff\xff\xff\x7fa"])), "byte 0: a pair of 1 and 268435455 bytes reaches"),
        ],
    )
    def test_of_a_damaged_table_are_refused_with_file_and_offset(
        self, path: Path, content: bytes, problem: str
    ) -> None:
        with pytest.raises(CheckpointFormatError, match=problem) as caught:
            read(path, content)
        assert caught.value.path == str(path)

    def test_of_a_block_with_a_wrong_checksum_are_refused(self, path: Path) -> None:
        content = bytearray(table(block([pair(b"a", b"1")])))
        content[4] ^= 1
        with pytest.raises(CheckpointFormatError, match="byte 0: checksum of the block of 13 bytes"):
            read(path, bytes(content))

    def test_stop_before_shared_prefixes_multiply_beyond_any_memory(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tables, "MAX_KEYS_BYTES", 10_000)
        long = pair(b"k" * 1000, b"")
        longer = (pair(b"k", b"", shared=1000 + more) for more in range(100))
        with pytest.raises(CheckpointFormatError, match="the keys of the table take more than 10000 bytes"):
            read(path, table(block([long, *longer])))

    def test_of_a_file_too_large_for_an_index_are_not_read(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tables, "MAX_TABLE_BYTES", 50)
        with pytest.raises(CheckpointFormatError, match="at most 50 are read"):
            read(path, table(block([pair(b"a", b"1")])))

    def test_of_a_file_that_is_not_there_are_an_os_error(self, path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            list(tables.pairs(str(path)))

    def test_end_where_the_footer_points_outside_the_file(self, path: Path) -> None:
        footer = (handle(0, 0) + handle(1 << 50, 1 << 50)).ljust(40, b"\x00") + struct.pack("<Q", tables._MAGIC)
        with pytest.raises(CheckpointFormatError, match="reaches beyond the end"):
            read(path, footer)
