from __future__ import annotations

from typing import Any

import pytest

from observed_hooks.demo.report import cost_report

Line = dict[str, Any]


def line(event: str, at: float, **fields: Any) -> Line:
    """A line of events.jsonl, as far as the report reads it."""
    return {"event": event, "time_seconds": at, **fields}


def started(at: float) -> Line:
    return line("RunStarted", at)


def saved(seconds: float, *, at: float, kind: str = "model", size_bytes: int | None = 100) -> Line:
    size = None if size_bytes is None else {"data_bytes": size_bytes - 20, "index_bytes": 20, "meta_bytes": 0}
    return line("CheckpointSaved", at, kind=kind, stall_seconds=seconds, size=size)


class TestTheCostReport:
    def test_gives_median_and_worst_seconds_and_the_newest_size(self) -> None:
        lines = [started(0.0), *(saved(seconds, at=10.0) for seconds in (1.0, 4.0, 2.0))]

        (cost,) = cost_report([*lines, saved(2.0, at=20.0, size_bytes=500)]).costs

        assert (cost.kind, cost.saves, cost.newest_bytes) == ("model", 4, 500)
        assert (cost.median_stall_seconds, cost.worst_stall_seconds) == (2.0, 4.0)

    def test_keeps_the_kinds_apart(self) -> None:
        model, input_pipeline = cost_report(
            [started(0.0), saved(3.0, at=4.0), saved(1.0, at=10.0, kind="input_pipeline")]
        ).costs

        assert (model.kind, input_pipeline.kind) == ("model", "input_pipeline")
        assert (model.share_of_wall_time, input_pipeline.share_of_wall_time) == (0.3, 0.1)

    def test_counts_wall_time_of_each_process_and_not_the_pause_between(self) -> None:
        killed = [started(100.0), saved(1.0, at=104.0)]
        resumed = [started(1000.0), saved(1.0, at=1003.0), line("RunEnded", 1006.0)]

        report = cost_report(killed + resumed)

        assert report.wall_seconds == 10.0
        assert report.costs[0].share_of_wall_time == 0.2

    def test_counts_what_training_waited_and_not_how_long_the_pair_took(self) -> None:
        (cost,) = cost_report([started(0.0), saved(1.0, at=10.0) | {"duration_seconds": 4.0}]).costs

        assert (cost.worst_stall_seconds, cost.share_of_wall_time) == (1.0, 0.1)

    def test_counts_the_time_of_saves_that_failed(self) -> None:
        failed = line("SaveFailed", 10.0, kind="model", stall_seconds=4.0)

        (cost,) = cost_report([started(0.0), saved(1.0, at=5.0), failed]).costs

        assert (cost.saves, cost.failures, cost.worst_stall_seconds, cost.share_of_wall_time) == (1, 1, 1.0, 0.5)

    def test_says_unknown_of_a_size_that_could_not_be_measured(self) -> None:
        (cost,) = cost_report([started(0.0), saved(1.0, at=5.0, size_bytes=None)]).costs

        assert cost.newest_bytes is None

    def test_adds_up_what_watching_cost(self) -> None:
        watching = line("ObserverReport", 1.0, seconds=[["measure", 0.5], ["jsonl", 0.25]])

        assert cost_report([started(0.0), watching, watching]).observer_seconds == pytest.approx(1.5)

    def test_of_nothing_is_empty(self) -> None:
        assert cost_report([]).costs == ()
