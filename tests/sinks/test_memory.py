from __future__ import annotations

import pytest

from observed_hooks.errors import SinkError
from observed_hooks.events import CheckpointSaved, RestoreFailed
from observed_hooks.sinks.memory import MemorySink
from tests.sinks.examples import RECORDS, record, saved


class TestMemorySink:
    def test_keeps_every_record_in_order(self) -> None:
        sink = MemorySink()
        for example in RECORDS:
            sink.write(example)
        assert sink.records == list(RECORDS)

    def test_hands_out_a_copy(self) -> None:
        sink = MemorySink()
        before = sink.records
        sink.write(record(saved()))
        assert before == []

    def test_picks_events_by_type(self) -> None:
        sink = MemorySink()
        for example in RECORDS:
            sink.write(example)
        assert sink.events(CheckpointSaved) == [saved(), saved(kind="input_pipeline", seconds=0.5)]
        assert len(sink.events(RestoreFailed)) == 1

    def test_forgets_the_oldest_when_it_may_not_grow(self) -> None:
        sink = MemorySink(max_records=2)
        for step in (1, 2, 3):
            sink.write(record(saved(step)))
        assert [event.step for event in sink.events(CheckpointSaved)] == [2, 3]

    def test_stays_readable_after_close(self) -> None:
        sink = MemorySink()
        sink.write(record(saved()))
        sink.close()
        assert len(sink.records) == 1

    @pytest.mark.parametrize("size", [0, -1])
    def test_refuses_to_remember_nothing(self, size: int) -> None:
        with pytest.raises(SinkError, match=f"got {size}"):
            MemorySink(max_records=size)
