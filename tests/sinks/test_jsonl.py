from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.sinks.jsonl import JsonlSink, json_line, read_jsonl
from tests.sinks.examples import RECORDS, record, saved
from tests.sinks.limits import run_with_small_files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "observed_hooks" / "events.jsonl"


def steps(path: Path) -> list[int]:
    return [fields["step"] for fields in read_jsonl(path)]


class TestJsonlSink:
    @pytest.mark.parametrize("example", RECORDS, ids=lambda example: type(example.event).__name__)
    def test_writes_a_record_as_one_line_that_reads_back_equal(self, path: Path, example: Record) -> None:
        JsonlSink(path).write(example)
        as_lists = json.loads(json.dumps(example.as_dict()))
        assert list(read_jsonl(path)) == [as_lists]
        assert path.read_bytes().count(b"\n") == 1

    def test_makes_nothing_before_the_first_record(self, path: Path) -> None:
        JsonlSink(path).close()
        assert not path.parent.exists()

    def test_has_a_record_on_disk_when_write_returns(self, path: Path) -> None:
        sink = JsonlSink(path)
        sink.write(record(saved(1)))
        assert steps(path) == [1]

    def test_appends_to_what_an_earlier_run_wrote(self, path: Path) -> None:
        for step in (1, 2):
            sink = JsonlSink(path)
            sink.write(record(saved(step)))
            sink.close()
        assert steps(path) == [1, 2]

    @pytest.mark.parametrize("kept", [1, 40, -1])
    def test_starts_a_fresh_line_after_one_that_a_killed_process_left_torn(self, path: Path, kept: int) -> None:
        JsonlSink(path).write(record(saved(1)))
        whole = path.read_bytes()
        path.write_bytes(whole + whole.rstrip(b"\n")[:kept])
        JsonlSink(path).write(record(saved(2)))
        assert steps(path) == [1, 2]

    def test_keeps_a_record_that_lacks_nothing_but_its_newline(self, path: Path) -> None:
        JsonlSink(path).write(record(saved(1)))
        path.write_bytes(path.read_bytes().rstrip(b"\n"))
        JsonlSink(path).write(record(saved(2)))
        assert steps(path) == [1, 2]

    def test_goes_on_when_its_directory_was_removed(self, path: Path) -> None:
        sink = JsonlSink(path)
        sink.write(record(saved(1)))
        shutil.rmtree(path.parent)
        sink.write(record(saved(2)))
        assert steps(path) == [2]

    def test_goes_on_in_a_new_file_when_the_old_one_was_rotated_away(self, path: Path) -> None:
        sink = JsonlSink(path)
        sink.write(record(saved(1)))
        path.rename(path.with_suffix(".1"))
        sink.write(record(saved(2)))
        assert steps(path) == [2]

    def test_raises_on_a_full_disk_and_goes_on_when_there_is_room_again(self, path: Path) -> None:
        said = run_with_small_files(
            f"""
            from observed_hooks.sinks.jsonl import JsonlSink
            sink = JsonlSink({str(path)!r})
            """
        )
        assert said == "OSError 0"
        assert steps(path)[-1] == 999

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
    def test_writes_null_for_numbers_that_json_does_not_know(self, path: Path, bad: float) -> None:
        JsonlSink(path).write(record(saved(1, seconds=bad)))
        (fields,) = read_jsonl(path)
        assert fields["duration_seconds"] is None
        assert fields["stall_seconds"] == 0.25

    def test_refuses_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(SinkError, match="is a directory"):
            JsonlSink(tmp_path)

    def test_refuses_a_path_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SinkError, match="is a file, not a directory"):
            JsonlSink(tmp_path / "file" / "deeper" / "events.jsonl")

    def test_refuses_a_remote_path_rather_than_making_a_directory_of_that_name(self) -> None:
        with pytest.raises(SinkError, match="is remote"):
            JsonlSink("gs://bucket/events.jsonl")


class TestReadJsonl:
    @pytest.mark.parametrize("torn", [b"{", b'{"step": 2', b'{"run": "\xc3', b"17", b""])
    def test_skips_a_torn_line(self, tmp_path: Path, torn: bytes) -> None:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b'{"step": 1}\n' + torn + b'\n{"step": 3}\n' + torn)
        assert steps(path) == [1, 3]

    def test_says_so_when_there_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            list(read_jsonl(tmp_path / "absent.jsonl"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(fields=st.dictionaries(st.text(), VALUES))
def test_any_line_is_one_line_of_strict_json(fields: dict[str, Any]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    line = json_line(fields)
    assert line.count(b"\n") == 1
    assert set(json.loads(line, parse_constant=refuse)) == set(fields)
