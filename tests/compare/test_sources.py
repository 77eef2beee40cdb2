from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from observed_hooks.compare.case import Case, Placement
from observed_hooks.compare.examples import described, label_of, read_epoch
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.sources import batches_of, epoch_of, pipeline_function
from observed_hooks.errors import ConfigurationError

RECORDS = 20


@pytest.fixture
def records(tmp_path: Path) -> str:
    """Twenty records of eight bytes, in two files; the i-th is made of the byte i."""
    for number in range(2):
        with tf.io.TFRecordWriter(str(tmp_path / f"part-{number}.tfrecord")) as writer:
            for value in range(10 * number, 10 * number + 10):
                writer.write(bytes([value] * 8))
    return str(tmp_path / "part-*.tfrecord")


def plan_of(source: Source, *, batch_size: int = 4, sizes: tuple[int, ...] = (0, 8)) -> Plan:
    cases = tuple(Case(size) for size in sizes)
    return Plan(
        directory="unused",
        source=source,
        cases=cases,
        repeats=1,
        batch_size=batch_size,
        save_interval_seconds=600.0,
        read_seconds=0.01,
    )


def pipeline(name: str, **fields: Any) -> Plan:
    return plan_of(Source(kind="pipeline", text=f"tests.compare.pipelines:{name}"), **fields)


def batches(plan: Plan, case: Case, number: int) -> list[Any]:
    return list(islice(read_epoch(lambda: batches_of(plan, case), seed=1), number))


def op_types(plan: Plan, case: Case) -> list[str]:
    with tf.Graph().as_default() as graph:
        batches_of(plan, case)
        return [op.type for op in graph.get_operations() if "Dataset" in op.type]


def first_bytes(batch: Any) -> Iterator[int]:
    return (record[0] for record in batch)


class TestRecords:
    def test_come_in_the_order_of_sorted_files_without_a_buffer(self, records: str) -> None:
        plan = plan_of(Source(kind="tfrecord", text=records))
        came = [byte for batch in batches(plan, Case(0), 5) for byte in first_bytes(batch)]

        assert came == list(range(RECORDS))

    def test_pass_through_no_shuffle_at_all_without_a_buffer(self, records: str) -> None:
        plan = plan_of(Source(kind="tfrecord", text=records))

        assert not [each for each in op_types(plan, Case(0)) if each.startswith("Shuffle")]
        assert [each for each in op_types(plan, Case(8)) if each.startswith("Shuffle")]

    def test_come_for_ever_in_full_batches(self, records: str) -> None:
        plan = plan_of(Source(kind="tfrecord", text=records), batch_size=7)

        assert [len(batch) for batch in batches(plan, Case(8), 10)] == [7] * 10

    def test_all_come_in_every_epoch(self, records: str) -> None:
        plan = plan_of(Source(kind="tfrecord", text=records))
        came = [byte for batch in batches(plan, Case(8), 10) for byte in first_bytes(batch)]

        assert sorted(came[:RECORDS]) == sorted(came[RECORDS:]) == list(range(RECORDS))
        assert came[:RECORDS] != came[RECORDS:]

    def test_are_decoded_to_as_many_bytes_as_are_asked_for(self, records: str) -> None:
        plan = plan_of(Source(kind="tfrecord", text=records, element_bytes=6))
        (batch,) = batches(plan, Case(0), 1)

        assert batch.dtype == np.uint8
        assert batch.shape == (4, 6)

    @pytest.mark.parametrize(
        ("placement", "first", "then"),
        [("before-decode", "Shuffle", "ParallelMap"), ("after-decode", "ParallelMap", "Shuffle")],
    )
    def test_are_shuffled_before_or_behind_the_decoding(
        self, records: str, placement: Placement, first: str, then: str
    ) -> None:
        plan = plan_of(Source(kind="tfrecord", text=records, element_bytes=6))
        types = op_types(plan, Case(8, placement))

        assert next(each for each in types if each.startswith((first, then))).startswith(first)

    def test_have_to_be_there(self, tmp_path: Path) -> None:
        plan = plan_of(Source(kind="tfrecord", text=str(tmp_path / "*.nothing")))

        with pytest.raises(ConfigurationError, match=r"no file matches '.*\*\.nothing'"):
            epoch_of(plan)


class TestAPipelineOfTheUsers:
    def test_is_batched_and_repeated(self) -> None:
        assert [batch.shape for batch in batches(pipeline("numbers", batch_size=64), Case(8), 4)] == [(64,)] * 4

    def test_keeps_batches_of_its_own(self) -> None:
        x, y = batches(pipeline("batches", batch_size=0), Case(0), 1)[0]

        assert (x.shape, y.shape) == ((16, 2), (16,))

    def test_is_saved_by_cursors_where_asked(self) -> None:
        plan = pipeline("numbers")
        plain = batches_of(plan, Case(8)).options().experimental_symbolic_checkpoint
        symbolic = batches_of(plan, Case(8, symbolic=True)).options().experimental_symbolic_checkpoint

        assert symbolic
        assert not plain

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("pipelines", "expected a pipeline such as my_module:my_function, got 'pipelines'"),
            ("tests.compare.nowhere:numbers", "there is no module 'tests.compare.nowhere'"),
            ("nowhere_at_all:numbers", "there is no module 'nowhere_at_all'"),
            ("tests.compare.pipelines:nothing", "has no function 'nothing'"),
            ("tests.compare.pipelines:not_a_function", "has no function 'not_a_function'"),
        ],
    )
    def test_is_named_by_module_and_function(self, text: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            pipeline_function(text)

    def test_is_looked_for_in_the_current_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "my_own_pipeline.py").write_text("def numbers(size):\n    return size\n", encoding="utf-8")
        monkeypatch.setattr("sys.path", [])
        monkeypatch.chdir(tmp_path)

        assert pipeline_function("my_own_pipeline:numbers")(3) == 3

    def test_may_have_a_module_that_cannot_be_imported(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "broken_pipeline.py").write_text("1 / 0\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

        with pytest.raises(ConfigurationError, match="cannot be imported: ZeroDivisionError: division by zero"):
            pipeline_function("broken_pipeline:numbers")

    def test_that_raises_is_told_with_the_size_for_which_it_does(self) -> None:
        with pytest.raises(
            ConfigurationError, match=r"for a buffer size of 8, in graph mode: RuntimeError: no room for that\Z"
        ):
            batches(pipeline("raises_for_a_buffer"), Case(8), 1)

    def test_that_returns_something_else_is_told_with_what_it_returns(self) -> None:
        with pytest.raises(ConfigurationError, match=r"tf\.data\.Dataset for a buffer size of 8, got list"):
            batches(pipeline("a_list"), Case(8), 1)


class TestLabels:
    NUMBER = tf.TensorSpec([], tf.int64)
    FLOAT = tf.TensorSpec([], tf.float32)
    VECTOR = tf.TensorSpec([3], tf.int64)

    @pytest.mark.parametrize("example", [{"label": NUMBER, "x": FLOAT}, {"labels": NUMBER}, (FLOAT, NUMBER)])
    def test_are_found_by_their_name_or_place(self, example: Any) -> None:
        assert label_of(example) is self.NUMBER

    @pytest.mark.parametrize(
        "example", [NUMBER, {"x": NUMBER}, {"label": FLOAT}, (FLOAT, VECTOR), (NUMBER, NUMBER, NUMBER), (FLOAT, FLOAT)]
    )
    def test_are_integers_one_for_each_example(self, example: Any) -> None:
        assert label_of(example) is None


class TestFingerprints:
    def test_are_the_same_for_the_same_bytes_and_different_for_others(self) -> None:
        def dataset() -> Any:
            values = tf.data.Dataset.from_tensor_slices({"a": [1, 1, 2, 1], "b": ["x", "x", "x", "y"]})
            return described(values, batched=False, fingerprints=True)

        (found,) = read_epoch(dataset)
        one, same, *others = found["fingerprint"].tolist()

        assert one == same
        assert len({one, *others}) == 3

    def test_are_those_of_the_examples_whatever_the_batches(self) -> None:
        def dataset(batch: int) -> Any:
            values = tf.data.Dataset.range(10)
            batched = values.batch(batch) if batch else values
            return described(batched, batched=bool(batch), fingerprints=True)

        alone, together = (next(read_epoch(partial(dataset, size)))["fingerprint"] for size in (0, 4))

        assert alone.tolist() == together.tolist()
