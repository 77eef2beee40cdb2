from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from observed_hooks.compare import process
from observed_hooks.compare.case import Case
from observed_hooks.compare.comparison import begin
from observed_hooks.compare.examples import read_epoch
from observed_hooks.compare.order import order_of
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.survey import Limits, load, survey
from observed_hooks.compare.sweep import Progress
from observed_hooks.errors import ConfigurationError, StateError
from observed_hooks.testing import FakeClock
from tests.compare.results import MACHINE


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of a pipeline that is yet to be named."""
    return Plan(
        directory=str(tmp_path),
        source=Source(kind="pipeline"),
        cases=(Case(0), Case(50)),
        repeats=1,
        batch_size=16,
        save_interval_seconds=600.0,
        read_seconds=0.01,
    )


def reading(plan: Plan, name: str, **fields: Any) -> Plan:
    return replace(plan, source=Source(kind="pipeline", text=f"tests.compare.pipelines:{name}"), **fields)


class TestASurvey:
    def test_counts_and_weighs_the_examples(self, plan: Plan) -> None:
        found = survey(reading(plan, "pairs"))

        assert (found.examples, found.batch_size, found.example_bytes) == (200, 16, 16)
        assert found.subject == "200 examples of 16 bytes from tests.compare.pipelines:pairs"

    def test_finds_labels(self, plan: Plan) -> None:
        found = survey(reading(plan, "pairs"))

        assert found.labels is not None
        assert found.labels.tolist() == [number // 50 for number in range(200)]

    def test_knows_when_there_are_no_labels(self, plan: Plan) -> None:
        assert survey(reading(plan, "numbers")).labels is None

    def test_tells_every_example_from_every_other(self, plan: Plan) -> None:
        found = survey(reading(plan, "pairs"))

        assert found.fingerprints is not None
        assert len(np.unique(found.fingerprints)) == 200
        assert not found.mixing_left_out

    def test_looks_into_batches_of_the_pipeline_itself(self, plan: Plan) -> None:
        found = survey(reading(plan, "batches", batch_size=0))

        assert (found.examples, found.batch_size, found.example_bytes) == (192, 16, 16)
        assert found.labels is not None
        assert len(found.labels) == 192

    def test_is_read_back_as_it_was(self, plan: Plan) -> None:
        found, back = survey(reading(plan, "pairs")), load(plan)

        assert replace(back, labels=None, fingerprints=None) == replace(found, labels=None, fingerprints=None)
        assert np.array_equal(back.labels, found.labels)  # type: ignore[arg-type]
        assert np.array_equal(back.fingerprints, found.fingerprints)  # type: ignore[arg-type]

    def test_forgets_what_an_earlier_one_has_found(self, plan: Plan) -> None:
        survey(reading(plan, "pairs"))
        survey(reading(plan, "augmented"))
        back = load(plan)

        assert back.labels is None
        assert back.fingerprints is None

    def test_that_was_never_made_cannot_be_read(self, plan: Plan) -> None:
        with pytest.raises(StateError, match="was not surveyed"):
            load(plan)

    def test_of_records_needs_no_fingerprints(self, plan: Plan, tmp_path: Path) -> None:
        with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
            for size in (4, 6):
                writer.write(b"x" * size)
        glob = str(tmp_path / "*.tfrecord")
        found = survey(replace(plan, source=Source(kind="tfrecord", text=glob)))

        assert found.subject == f"2 records of 5 bytes from {glob}"
        assert found.fingerprints is None
        assert not found.mixing_left_out

    def test_of_the_digits_writes_them(self, plan: Plan) -> None:
        found = survey(replace(plan, source=Source(kind="digits")))

        assert found.subject == "37,500 handwritten digits of 264 bytes"
        assert found.labels is not None
        assert np.bincount(found.labels).sum() == 37_500


class TestMixingIsLeftOut:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("augmented", "other examples, or another order, each time it is read"),
            ("stubborn", "other examples, or another order, each time it is read"),
            ("halves", "100 of the examples are the same as another"),
        ],
    )
    def test_where_examples_cannot_be_known_again(self, plan: Plan, name: str, reason: str) -> None:
        found = survey(reading(plan, name))

        assert reason in found.mixing_left_out
        assert found.fingerprints is None
        assert found.examples == 200


class TestBadInput:
    @pytest.mark.parametrize(
        ("name", "fields", "message"),
        [
            ("empty", {}, "holds no examples"),
            ("endless", {}, "never ends for a buffer size of 0; return one epoch, without repeat"),
            ("secretly_endless", {}, "did not come to an end within 1,000 examples; return one epoch"),
            ("raises_for_a_buffer", {}, "raised for a buffer size of 50, in graph mode: RuntimeError: no room"),
            (
                "always_shuffled",
                {},
                r"for a buffer size of 0: .*buffer_size must be .*; 0 means no shuffle: ds\.shuffle",
            ),
            ("a_list", {}, r"to return a tf\.data\.Dataset for a buffer size of 0, got list"),
            ("pairs", {"batch_size": 0}, "returns single examples, and a batch size of 0 says"),
            ("ragged_lengths", {}, "cannot be read in batches: "),
        ],
    )
    def test_is_one_line_that_says_what_to_do(
        self, plan: Plan, name: str, fields: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message) as caught:
            survey(reading(plan, name, **fields), Limits(examples=1000))

        assert "\n" not in str(caught.value)
        assert not (Path(plan.survey) / "survey.json").exists()

    def test_is_a_pipeline_that_takes_for_ever(self, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = FakeClock()
        monkeypatch.setattr("observed_hooks.compare.survey.read_epoch", slow(clock))

        with pytest.raises(ConfigurationError, match="did not come to an end within 60 seconds"):
            survey(reading(plan, "numbers"), Limits(seconds=60), clock)

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (Source(kind="pipeline", text="a:b"), r"the pipeline a:b did not come .* 0 s; return one epoch, without"),
            (Source(kind="tfrecord", text="*"), r"'\*' did not come to an end within 0 s; give a glob that matches"),
        ],
    )
    def test_is_a_source_that_yields_nothing_for_so_long_that_its_process_is_ended(
        self, plan: Plan, source: Source, message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message):
            begin(
                replace(plan, source=source),
                MACHINE,
                process.Limits(seconds=0.0, memory_bytes=None),
                Nobody(),
                restart=False,
            )

    def test_is_a_file_without_records(self, plan: Plan, tmp_path: Path) -> None:
        (tmp_path / "a.tfrecord").write_bytes(b"this is no TFRecord file at all")

        with pytest.raises(ConfigurationError, match=r"a\.tfrecord' cannot be read"):
            survey(replace(plan, source=Source(kind="tfrecord", text=str(tmp_path / "a.tfrecord"))))

    def test_is_a_batch_size_of_0_for_records(self, plan: Plan) -> None:
        with pytest.raises(ConfigurationError, match="expected a batch size of 1 at least"):
            survey(replace(plan, source=Source(kind="tfrecord", text="*"), batch_size=0))


class TestASingleBufferSize:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("empty_for_a_buffer", "holds no examples for a buffer size of 50; return the same examples"),
            ("known_empty_for_a_buffer", "holds no examples for a buffer size of 50; return the same examples"),
            ("empty_for_a_large_buffer", "holds no examples for a buffer size of 201; return the same examples"),
            ("ragged_for_a_buffer", "cannot be read in batches for a buffer size of 50: "),
        ],
    )
    def test_is_named_when_the_pipeline_is_bad_only_for_it(self, plan: Plan, name: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message) as caught:
            survey(reading(plan, name, cases=(Case(0), Case(50), Case(201))), clock=FakeClock())

        assert "\n" not in str(caught.value)

    def test_is_named_when_the_pipeline_knows_that_it_is_empty_however_large_the_buffer(self, plan: Plan) -> None:
        with pytest.raises(ConfigurationError, match="for a buffer size of 201"):
            survey(reading(plan, "known_empty_for_a_buffer", cases=(Case(0), Case(201))), clock=FakeClock())

    def test_is_not_read_where_the_buffer_takes_much_memory(self, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("observed_hooks.compare.readable._BUFFER_BYTES", 50 * 8 - 1)

        assert survey(reading(plan, "empty_for_a_buffer"), clock=FakeClock()).examples == 200

    def test_is_not_read_where_filling_the_buffer_takes_long(self, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = FakeClock()
        monkeypatch.setattr("observed_hooks.compare.survey.read_epoch", slow(clock))

        assert survey(reading(plan, "empty_for_a_buffer"), Limits(seconds=600), clock).examples == 200

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("secretly_endless_for_a_buffer", "does not end with its 200 examples for a buffer size of 50; return one"),
            ("empty_for_a_buffer", "holds no examples for a buffer size of 50; return the same examples"),
        ],
    )
    def test_is_named_when_its_order_is_asked_for_at_the_latest(self, plan: Plan, name: str, message: str) -> None:
        found = survey(reading(plan, "numbers"))

        with pytest.raises(ConfigurationError, match=message):
            order_of(reading(plan, name), Case(50), found, 1)


class Nobody:
    """Watches, and says nothing."""

    def surveying(self) -> None:
        pass

    def surveyed(self, subject: str, plan: Plan, *, continued: bool) -> None:
        pass

    def hear(self, progress: Progress) -> None:
        pass


def slow(clock: FakeClock) -> Any:
    """Let a minute and more go by while a chunk is read."""

    def read_slowly(*arguments: Any, **named: Any) -> Any:
        for chunk in read_epoch(*arguments, **named):
            clock.advance(61.0)
            yield chunk

    return read_slowly
