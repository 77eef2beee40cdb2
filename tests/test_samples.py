from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks import metrics as m
from observed_hooks.events import (
    CheckpointingStarted,
    CheckpointSize,
    Event,
    InputRestarted,
    IteratorStateMeasured,
    LeftoversRemoved,
    RestoreFailed,
    RunEnded,
    RunStarted,
    SaveCompleted,
    SaveFailed,
    SaveSkipped,
)
from observed_hooks.samples import Sample, renewed, samples, scalars, step_of
from tests.sinks.examples import EVENTS, RECORDS, record, restored, sampled, saved, started

SILENT = {
    SaveCompleted,  # not measured yet: sinks get a CheckpointSaved in its place
    LeftoversRemoved,  # a note for the record: what was removed is not there to be measured
}

every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)


def values(event: Event, metric: m.Metric) -> dict[tuple[str, ...], float]:
    """Return what `event` says about `metric`, by the labels beyond run and task."""
    return {
        sample.values[len(m.ORIGIN_LABELS) :]: sample.value
        for sample in samples(record(event))
        if sample.metric is metric
    }


class TestEveryEvent:
    @pytest.mark.parametrize("event_type", get_args(Event))
    def test_says_something_unless_there_is_nothing_to_measure(self, event_type: type[Any]) -> None:
        said = [list(samples(example)) for example in RECORDS if isinstance(example.event, event_type)]
        assert said
        assert all(bool(found) == (event_type not in SILENT) for found in said)

    @every_event
    def test_gives_every_label_a_value_run_and_task_first(self, event: Event) -> None:
        for sample in samples(record(event)):
            assert list(sample.labels)[:2] == ["run", "task"]
            assert sample.values[:2] == ("digits", "chief-0")
            assert all(sample.values)

    @every_event
    def test_speaks_of_each_child_once(self, event: Event) -> None:
        children = [(sample.metric.name, sample.values) for sample in samples(record(event))]
        assert len(children) == len(set(children))

    @every_event
    def test_never_lets_a_counter_fall(self, event: Event) -> None:
        for sample in samples(record(event)):
            assert sample.value >= 0 or sample.metric.type != "counter"


def test_every_metric_of_the_catalogue_is_fed_by_some_event() -> None:
    fed = {sample.metric.name for example in RECORDS for sample in samples(example)}
    assert fed == {metric.name for metric in m.CATALOGUE}


class TestStart:
    def test_of_a_run_tells_its_versions_and_that_it_is_active(self) -> None:
        event = RunStarted(version="0.1.0", tensorflow_version="2.21.0", mode="graph")
        info = next(sample for sample in samples(record(event)) if sample.metric is m.RUN_INFO)
        assert info.info == {"version": "0.1.0", "tensorflow_version": "2.21.0", "mode": "graph"}
        assert values(event, m.RUN_ACTIVE) == {(): 1}

    def test_of_checkpointing_makes_every_outcome_zero(self) -> None:
        assert values(started(), m.SAVES) == {
            ("model", "success"): 0,
            ("model", "failure"): 0,
            ("model", "skipped"): 0,
        }
        assert values(started(), m.RESTORES) == {
            ("model", "success"): 0,
            ("model", "failure"): 0,
            ("model", "restarted"): 0,
        }
        assert values(started(), m.CHECKPOINT_WRITTEN) == {("model",): 0}

    def test_of_checkpointing_lets_never_saved_be_seen(self) -> None:
        assert values(started(step=7), m.LAST_SAVE_TIMESTAMP) == {("model",): 1_700_000_000.25}
        assert values(started(step=7), m.LAST_SAVE_STEP) == {("model",): 7}

    @pytest.mark.parametrize(("seconds", "steps"), [(600.0, None), (None, 100), (None, None)])
    def test_of_checkpointing_tells_the_interval_that_is_known(self, seconds: float | None, steps: int | None) -> None:
        event = CheckpointingStarted(
            kind="model", checkpoint_dir="", step=0, interval_seconds=seconds, interval_steps=steps
        )
        assert values(event, m.SAVE_INTERVAL_SECONDS) == ({} if seconds is None else {(): seconds})
        assert values(event, m.SAVE_INTERVAL_STEPS) == ({} if steps is None else {(): steps})

    def test_and_end_of_a_run_differ(self) -> None:
        assert values(RunEnded(), m.RUN_ACTIVE) == {(): 0}


class TestSave:
    def test_counts_once_as_a_success(self) -> None:
        assert values(saved(), m.SAVES) == {("model", "success"): 1}

    def test_is_observed_and_shown_with_the_same_seconds(self) -> None:
        event = saved(seconds=1.5)
        assert values(event, m.SAVE_DURATION) == values(event, m.LAST_SAVE_DURATION) == {("model",): 1.5}
        assert values(event, m.SAVE_STALL) == values(event, m.LAST_SAVE_STALL) == {("model",): 0.25}

    def test_weighs_as_many_bytes_as_its_parts(self) -> None:
        parts, written = values(saved(), m.CHECKPOINT_SIZE), values(saved(), m.CHECKPOINT_WRITTEN)
        assert set(parts) == {("model", "data"), ("model", "index"), ("model", "meta")}
        assert sum(parts.values()) == written[("model",)] == 4 * 1024 * 1024

    def test_that_could_not_be_measured_leaves_sizes_unknown_not_zero(self) -> None:
        said = {sample.metric.name for sample in samples(record(saved(known=False)))}
        assert not [name for name in said if name.endswith(("_bytes", "_bytes_total"))]
        assert values(saved(known=False), m.SAVES) == {("model", "success"): 1}

    @pytest.mark.parametrize(
        ("event", "outcome"),
        [
            (
                SaveFailed(kind="model", step=9, duration_seconds=1, stall_seconds=1, error="OSError"),
                "failure",
            ),
            (SaveSkipped(kind="model", step=9, reason="busy"), "skipped"),
        ],
    )
    def test_that_made_no_checkpoint_counts_and_leaves_the_last_success_alone(self, event: Event, outcome: str) -> None:
        assert values(event, m.SAVES) == {("model", outcome): 1}
        assert values(event, m.GLOBAL_STEP) == {(): 9}
        assert not values(event, m.LAST_SAVE_TIMESTAMP)
        assert not values(event, m.SAVE_DURATION)


class TestRestore:
    def test_counts_by_outcome(self) -> None:
        failed = RestoreFailed(kind="model", model_step=1, prefix="", error="NotFoundError")
        assert values(restored("model"), m.RESTORES) == {("model", "success"): 1}
        assert values(failed, m.RESTORES) == {("model", "failure"): 1}

    def test_that_nobody_could_time_leaves_its_duration_unknown(self) -> None:
        assert values(restored(), m.RESTORE_DURATION) == {("input_pipeline",): 0.5}
        assert not values(restored(seconds=None), m.RESTORE_DURATION)

    def test_that_began_the_input_afresh_counts_as_restarted_and_as_far_behind_as_can_be(self) -> None:
        event = InputRestarted(model_step=100, reason="no input checkpoint")
        assert values(event, m.RESTORES) == {("input_pipeline", "restarted"): 1}
        assert values(event, m.RESTORE_STEP_SKEW) == {(): 100}

    def test_of_the_input_pipeline_tells_the_skew_and_of_the_model_does_not(self) -> None:
        assert values(restored("input_pipeline"), m.RESTORE_STEP_SKEW) == {(): 10}
        assert not values(restored("model"), m.RESTORE_STEP_SKEW)


class TestBuffers:
    def test_are_told_by_iterator_node_and_transformation(self) -> None:
        assert values(sampled("Prefetch::Shuffle"), m.BUFFER_ELEMENTS) == {
            ("train", "Prefetch::Shuffle", "Shuffle"): 9_999
        }

    def test_of_unknown_capacity_have_none_rather_than_zero(self) -> None:
        assert not values(sampled("Shuffle", capacity=None), m.BUFFER_CAPACITY)

    def test_that_do_the_same_share_a_tag_and_add_up(self) -> None:
        found = scalars(record(sampled("Zip[0]::Shuffle", "Zip[1]::Shuffle")))
        assert found["input_pipeline/Shuffle/buffer_elements"] == 2 * 9_999


class TestRenewed:
    @every_event
    def test_are_all_the_metrics_that_speak_of_nodes_or_components(self, event: Event) -> None:
        changing = {"node", "component"}
        said = {sample.metric.name for sample in samples(record(event)) if changing.intersection(sample.metric.labels)}
        if isinstance(event, IteratorStateMeasured):
            # A checkpoint knows fewer nodes than a live sample, which therefore keeps its own.
            said.discard(m.BUFFER_ELEMENTS.name)
        assert said <= {metric.name for metric in renewed(event)}


class TestScalars:
    def test_of_a_save_are_its_seconds_and_mib(self) -> None:
        assert scalars(record(saved())) == {
            "checkpoint/model/save_seconds": 1.5,
            "checkpoint/model/stall_seconds": 0.25,
            "checkpoint/model/write_seconds": 0.25,
            "checkpoint/model/size_mib": 4.0,
            "checkpoint/model/baseline_mib": 2.0,
            "checkpoint/model/retained_checkpoints": 5.0,
            "checkpoint/model/retained_mib": 20.0,
        }

    def test_are_absent_where_there_is_no_step_to_draw_them_at(self) -> None:
        for example in RECORDS:
            assert not scalars(example) or step_of(example.event) is not None

    @given(sizes=st.tuples(*[st.integers(0, 2**50)] * 3))
    def test_that_share_a_tag_add_up(self, sizes: tuple[int, int, int]) -> None:
        size = CheckpointSize(data_bytes=sizes[0], index_bytes=sizes[1], meta_bytes=sizes[2])
        found = scalars(record(replace(saved(), size=size)))["checkpoint/model/size_mib"]
        assert found == pytest.approx(size.total_bytes / m.MIB)


class TestStepOf:
    def test_a_save_is_its_own(self) -> None:
        assert step_of(saved(123)) == 123

    def test_a_restore_is_the_models(self) -> None:
        assert step_of(restored()) == 100

    def test_a_run_is_none(self) -> None:
        assert step_of(RunEnded()) is None


def test_a_sample_names_its_labels() -> None:
    sample = Sample(m.SAVES, ("digits", "chief-0", "model", "success"), 1)
    assert sample.labels == {"run": "digits", "task": "chief-0", "kind": "model", "outcome": "success"}
