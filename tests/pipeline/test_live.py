from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow as tf

from observed_hooks.checkpoints.iterator_state import iterator_state
from observed_hooks.pipeline.eager import buffers
from tests.checkpoints.saves import settled
from tests.pipeline.pipelines import MakeDataset, Sampled, initialized, needs_live_buffers, plain

Dataset = tf.data.Dataset
Truth = dict[str, tuple[int | None, int | None, int | None]]


def numbers(count: int) -> Any:
    return Dataset.range(count)


def shuffled(_: Any) -> Any:
    return Dataset.range(99).shuffle(10, seed=1)


def prefetched(_: Any) -> Any:
    return Dataset.range(5).prefetch(10)


def chain(_: Any) -> Any:
    return Dataset.range(99).flat_map(lambda _: Dataset.range(10).shuffle(4, seed=1))


class Pipeline(NamedTuple):
    """A pipeline, how many elements were taken, and (elements, bytes, capacity) of each buffer by then."""

    make: MakeDataset
    taken: int
    buffers: Truth


# An element of a range takes 8 bytes.
PIPELINES = {
    "a shuffle": Pipeline(lambda: numbers(1000).shuffle(100), 3, {"Shuffle": (99, 792, 100)}),
    "10,000 slots": Pipeline(
        lambda: numbers(20_000).shuffle(10_000).repeat(), 1, {"ForeverRepeat::Shuffle": (9_999, 79_992, 10_000)}
    ),
    "a shuffle larger than the data": Pipeline(lambda: numbers(50).shuffle(1000), 3, {"Shuffle": (47, 376, 1000)}),
    "a shuffle that drains": Pipeline(lambda: numbers(50).shuffle(20), 48, {"Shuffle": (2, 16, 20)}),
    "a shuffle that is empty": Pipeline(lambda: numbers(3).shuffle(20), 3, {"Shuffle": (0, 0, 20)}),
    "two shuffles": Pipeline(
        lambda: numbers(1000).shuffle(20).enumerate().shuffle(10),
        3,
        {"Shuffle": (9, 144, 10), "Shuffle::Zip[1]::Shuffle": (19, 152, 20)},
    ),
    "larger elements": Pipeline(
        lambda: numbers(99).map(lambda x: tf.fill([1000], tf.cast(x, tf.float32))).shuffle(10),
        1,
        {"Shuffle": (9, 36_000, 10)},
    ),
    "shuffle, batch and prefetch": Pipeline(
        lambda: numbers(1000).shuffle(100).batch(8).prefetch(4),
        2,
        {"Prefetch": (4, 256, 4), "Prefetch::BatchV2::Shuffle": (99, 792, 100)},
    ),
    "the inputs of zip": Pipeline(
        lambda: Dataset.zip((numbers(99).shuffle(10), numbers(99).shuffle(7))),
        2,
        {"Zip[0]::Shuffle": (9, 72, 10), "Zip[1]::Shuffle": (6, 48, 7)},
    ),
    "the inputs of sample_from_datasets": Pipeline(
        lambda: Dataset.sample_from_datasets([numbers(99).shuffle(10), numbers(99).shuffle(7)], [0.5, 0.5], seed=1),
        9,
        {"DirectedInterleave[0]::Shuffle": (9, 72, 10), "DirectedInterleave[1]::Shuffle": (6, 48, 7)},
    ),
    "concatenated inputs, the first of which is used up": Pipeline(
        lambda: numbers(3).shuffle(3).concatenate(numbers(99).shuffle(10)),
        5,
        {"Concatenate[0]::Shuffle": (0, 0, 3), "Concatenate[1]::Shuffle": (9, 72, 10)},
    ),
    "what flat_map opens": Pipeline(lambda: numbers(9).flat_map(shuffled), 4, {"FlatMap::Shuffle": (9, 72, 10)}),
    "what interleave opens, taken together": Pipeline(
        lambda: numbers(9).interleave(prefetched, cycle_length=2), 2, {"Interleave::Prefetch": (8, 64, 20)}
    ),
    "the input of interleave beside what it opens": Pipeline(
        lambda: numbers(9).shuffle(5).interleave(chain, cycle_length=2),
        2,
        {"Interleave::Shuffle": (4, 32, 5), "Interleave::FlatMap::Shuffle": (6, 48, 8)},
    ),
    "shuffles before interleave and inside, which share a name": Pipeline(
        lambda: numbers(9).shuffle(5).interleave(shuffled, cycle_length=2), 2, {"Interleave::Shuffle": (22, 176, 25)}
    ),
    "parallel map": Pipeline(
        lambda: numbers(3).map(lambda x: x + 1, num_parallel_calls=4), 1, {"ParallelMapV2": (2, 16, 4)}
    ),
    "parallel batch": Pipeline(lambda: numbers(8).batch(4, num_parallel_calls=2), 1, {"ParallelBatch": (1, 32, 2)}),
    "a cache": Pipeline(lambda: numbers(5).cache().repeat(), 6, {"ForeverRepeat::MemoryCache": (5, 40, None)}),
}


@pytest.fixture(params=PIPELINES.values(), ids=list(PIPELINES))
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    found: Pipeline = request.param
    return found


def told(sampled: Sampled) -> Truth:
    return {
        node: (buffer.elements, buffer.size_bytes, buffer.capacity_elements)
        for node, buffer in sampled.buffers().items()
        # The mixer of sample_from_datasets is TensorFlow's own, and parallel.
        if not node.startswith("DirectedInterleave::")
    }


@needs_live_buffers
class TestLiveBuffers:
    def test_are_those_that_the_pipeline_holds(self, pipeline: Pipeline) -> None:
        with initialized(lambda: plain(pipeline.make()), pipeline.taken) as sampled:
            assert settled(lambda: told(sampled), pipeline.buffers) == pipeline.buffers

    def test_are_the_same_for_an_eager_iterator(self, pipeline: Pipeline) -> None:
        iterator = iter(plain(pipeline.make()))
        for _ in range(pipeline.taken):
            next(iterator)

        def found() -> Truth:
            return {
                each.node: (each.elements, each.size_bytes, each.capacity_elements)
                for each in buffers(iterator)
                if not each.node.startswith("DirectedInterleave::")
            }

        assert settled(found, pipeline.buffers) == pipeline.buffers

    @pytest.mark.parametrize("name", [name for name in PIPELINES if "Shuffle" in str(PIPELINES[name].buffers)])
    def test_have_their_capacity_also_after_optimisation(self, name: str) -> None:
        pipeline = PIPELINES[name]
        with initialized(pipeline.make, pipeline.taken) as sampled:
            expected = sum(
                capacity or 0 for node, (_, _, capacity) in pipeline.buffers.items() if node.endswith("Shuffle")
            )
            found = [each for each in sampled.buffers().values() if each.transformation == "Shuffle"]
            assert sum(each.capacity_elements or 0 for each in found) == expected

    def test_have_the_names_that_saved_state_has(self, pipeline: Pipeline, tmp_path: Path) -> None:
        with initialized(pipeline.make, pipeline.taken) as sampled:
            names = {buffer.node: buffer.transformation for buffer in sampled.buffers().values()}
            assert names.items() <= saved_names(sampled, tmp_path).items()

    def test_have_the_same_names_in_every_run(self, pipeline: Pipeline) -> None:
        runs = []
        for _ in range(2):
            with initialized(pipeline.make, pipeline.taken) as sampled:
                runs.append({(each.iterator, each.node, each.transformation) for each in sampled.buffers().values()})
        assert runs[0] == runs[1]


@needs_live_buffers
class TestUnknownCapacity:
    def test_of_an_autotuned_buffer_is_absent(self) -> None:
        with initialized(lambda: numbers(99).prefetch(tf.data.AUTOTUNE), 2) as sampled:
            assert sampled.buffers()["Prefetch"].capacity_elements is None

    def test_of_a_buffer_whose_size_is_fed_is_absent(self) -> None:
        def make() -> Any:
            return numbers(99).shuffle(tf.compat.v1.placeholder_with_default(tf.constant(7, tf.int64), []))

        with initialized(make, 1) as sampled:
            (shuffle,) = [each for each in sampled.buffers().values() if each.transformation == "Shuffle"]
            assert (shuffle.elements, shuffle.capacity_elements) == (6, None)


def saved_names(sampled: Sampled, directory: Path) -> dict[str, str]:
    v1 = tf.compat.v1
    with sampled.session.graph.as_default():
        # What interleave opens cannot be saved otherwise: the seeds of its shuffles count as external.
        ignore = tf.data.experimental.ExternalStatePolicy.IGNORE
        saver = v1.train.Saver([tf.data.experimental.make_saveable_from_iterator(sampled.iterator, ignore)])
        (state,) = iterator_state(saver.save(sampled.session, str(directory / "input.ckpt")))
    return {node.node: node.transformation for node in state.nodes}
