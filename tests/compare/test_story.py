from __future__ import annotations

from pathlib import Path

import pytest

from observed_hooks.compare import measures as m
from observed_hooks.compare.story import PEAK_BYTES, observations_of, read_events, remarks_of, values_of
from observed_hooks.errors import ConfigurationError
from observed_hooks.events import Event, FirstBatchRead, InputRead, MemoryPeaked, Record, SaveFailed
from observed_hooks.sinks.jsonl import JsonlSink
from tests.compare.examples import MIB, RUN_STARTED, buffer, events, fields, mixed, node, sampled, saved, state


def values(*published: Event) -> dict[str, float]:
    return values_of(fields(event) for event in published)


class TestReadingEvents:
    def test_returns_what_the_sink_wrote_in_its_order(self, tmp_path: Path) -> None:
        path = tmp_path / "events.jsonl"
        for event in (RUN_STARTED, saved(100)):
            JsonlSink(path).write(Record(run="shuffle-10k", task="worker-0", time_seconds=1.7e9, event=event))

        assert read_events(path) == (fields(RUN_STARTED), fields(saved(100)))

    @pytest.mark.parametrize(
        "torn",
        [
            *('{"event": "CheckpointSaved", "st', '"event"\n', "{}\n", "\udcff"),
            *('{"event": "RunEnded"}\n', '{"event": "Unheard", "run": "a", "task": "b", "time_seconds": 1}\n'),
            '{"event": "CheckpointSaved", "run": "a", "task": "b", "time_seconds": 1, "step": 5}\n',
        ],
    )
    def test_leaves_out_a_line_that_is_no_event_of_this_version(self, tmp_path: Path, torn: str) -> None:
        path = tmp_path / "events.jsonl"
        JsonlSink(path).write(Record(run="shuffle-10k", task="worker-0", time_seconds=1.7e9, event=RUN_STARTED))
        path.write_bytes(path.read_bytes() + torn.encode(errors="surrogateescape"))

        assert read_events(path) == (fields(RUN_STARTED),)

    def test_of_a_missing_file_says_what_was_expected_where(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"expected a file of events at .*none\.jsonl, there is none"):
            read_events(tmp_path / "none.jsonl")

    def test_of_a_directory_says_why_it_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
            read_events(tmp_path)


class TestSaves:
    def test_are_those_of_the_input_pipeline_after_step_0(self) -> None:
        told = values(saved(0, 7 * MIB, stall=9.0), saved(50, 9 * MIB, kind="model", stall=9.0), saved(50, MIB))

        assert told == {"checkpoint_bytes": MIB, "save_stall_seconds": 0.25, "save_seconds": 0.5}

    def test_give_the_largest_checkpoint_and_the_median_times(self) -> None:
        told = values(saved(1, 3 * MIB, stall=0.1), saved(2, 5 * MIB, stall=0.2), saved(3, 4 * MIB, stall=0.9))

        assert told == {"checkpoint_bytes": 5 * MIB, "save_stall_seconds": 0.2, "save_seconds": 0.4}

    def test_of_which_nothing_was_seen_but_that_they_happened_say_nothing(self) -> None:
        assert values(saved(1, None, stall=None)) == {}


class TestReading:
    def test_tells_a_first_batch_from_one_after_a_restore(self) -> None:
        told = values(
            FirstBatchRead(step=1, resumed=False, duration_seconds=1.0),
            *(FirstBatchRead(step=9, resumed=True, duration_seconds=each) for each in (2.0, 3.0, 9.0)),
        )

        assert told == {"first_batch_seconds": 1.0, "resume_seconds": 3.0}

    def test_divides_all_examples_by_all_seconds(self) -> None:
        told = values(
            InputRead(step=10, examples=100, duration_seconds=1.0),
            InputRead(step=20, examples=900, duration_seconds=3.0),
        )

        assert told == {"examples_per_second": 250.0}

    def test_that_took_no_time_has_no_throughput(self) -> None:
        assert values(InputRead(step=10, examples=0, duration_seconds=0.0)) == {}

    def test_tells_the_highest_peak_of_memory(self) -> None:
        assert values(MemoryPeaked(step=1, peak_bytes=7), MemoryPeaked(step=2, peak_bytes=9)) == {PEAK_BYTES: 9}


class TestBuffers:
    def test_of_all_shuffles_count_together_at_their_fullest(self) -> None:
        told = values(
            sampled(buffer(elements=10, size_bytes=1000), buffer("BatchShuffle", elements=5, size_bytes=100)),
            sampled(buffer(elements=12, size_bytes=900), buffer("Prefetch", elements=500, size_bytes=50_000)),
        )

        assert told == {"buffer_elements": 15, "buffer_bytes": 1100}

    def test_without_a_shuffle_hold_nothing(self) -> None:
        assert values(sampled(buffer("Prefetch"))) == {"buffer_elements": 0, "buffer_bytes": 0}

    @pytest.mark.parametrize(
        "known", [(buffer(elements=None, size_bytes=None),), (buffer("Prefetch", elements=None, size_bytes=None),), ()]
    )
    def test_are_not_known_where_tensorflow_does_not_tell(self, known: tuple[()]) -> None:
        assert values(sampled(*known)) == {}

    def test_that_are_not_known_are_remarked_once(self) -> None:
        blind = fields(sampled(buffer(elements=None, size_bytes=None)))

        (remark,) = remarks_of([blind, blind])

        assert remark.startswith("live buffers: TensorFlow does not tell")

    def test_that_are_known_need_no_remark(self) -> None:
        assert remarks_of(events()) == ()


class TestSavedState:
    def test_divides_the_bytes_of_shuffles_by_their_elements(self) -> None:
        told = values(state(node("Shuffle", 10, 4000), node("Shuffle", 30, 4000), node("Prefetch", 2, 10**6)))

        assert told == {"checkpoint_bytes_per_element": 200.0}

    @pytest.mark.parametrize(
        "event",
        [
            state(node("Shuffle", 10, 4000), step=0),
            state(node("Shuffle", 0, 100)),
            state(node("Shuffle", None, 100)),
            state(),
        ],
        ids=["at step 0", "empty", "not told", "left out"],
    )
    def test_without_elements_says_nothing(self, event: Event) -> None:
        assert values(event) == {}

    def test_that_was_left_out_is_remarked(self) -> None:
        assert remarks_of([fields(state(left_out="too large to look at"))]) == (
            "bytes per element: too large to look at",
        )


class TestMixing:
    def test_is_the_mean_of_its_three_parts(self) -> None:
        assert values(mixed(0.2, 0.5, 0.8)) == pytest.approx(
            {"mixing_displacement": 0.2, "mixing_neighbours": 0.5, "mixing_labels": 0.8, "mixing": 0.5}
        )

    def test_is_the_mean_of_those_that_are_known_and_says_why_one_is_not(self) -> None:
        event = mixed(0.2, 0.6, None, "the examples have no labels")

        assert values(event) == pytest.approx({"mixing_displacement": 0.2, "mixing_neighbours": 0.6, "mixing": 0.4})
        assert remarks_of([fields(event)]) == ("mixing: the examples have no labels",)

    def test_is_not_known_when_none_is(self) -> None:
        assert values(mixed(None, None, None, "it yields no index")) == {}


class TestTheStory:
    def test_tells_every_measure_that_one_process_can_know(self) -> None:
        against_others = {m.FILL.name, m.MEMORY.name, m.WRITTEN_PER_HOUR.name}

        assert values_of(events()).keys() == {each.name for each in m.MEASURES} - against_others | {PEAK_BYTES}

    def test_of_nothing_is_empty(self) -> None:
        assert values_of([]) == {}
        assert remarks_of([]) == ()

    def test_keeps_single_observations_in_their_order(self) -> None:
        found = observations_of([fields(saved(1, 3 * MIB)), fields(saved(2, 2 * MIB))])

        assert found["checkpoint_bytes"] == (3 * MIB, 2 * MIB)

    def test_names_a_save_that_failed(self) -> None:
        failed = SaveFailed(
            kind="input_pipeline", step=9, duration_seconds=0.1, stall_seconds=0.1, error="OSError: disk full"
        )

        assert remarks_of([fields(failed)]) == ("a save failed: OSError: disk full",)
