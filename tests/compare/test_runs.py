from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from observed_hooks.compare.repeat import EventFields
from observed_hooks.compare.result import Figure, Row
from observed_hooks.compare.runs import compare_runs
from observed_hooks.errors import ConfigurationError
from observed_hooks.events import CheckpointRestored, Event
from tests.compare.examples import MIB, RUN_ENDED, RUN_STARTED, buffer, fields, node, sampled, saved, state

SHUFFLE = sampled(buffer(elements=9000, size_bytes=900_000, capacity=10_000), buffer("Prefetch", capacity=None))


def write(path: Path, published: Sequence[EventFields]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(event)}\n" for event in published), encoding="utf-8")


def training(directory: Path, *published: Event, run: str = "digits", task: str = "", seconds: float = 600.0) -> Path:
    """Write what a training published, one event in so many seconds; a worker's in a directory of its own."""
    events = [
        fields(event, run=run, task=task or "worker-0", seconds=place * seconds)
        for place, event in enumerate(published)
    ]
    write(directory / "observed_hooks" / task / "events.jsonl", events)
    return directory


def only_row(*directories: Path) -> Row:
    (row,) = compare_runs(directories).rows
    return row


class TestFigures:
    def test_are_medians_with_the_spread_over_the_saves_of_the_run(self, tmp_path: Path) -> None:
        saves = [saved(step, size * MIB) for step, size in ((0, 9), (1, 3), (2, 1), (3, 2))]

        row = only_row(training(tmp_path, RUN_STARTED, *saves, saved(3, 50 * MIB, kind="model")))

        assert row.figures["checkpoint_bytes"] == Figure(2 * MIB, MIB, 3 * MIB, 3)
        assert row.figures["save_stall_seconds"] == Figure(0.25, 0.25, 0.25, 3)

    def test_tell_of_buffers_and_saved_state_what_was_seen(self, tmp_path: Path) -> None:
        row = only_row(training(tmp_path, RUN_STARTED, SHUFFLE, state(node("Shuffle", 9000, 450_000))))

        assert row.median("buffer_elements") == 9000
        assert row.median("buffer_bytes") == 900_000
        assert row.median("checkpoint_bytes_per_element") == 50.0

    def test_leave_out_what_only_a_comparison_measures(self, tmp_path: Path) -> None:
        row = only_row(training(tmp_path, RUN_STARTED, saved(1), saved(2), SHUFFLE, RUN_ENDED))

        unknown = {"examples_per_second", "memory_bytes", "fill_seconds", "mixing", "peak_bytes"}
        assert not unknown & row.figures.keys()

    def test_written_in_an_hour_come_from_the_bytes_and_times_of_saves(self, tmp_path: Path) -> None:
        saves = (saved(1, 9 * MIB), saved(2, MIB), saved(3, 3 * MIB))

        row = only_row(training(tmp_path, RUN_STARTED, *saves, seconds=600.0))

        assert row.figures["checkpoint_bytes_per_hour"] == Figure(12 * MIB, 6 * MIB, 18 * MIB, 2)

    def test_written_in_an_hour_do_not_count_the_pause_before_a_restart(self, tmp_path: Path) -> None:
        published: tuple[tuple[float, Event], ...] = (
            *((0.0, RUN_STARTED), (10.0, saved(1))),
            *((9e5, RUN_STARTED), (9e5 + 60, saved(2)), (9e5 + 3660, saved(3, MIB))),
        )
        write(tmp_path / "events.jsonl", [fields(event, seconds=seconds) for seconds, event in published])

        assert only_row(tmp_path / "events.jsonl").figures["checkpoint_bytes_per_hour"] == Figure(MIB, MIB, MIB, 1)

    def test_of_a_single_save_have_no_bytes_in_an_hour(self, tmp_path: Path) -> None:
        assert only_row(training(tmp_path, RUN_STARTED, saved(1))).median("checkpoint_bytes_per_hour") is None


class TestTheBufferSize:
    def test_is_what_the_shuffles_can_hold(self, tmp_path: Path) -> None:
        both = sampled(buffer(capacity=1000), buffer("Shuffle", capacity=24), buffer("Prefetch", capacity=8))

        assert only_row(training(tmp_path, RUN_STARTED, both)).buffer_size == 1024

    def test_is_0_where_nothing_shuffles(self, tmp_path: Path) -> None:
        assert only_row(training(tmp_path, RUN_STARTED, sampled(buffer("Prefetch")))).buffer_size == 0

    @pytest.mark.parametrize(
        "sample",
        [
            sampled(buffer(capacity=None)),
            sampled(buffer("Prefetch", elements=None, size_bytes=None)),
            sampled(buffer("Prefetch"), buffer("other", capacity=None)),
        ],
        ids=["not fixed", "not told", "among the rest"],
    )
    def test_is_none_where_it_cannot_be_seen(self, tmp_path: Path, sample: Event) -> None:
        assert only_row(training(tmp_path, RUN_STARTED, sample)).buffer_size is None

    def test_that_changed_is_the_newest_and_remarked(self, tmp_path: Path) -> None:
        sizes = [sampled(buffer(capacity=each)) for each in (1000, 10_000, 1000)]

        row = only_row(training(tmp_path, RUN_STARTED, *sizes))

        assert row.buffer_size == 1000
        assert "the buffer's size changed (10,000, 1,000): the figures are of all of them" in row.remarks


class TestRemarks:
    def test_say_that_a_run_has_ended(self, tmp_path: Path) -> None:
        result = compare_runs([training(tmp_path, RUN_STARTED, saved(1), RUN_ENDED)])

        assert result.rows[0].remarks == ("ended",)
        assert result.complete

    @pytest.mark.parametrize(
        "published", [(RUN_STARTED, saved(1)), (RUN_STARTED, RUN_ENDED, RUN_STARTED, saved(1))], ids=["new", "again"]
    )
    def test_say_that_a_run_may_be_running_and_when_it_was_last_heard_of(
        self, tmp_path: Path, published: tuple[Event, ...]
    ) -> None:
        result = compare_runs([training(tmp_path, *published, seconds=0.0)])

        assert result.rows[0].remarks == ("running, or killed: its newest event is of 2023-11-14T22:13:20+00:00",)
        assert not result.complete

    def test_say_that_no_input_pipeline_was_saved(self, tmp_path: Path) -> None:
        row = only_row(training(tmp_path, RUN_STARTED, saved(1, kind="model"), RUN_ENDED))

        assert row.remarks == ("ended", "no save of the input pipeline was seen")
        assert not row.failed

    def test_tell_how_long_restores_took(self, tmp_path: Path) -> None:
        restores = [
            CheckpointRestored(kind="input_pipeline", step=1, model_step=1, prefix="", duration_seconds=each)
            for each in (0.5, 1.5, None)
        ]

        row = only_row(training(tmp_path, RUN_STARTED, saved(1), *restores, RUN_ENDED))

        assert row.remarks[1] == "restores of the input pipeline took 1.00 s, the median of 2, without the first batch"
        assert row.median("resume_seconds") is None


class TestWhichRuns:
    def test_are_those_of_every_directory_in_their_order(self, tmp_path: Path) -> None:
        one = training(tmp_path / "one", RUN_STARTED, run="small")
        other = training(tmp_path / "other", RUN_STARTED, run="large")

        result = compare_runs([other, one, f"{other}/"])

        assert [row.name for row in result.rows] == ["large", "small"]
        assert result.subject == "2 runs"
        assert result.settings["runs"] == f"{other}, {one}"

    def test_have_a_row_for_each_worker(self, tmp_path: Path) -> None:
        for task in ("chief-0", "worker-0"):
            training(tmp_path, RUN_STARTED, task=task)

        assert [row.name for row in compare_runs([tmp_path]).rows] == ["digits chief-0", "digits worker-0"]

    def test_of_one_name_are_told_apart_by_their_directories(self, tmp_path: Path) -> None:
        both = [training(tmp_path / each, RUN_STARTED) for each in ("a", "b")]

        assert [row.name for row in compare_runs(both).rows] == [f"digits ({each})" for each in both]

    def test_may_be_given_as_a_file(self, tmp_path: Path) -> None:
        training(tmp_path, RUN_STARTED)

        assert only_row(tmp_path / "observed_hooks" / "events.jsonl").name == "digits"

    def test_may_lie_in_a_directory_whose_name_looks_like_a_pattern(self, tmp_path: Path) -> None:
        assert only_row(training(tmp_path / "lr[0]*", RUN_STARTED)).name == "digits"

    def test_that_is_being_written_is_read_as_far_as_it_goes(self, tmp_path: Path) -> None:
        training(tmp_path, RUN_STARTED, saved(1))
        with (tmp_path / "observed_hooks" / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"time_seconds": 1700000')

        assert only_row(tmp_path).figures["checkpoint_bytes"].repeats == 1


class TestTheResult:
    def test_is_dated_by_its_newest_event(self, tmp_path: Path) -> None:
        assert (
            compare_runs([training(tmp_path, RUN_STARTED, saved(1), seconds=60.0)]).date == "2023-11-14T22:14:20+00:00"
        )

    def test_says_what_its_spread_is_and_knows_no_machine(self, tmp_path: Path) -> None:
        result = compare_runs([training(tmp_path, RUN_STARTED, saved(1))])

        assert str(result.settings["spread"]).startswith("lowest to highest of the saves")
        assert result.machine is None
        assert result.recommendation is None


class TestBadInput:
    def test_of_no_directory_at_all(self) -> None:
        with pytest.raises(ConfigurationError, match="at least one directory of a training, got none"):
            compare_runs([])

    @pytest.mark.parametrize("name", ["empty", "missing"])
    def test_of_a_directory_without_events_names_what_was_looked_for(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "empty").mkdir()

        with pytest.raises(ConfigurationError) as caught:
            compare_runs([tmp_path / name])

        assert str(tmp_path / name / "observed_hooks" / "events.jsonl") in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_of_a_file_without_events(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("nothing\n", encoding="utf-8")

        with pytest.raises(ConfigurationError, match=r"the events in .*notes\.txt are empty"):
            compare_runs([tmp_path / "notes.txt"])
