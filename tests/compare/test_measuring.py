from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import tensorflow as tf

from observed_hooks.compare import measuring
from observed_hooks.compare.case import Case
from observed_hooks.compare.child import FAILED, MISUSE, reported
from observed_hooks.compare.measuring import measure
from observed_hooks.compare.memory import forget_peak, peak_bytes
from observed_hooks.compare.order import mixing_of_case, order_of
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.repeat import Repeat
from observed_hooks.compare.result import Row
from observed_hooks.compare.rows import rows_of
from observed_hooks.compare.stopwatch import Stopwatch
from observed_hooks.compare.survey import survey
from observed_hooks.errors import ConfigurationError, StateError
from observed_hooks.inspection.report import inspect
from observed_hooks.sinks.jsonl import JsonlSink, read_jsonl
from observed_hooks.testing import FakeClock

Events: TypeAlias = list[dict[str, Any]]

RECORDS, RECORD_BYTES, BATCH = 800, 500, 8
SIZES = (0, 100, 200, 400)
PREFETCHED_BYTES = 3 * BATCH * RECORD_BYTES
"""What a checkpoint may hold of batches that happen to have been read ahead, or not."""
LIVE_BUFFERS = hasattr(tf.raw_ops, "IteratorGetModelProto")


def plan_in(directory: Path, source: Source, **fields: Any) -> Plan:
    plan = Plan(
        directory=str(directory),
        source=source,
        cases=tuple(Case(size) for size in SIZES),
        repeats=1,
        batch_size=BATCH,
        save_interval_seconds=600.0,
        read_seconds=0.05,
    )
    plan = replace(plan, **fields)
    Path(plan.path).write_text(plan.to_json(), encoding="utf-8")
    return plan


def pipeline_plan(directory: Path, name: str, **fields: Any) -> Plan:
    return plan_in(directory, Source(kind="pipeline", text=f"tests.compare.pipelines:{name}"), **fields)


def events_of(plan: Plan, case: Case, number: int = 1) -> Events:
    return list(read_jsonl(Path(plan.repeat(case, number)) / "observed_hooks" / "events.jsonl"))


def of(events: Events, name: str) -> Events:
    return [each for each in events if each["event"] == name]


def saves(events: Events) -> Events:
    return [each for each in of(events, "CheckpointSaved") if each["kind"] == "input_pipeline" and each["step"]]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan over 800 records of 500 random bytes, which no compression makes smaller."""
    directory = tmp_path_factory.mktemp("records")
    random = np.random.default_rng(7)
    with tf.io.TFRecordWriter(str(directory / "a.tfrecord")) as writer:
        for _ in range(RECORDS):
            writer.write(random.bytes(RECORD_BYTES))
    plan = plan_in(directory, Source(kind="tfrecord", text=str(directory / "a.tfrecord")))
    survey(plan)
    return plan


@pytest.fixture(scope="module")
def measured(records: Plan) -> Mapping[int, Events]:
    """What was published of each buffer size."""
    for case in records.cases:
        measure(records, case, 1)
    return {case.buffer_size: events_of(records, case) for case in records.cases}


class TestARepeat:
    def test_tells_every_figure_once_and_every_save_and_restore(self, measured: Mapping[int, Events]) -> None:
        events = measured[100]

        assert [len(of(events, name)) for name in ("InputRead", "MemoryPeaked", "MixingMeasured")] == [1, 1, 1]
        assert [each["resumed"] for each in of(events, "FirstBatchRead")] == [False, True]
        assert [each["step"] for each in saves(events)] == [3, 6]
        assert [each["step"] for each in of(events, "IteratorStateMeasured")] == [3]
        assert [each["kind"] for each in of(events, "CheckpointRestored")].count("input_pipeline") == 1

    def test_bears_the_name_of_its_case(self, measured: Mapping[int, Events]) -> None:
        assert {each["run"] for each in measured[100]} == {"shuffle-100"}

    def test_leaves_events_and_scalars_and_no_checkpoints(self, records: Plan, measured: Mapping[int, Events]) -> None:
        directory = Path(records.repeat(Case(100), 1))

        assert [path.name for path in directory.iterdir()] == ["observed_hooks"]
        assert list((directory / "observed_hooks" / "tensorboard").glob("events.out.tfevents.*"))

    def test_measures_memory_before_anything_is_saved(self, measured: Mapping[int, Events]) -> None:
        names = [each["event"] for each in measured[100]]

        assert names.index("InputRead") < names.index("MemoryPeaked") < names.index("CheckpointSaved")

    def test_begins_afresh_whatever_an_earlier_one_has_left(self, records: Plan) -> None:
        case = Case(100)
        for _ in range(2):
            measure(records, case, 9)

        assert len(of(events_of(records, case, 9), "InputRead")) == 1

    def test_fails_when_its_events_cannot_be_written_down(self, records: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(sink: JsonlSink, record: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(JsonlSink, "write", full)

        with pytest.raises(StateError, match=r"events could not be written to .*events\.jsonl"):
            measure(records, Case(100), 8)

    def test_reads_full_batches_in_positive_time(self, measured: Mapping[int, Events]) -> None:
        (read,) = of(measured[100], "InputRead")

        assert read["examples"] % BATCH == 0
        assert read["examples"] >= 10 * BATCH
        assert read["duration_seconds"] > 0


class TestTheBuffer:
    @pytest.mark.skipif(not LIVE_BUFFERS, reason="TensorFlow tells what buffers hold from 2.16 on")
    @pytest.mark.parametrize("size", SIZES[1:])
    def test_is_sampled_while_it_is_full(self, measured: Mapping[int, Events], size: int) -> None:
        most = max(
            buffer["elements"] or 0
            for sample in of(measured[size], "BuffersSampled")
            for buffer in sample["buffers"]
            if "Shuffle" in buffer["transformation"]
        )

        assert most in {size - 1, size}

    @pytest.mark.parametrize("size", SIZES[1:])
    def test_is_full_in_every_save(self, measured: Mapping[int, Events], size: int) -> None:
        (state,) = of(measured[size], "IteratorStateMeasured")
        held = sum(node["elements"] for node in state["nodes"] if "Shuffle" in node["transformation"])
        cold, resumed = (save["size"]["data_bytes"] for save in saves(measured[size]))

        assert held in {size - 1, size}
        assert resumed == pytest.approx(cold, abs=PREFETCHED_BYTES)

    def test_takes_checkpoint_bytes_in_proportion(self, measured: Mapping[int, Events]) -> None:
        shuffles = {}
        for size in SIZES[1:]:
            (state,) = of(measured[size], "IteratorStateMeasured")
            (shuffles[size],) = (node for node in state["nodes"] if "Shuffle" in node["transformation"])
        each = [shuffle["size_bytes"] / shuffle["elements"] for shuffle in shuffles.values()]
        files = {size: sum(saves(measured[size])[0]["size"].values()) for size in SIZES}

        assert each == pytest.approx([each[-1]] * len(each), rel=0.02)
        assert each[-1] > RECORD_BYTES
        # What is there without a buffer, too, is all that comes to it.
        for size, shuffle in shuffles.items():
            assert files[size] - shuffle["size_bytes"] == pytest.approx(files[0], abs=PREFETCHED_BYTES + 10 * size)

    def test_weighs_in_a_checkpoint_what_inspect_says(
        self, records: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        kept = replace(records, directory=str(tmp_path))
        shutil.copytree(records.survey, kept.survey)
        monkeypatch.setattr(measuring, "_remove_checkpoints", lambda _: None)
        measure(kept, Case(400), 1)
        events = events_of(kept, Case(400))
        report = inspect(os.path.join(kept.repeat(Case(400), 1), "input.ckpt-3"))
        (held,) = (node for node in report.iterators[0].nodes if "Shuffle" in node.transformation)
        (state,) = of(events, "IteratorStateMeasured")
        (shuffle,) = (node for node in state["nodes"] if "Shuffle" in node["transformation"])

        assert sum(saves(events)[0]["size"].values()) == report.files_bytes
        assert (shuffle["elements"], shuffle["size_bytes"]) == (held.elements, held.bytes)


class TestTwoComparisons:
    def rows(self, plan: Plan) -> Row:
        repeats = []
        for number in (1, 2, 3):
            measure(plan, Case(200), number)
            repeats.append(Repeat(case=Case(200), number=number, events=tuple(events_of(plan, Case(200), number))))
        (row,) = rows_of([Case(200)], repeats, 600.0)
        return row

    def test_mix_alike_and_agree_in_bytes_but_for_what_was_read_ahead(self, records: Plan) -> None:
        first, second = self.rows(records), self.rows(records)

        for name in ("mixing", "mixing_displacement", "mixing_neighbours"):
            assert first.figures[name] == second.figures[name]
        assert first.median("checkpoint_bytes_per_element") == pytest.approx(
            second.median("checkpoint_bytes_per_element"), rel=0.02
        )
        assert first.median("checkpoint_bytes") == pytest.approx(
            second.median("checkpoint_bytes"), abs=PREFETCHED_BYTES
        )


class TestMixing:
    def figures(self, plan: Plan, size: int, seed: int = 1) -> tuple[float | None, float | None]:
        mixing = mixing_of_case(plan, Case(size), survey(plan), seed)
        return mixing.displacement, mixing.neighbours

    def test_is_0_without_a_buffer(self, measured: Mapping[int, Events]) -> None:
        (mixing,) = of(measured[0], "MixingMeasured")

        assert (mixing["displacement"], mixing["neighbours"]) == (0.0, 0.0)

    def test_grows_with_the_buffer(self, measured: Mapping[int, Events]) -> None:
        displacements = [of(measured[size], "MixingMeasured")[0]["displacement"] for size in SIZES]

        assert displacements == sorted(displacements)
        assert 0 < displacements[1] < displacements[-1] < 1

    def test_is_1_where_the_buffer_holds_everything(self, records: Plan) -> None:
        assert self.figures(records, RECORDS) == pytest.approx((1.0, 1.0), abs=0.05)

    def test_is_another_with_another_seed_and_the_same_with_the_same(self, records: Plan) -> None:
        assert self.figures(records, 100, seed=1) == self.figures(records, 100, seed=1)
        assert self.figures(records, 100, seed=1) != self.figures(records, 100, seed=2)

    def test_of_a_pipeline_is_that_of_its_own_shuffle(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "pairs")

        assert self.figures(plan, 0) == (0.0, 0.0)
        assert self.figures(plan, 200) == pytest.approx((1.0, 1.0), abs=0.1)

    def test_counts_labels_where_there_are_some(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "pairs")
        found = survey(plan)

        assert mixing_of_case(plan, Case(0), found, 1).labels == 0.0
        assert mixing_of_case(plan, Case(200), found, 1).labels == pytest.approx(1.0, abs=0.2)

    def test_of_batches_that_drop_a_rest_is_that_of_the_others(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "batches", batch_size=0)

        assert self.figures(plan, 200) == pytest.approx((1.0, 1.0), abs=0.15)

    @pytest.mark.parametrize(
        ("name", "reason"),
        [("augmented", "other examples, or another order"), ("fewer", "other examples than without one")],
    )
    def test_is_left_out_with_a_reason(self, tmp_path: Path, name: str, reason: str) -> None:
        plan = pipeline_plan(tmp_path, name)
        mixing = mixing_of_case(plan, Case(50), survey(plan), 1)

        assert mixing.displacement is None
        assert reason in mixing.left_out

    def test_is_left_out_of_very_many_examples(self, records: Plan) -> None:
        order = order_of(records, Case(100), replace(survey(records), examples=10_000_001), 1)

        assert order.left_out == "10,000,001 examples are more than the 10,000,000 that are put in order"


class TestAPipelineOfTheUsers:
    def test_that_is_drained_at_the_end_of_an_epoch_is_saved_before(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "mapped")
        survey(plan)
        measure(plan, Case(100), 1)
        (state,) = of(events_of(plan, Case(100)), "IteratorStateMeasured")
        (shuffle,) = [node for node in state["nodes"] if "Shuffle" in node["transformation"]]

        assert shuffle["elements"] in {99, 100}

    def test_that_augments_at_random_is_measured_all_the_same(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "augmented")
        survey(plan)
        measure(plan, Case(100), 1)
        events = events_of(plan, Case(100))
        (mixing,) = of(events, "MixingMeasured")

        assert len(saves(events)) == 2
        assert mixing["displacement"] is None
        assert mixing["left_out"]

    def test_that_cannot_be_saved_fails_with_the_reason_and_all_other_figures(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "generated")
        survey(plan)
        with pytest.raises(StateError, match=r"input pipeline could not be saved: .* does not support checkpointing"):
            measure(plan, Case(100), 1)
        events = events_of(plan, Case(100))

        assert of(events, "InputRead")
        assert of(events, "MemoryPeaked")
        assert of(events, "MixingMeasured")[0]["displacement"] > 0
        assert not saves(events)

    def test_is_read_in_whole_epochs_where_the_pace_may_change(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "mapped", read_seconds=0.3)
        survey(plan)
        measure(plan, Case(100), 1)
        (read,) = of(events_of(plan, Case(100)), "InputRead")

        assert read["examples"] % 200 < BATCH


class TestTheStopwatch:
    def seconds(self, *, resumed: bool) -> float:
        """Ten seconds before the first step, one for it, and more for a save and another step."""
        clock = FakeClock()
        watch = Stopwatch(clock)
        for _ in range(2):
            watch.before.before_run(None)
            clock.advance(10.0)
            watch.behind.before_run(None)
            clock.advance(1.0)
            watch.before.after_run(None, None)
            clock.advance(100.0)
            watch.behind.after_run(None, None)
        return watch.first_batch_seconds(resumed=resumed)

    def test_leaves_out_what_comes_before_a_cold_start(self) -> None:
        assert self.seconds(resumed=False) == pytest.approx(1.0)

    def test_counts_the_restore_of_a_resumption(self) -> None:
        assert self.seconds(resumed=True) == pytest.approx(11.0)


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="only Linux forgets a peak")
class TestThePeakOfMemory:
    def test_is_at_least_what_was_taken(self) -> None:
        forget_peak()
        before = peak_bytes()
        taken = np.ones(64 * 2**20, np.uint8)

        assert peak_bytes() >= before + 0.9 * taken.nbytes

    def test_is_forgotten(self) -> None:
        taken = np.ones(64 * 2**20, np.uint8)
        peak = peak_bytes()
        del taken
        forget_peak()

        assert peak_bytes() < peak - 32 * 2**20


ENDED = "the pipeline's module ended the process (sys.exit): guard what it runs with `if __name__ == '__main__':`\n"


class TestReporting:
    def test_leaves_no_line_where_nothing_fails(self, tmp_path: Path) -> None:
        (tmp_path / "failure.txt").write_text("of an earlier try\n", encoding="utf-8")

        assert reported(str(tmp_path), lambda: None) == 0
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("error", "code", "line"),
        [
            (ConfigurationError("expected this;\n got that"), MISUSE, "expected this; got that\n"),
            (OSError("disk\nfull"), FAILED, "OSError: disk\n"),
            (MemoryError(), FAILED, "ran out of memory\n"),
            (SystemExit(0), MISUSE, ENDED),
        ],
    )
    def test_writes_one_line_about_a_failure(self, tmp_path: Path, error: BaseException, code: int, line: str) -> None:
        def fail() -> None:
            raise error

        assert reported(str(tmp_path / "new"), fail) == code
        assert (tmp_path / "new" / "failure.txt").read_text(encoding="utf-8") == line


class TestTheProcess:
    """Slow: each loads TensorFlow anew."""

    def run(self, *arguments: str, holds: bool = True) -> int:
        command = [sys.executable, "-m", "observed_hooks.compare.child", *arguments]
        standard_input = subprocess.PIPE if holds else subprocess.DEVNULL
        with subprocess.Popen(command, stdin=standard_input, stderr=subprocess.DEVNULL) as process:
            return process.wait(120)

    def test_surveys_and_measures(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "numbers")

        assert self.run("survey", plan.path, "60") == 0
        assert json.loads((Path(plan.survey) / "survey.json").read_text(encoding="utf-8"))["examples"] == 200
        assert self.run("case", plan.path, "shuffle-100", "2") == 0
        assert of(events_of(plan, Case(100), 2), "MixingMeasured")

    def test_says_in_one_line_what_is_wrong_with_a_source(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "nowhere")

        assert self.run("survey", plan.path, "60") == MISUSE
        assert "has no function 'nowhere'" in (Path(plan.survey) / "failure.txt").read_text(encoding="utf-8")
        assert [path.name for path in Path(plan.survey).iterdir()] == ["failure.txt"]

    def test_fails_when_the_module_of_the_pipeline_ends_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "script.py").write_text("import sys\nsys.exit()\n", encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
        plan = plan_in(tmp_path, Source(kind="pipeline", text="script:dataset"))

        assert self.run("survey", plan.path, "60") == MISUSE
        assert "guard what it runs with `if __name__" in (Path(plan.survey) / "failure.txt").read_text(encoding="utf-8")

    def test_ends_with_its_parent(self, tmp_path: Path) -> None:
        plan = pipeline_plan(tmp_path, "numbers")

        assert self.run("survey", plan.path, "60", holds=False) not in {0, FAILED, MISUSE}
        assert not Path(plan.survey, "survey.json").exists()
