from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from observed_hooks.compare.replay import record_of
from observed_hooks.events import Record
from observed_hooks.sinks.jsonl import JsonlSink, read_jsonl
from tests.sinks.examples import RECORDS


class TestARecordOutOfAFile:
    @pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record.event).__name__)
    def test_is_the_one_that_was_written_under_another_run(self, tmp_path: Path, record: Record) -> None:
        JsonlSink(tmp_path / "events.jsonl").write(record)
        (fields,) = read_jsonl(tmp_path / "events.jsonl")

        assert record_of(fields, run="shuffle-10k") == replace(record, run="shuffle-10k")

    @pytest.mark.parametrize(
        "text",
        [
            '{"event": "Invented", "task": "worker-0", "time_seconds": 1.0}',
            '{"event": "InputRead", "task": "worker-0", "time_seconds": 1.0, "step": 3}',
            '{"event": "InputRead"}',
            '{"event": ["InputRead"]}',
            "{}",
        ],
    )
    def test_is_none_when_another_version_wrote_it(self, text: str) -> None:
        assert record_of(json.loads(text), run="shuffle-10k") is None
