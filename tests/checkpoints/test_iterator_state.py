from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from observed_hooks.checkpoints import node_tally
from observed_hooks.checkpoints.bundle import read_index
from observed_hooks.checkpoints.iterator_state import IteratorState, iterator_name, iterator_state
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.saves import as_configured, save_in_session, save_object, settled, taken
from tests.checkpoints.tables import field, varint, write_index

Dataset = tf.data.Dataset


class Pipeline(NamedTuple):
    """A pipeline, how many elements were taken from it, and what its nodes then hold."""

    make: Callable[[], tf.data.Dataset]
    taken: int
    elements: dict[str, int]


def numbers(count: int) -> tf.data.Dataset:
    return Dataset.range(count)


def inner(count: int) -> Callable[[Any], tf.data.Dataset]:
    return lambda _: Dataset.range(count).prefetch(count * 2)


PIPELINES = {
    "a shuffle buffer that is refilled before each element": Pipeline(
        lambda: numbers(1000).shuffle(100), 3, {"Shuffle": 99}
    ),
    "a shuffle buffer larger than the data": Pipeline(lambda: numbers(50).shuffle(1000), 3, {"Shuffle": 47}),
    "a shuffle buffer that drains": Pipeline(lambda: numbers(50).shuffle(20), 48, {"Shuffle": 2}),
    "10,000 slots of a shuffle buffer": Pipeline(
        lambda: numbers(20_000).shuffle(10_000).repeat(), 1, {"ForeverRepeat::Shuffle": 9_999}
    ),
    "two shuffles, one after the other": Pipeline(
        lambda: numbers(1000).shuffle(20).enumerate().shuffle(10), 3, {"Shuffle": 9, "Shuffle::Zip[1]::Shuffle": 19}
    ),
    "elements of several components": Pipeline(
        lambda: numbers(99).map(lambda x: (x, tf.strings.as_string(x), {"a": x})).shuffle(9),
        1,
        {"Shuffle": 8},
    ),
    "shuffle, batch and prefetch": Pipeline(
        lambda: numbers(1000).shuffle(100).batch(8).prefetch(4),
        2,
        {"Prefetch": 4, "Prefetch::BatchV2::Shuffle": 99},
    ),
    "the inputs of zip": Pipeline(
        lambda: Dataset.zip((numbers(99).shuffle(10), numbers(99).shuffle(7))),
        2,
        {"Zip[0]::Shuffle": 9, "Zip[1]::Shuffle": 6},
    ),
    "the inputs of choose_from_datasets": Pipeline(
        lambda: Dataset.choose_from_datasets(
            [numbers(99).shuffle(10), numbers(99).shuffle(7)], Dataset.range(2).repeat(9)
        ),
        4,
        {"DirectedInterleave[0]::Shuffle": 9, "DirectedInterleave[1]::Shuffle": 6},
    ),
    "concatenated inputs, the first of which is used up": Pipeline(
        lambda: numbers(3).shuffle(3).concatenate(numbers(99).shuffle(10)),
        5,
        {"Concatenate[1]::Shuffle": 9},
    ),
    "iterators opened by interleave, taken together": Pipeline(
        lambda: numbers(9).interleave(inner(5), cycle_length=2),
        2,
        {"Interleave::Prefetch": 8},
    ),
    "parallel map": Pipeline(lambda: numbers(3).map(lambda x: x + 1, num_parallel_calls=4), 1, {"ParallelMapV2": 2}),
    "parallel batch": Pipeline(lambda: numbers(8).batch(4, num_parallel_calls=2), 1, {"ParallelBatch": 1}),
    "parallel interleave": Pipeline(
        lambda: numbers(2).interleave(
            lambda _: Dataset.range(3), cycle_length=2, num_parallel_calls=2, deterministic=True
        ),
        1,
        {"ParallelInterleaveV4": 5},
    ),
    "a cache that is being filled": Pipeline(lambda: numbers(30).cache(), 4, {"MemoryCache": 4}),
    "a cache that is full": Pipeline(lambda: numbers(5).cache().repeat(), 6, {"ForeverRepeat::MemoryCache": 5}),
    "overlapping windows": Pipeline(
        lambda: numbers(50).window(5, shift=1).flat_map(lambda window: window.batch(5)),
        1,
        {"FlatMap::Window": 4},
    ),
    "groups, among them the one that is being handed out": Pipeline(
        lambda: numbers(99).group_by_window(lambda x: x % 3, lambda _, group: group.batch(8), window_size=8),
        2,
        {"GroupByWindow": 15},
    ),
    "nothing buffered": Pipeline(lambda: numbers(9).map(lambda x: x + 1).batch(2).take(3), 1, {}),
}


def only(prefix: Path) -> IteratorState:
    (state,) = iterator_state(prefix)
    return state


def elements(prefix: Path) -> dict[str, int]:
    return {node.node: node.elements for node in only(prefix).nodes if node.elements}


@pytest.fixture(params=PIPELINES.values(), ids=list(PIPELINES))
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    found: Pipeline = request.param
    return found


class TestElements:
    def test_are_those_that_the_pipeline_holds(self, pipeline: Pipeline, tmp_path: Path) -> None:
        iterator = taken(as_configured(pipeline.make()), pipeline.taken)
        found = settled(lambda: elements(save_object(tmp_path, iterator=iterator)), pipeline.elements)
        assert found == pipeline.elements

    @pytest.mark.parametrize("count", [1, 3, 35, 48])
    def test_of_a_symbolic_checkpoint_leave_out_slots_that_are_empty_again(self, count: int, tmp_path: Path) -> None:
        iterator = taken(as_configured(Dataset.range(50).shuffle(20), symbolic=True), count)
        assert elements(save_object(tmp_path, iterator=iterator)) == {"Shuffle": min(20, 51 - count) - 1}

    def test_are_the_same_when_the_v1_saver_wrote_them(self, tmp_path: Path) -> None:
        prefix = save_in_session(tmp_path, lambda: as_configured(numbers(20_000).shuffle(10_000)), 1)
        assert elements(prefix) == {"Shuffle": 9_999}

    def test_are_found_also_where_tensorflow_has_fused_two_transformations(self, tmp_path: Path) -> None:
        prefix = save_in_session(tmp_path, lambda: numbers(1000).shuffle(100).repeat(), 1)
        assert elements(prefix)["Prefetch::ShuffleAndRepeat"] == 99

    def test_of_an_empty_buffer_are_none_but_known(self, tmp_path: Path) -> None:
        iterator = taken(as_configured(Dataset.range(3).shuffle(3)), 3)
        assert only(save_object(tmp_path, iterator=iterator)).nodes[0].elements == 0

    def test_are_unknown_for_a_node_that_buffers_none(self, tmp_path: Path) -> None:
        iterator = taken(as_configured(Dataset.range(9).batch(2)), 1)
        nodes = only(save_object(tmp_path, iterator=iterator)).nodes
        assert {node.node: node.elements for node in nodes} == {"BatchV2": None, "BatchV2::Range": None}


class TestBytes:
    def test_of_the_nodes_and_the_remainder_are_all_there_are(self, pipeline: Pipeline, tmp_path: Path) -> None:
        prefix = save_object(tmp_path, iterator=taken(pipeline.make(), pipeline.taken))
        state = only(prefix)
        sizes = {entry.name: entry.size for entry in read_index(prefix).entries}
        assert sum(node.bytes for node in state.nodes) == state.total_bytes == sizes[state.entry]
        assert state.unattributed_bytes == 0

    def test_and_entries_are_those_that_tensorflow_parses(self, tmp_path: Path) -> None:
        prefix = save_object(tmp_path, iterator=taken(as_configured(Dataset.range(500).shuffle(50)), 1))
        parsed = parsed_variants(prefix)
        shuffle = [size for name, size in parsed if "Range" not in name]
        (node,) = [node for node in only(prefix).nodes if node.node == "Shuffle"]
        assert (node.bytes, node.entries) == (sum(shuffle), len(shuffle))
        assert node.entries == 52  # 50 slots, the size of the buffer, and the shuffle's own state

    def test_put_the_largest_node_first(self, tmp_path: Path) -> None:
        state = only(save_object(tmp_path, iterator=taken(Dataset.range(500).shuffle(50).batch(2), 1)))
        assert [node.bytes for node in state.nodes] == sorted((node.bytes for node in state.nodes), reverse=True)
        assert state.nodes[0].transformation == "Shuffle"


def parsed_variants(prefix: Path) -> list[tuple[str, int]]:
    """(metadata, bytes with length and checksum) of each variant, by TensorFlow's own protocol buffers."""
    bundle = read_index(prefix)
    (entry,) = [entry for entry in bundle.entries if entry.dtype == "variant"]
    (part,) = entry.parts
    data = Path(bundle.data_path(part.shard)).read_bytes()[part.offset : part.offset + part.size]
    variants = []
    while data:
        size = next(size for size in range(len(data)) if data.startswith(varint(size)))
        start = len(varint(size))
        proto = tensor_pb2.VariantTensorDataProto.FromString(data[start : start + size])
        variants.append((proto.metadata.decode(), start + size + 4))
        data = data[start + size + 4 :]
    return variants


class TestIteratorState:
    def test_names_the_iterator_of_a_session_by_its_operation(self, tmp_path: Path) -> None:
        state = only(save_in_session(tmp_path, lambda: Dataset.range(9).shuffle(3), 1))
        assert (state.name, state.entry) == ("IteratorV2", "IteratorV2:0_STATE")

    def test_names_the_iterator_of_an_object_by_its_attribute(self, tmp_path: Path) -> None:
        state = only(save_object(tmp_path, train=taken(Dataset.range(9).shuffle(3), 1)))
        assert (state.name, state.entry) == ("train", "train/.ATTRIBUTES/ITERATOR_STATE")

    def test_tells_several_iterators_apart(self, tmp_path: Path) -> None:
        prefix = save_object(
            tmp_path,
            train=taken(as_configured(Dataset.range(99).shuffle(9)), 1),
            test=taken(as_configured(Dataset.range(99).prefetch(4)), 1),
            weight=tf.Variable(1.0),
        )
        assert [(state.name, state.nodes[0].node) for state in iterator_state(prefix)] == [
            ("test", "Prefetch"),
            ("train", "Shuffle"),
        ]

    def test_of_a_model_is_none(self, tmp_path: Path) -> None:
        assert iterator_state(save_object(tmp_path, weight=tf.Variable(1.0))) == ()

    def test_of_a_variant_that_is_no_iterator_is_none(self, tmp_path: Path) -> None:
        assert iterator_state(hand_made(tmp_path, [variant(b"Iterator::Root::Shuffle", type_name=b"other")])) == ()

    @pytest.mark.parametrize(
        ("entry", "name"),
        [
            ("IteratorV2_1:0_STATE", "IteratorV2_1"),
            ("loop/train/.ATTRIBUTES/ITERATOR_STATE", "loop/train"),
            ("something", "something"),
        ],
    )
    def test_has_the_name_that_the_program_gave(self, entry: str, name: str) -> None:
        assert iterator_name(entry) == name


class TestHandMadeState:
    """What TensorFlow does not write, or not yet."""

    def test_of_an_unknown_name_is_the_remainder(self, tmp_path: Path) -> None:
        variants = [variant(b"Iterator::Root::Shuffle"), variant(b"no node"), variant(b"x" * 10_000)]
        state = only(hand_made(tmp_path, variants))
        assert [node.bytes for node in state.nodes] == [len(variants[0])]
        assert state.unattributed_bytes == len(variants[1]) + len(variants[2])

    def test_of_more_nodes_than_any_pipeline_has_is_the_remainder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(node_tally, "MAX_NODES", 10)
        variants = [variant(b"Iterator::Root::Node%d" % number) for number in range(100, 200)]
        state = only(hand_made(tmp_path, variants))
        assert len(state.nodes) == 10
        assert state.unattributed_bytes == sum(map(len, variants[10:]))

    def test_of_ever_new_kinds_is_counted_although_they_are_not_all_remembered(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(node_tally, "_MAX_OWNERS", 3)
        variants = [variant(b"Iterator::Root::Map@@key_%d" % number) for number in range(50)]
        assert [node.entries for node in only(hand_made(tmp_path, variants)).nodes] == [50]

    def test_with_long_metadata_is_read_beyond_the_first_look(self, tmp_path: Path) -> None:
        keys = b"".join(b"@@.results[%d][0]" % number for number in range(500))
        state = only(
            hand_made(tmp_path, [variant(b"Iterator::Root::ParallelInterleaveV4::current_elements::0" + keys)])
        )
        assert [node.elements for node in state.nodes] == [500]

    def test_with_fields_in_another_order_is_read(self, tmp_path: Path) -> None:
        proto = field(3, b"values") + field(1, b"tensorflow::Iterator") + field(2, b"Iterator::Root::Shuffle")
        assert [node.node for node in only(hand_made(tmp_path, [stored(proto)])).nodes] == ["Shuffle"]

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"\xff" * 11, "byte 0: the length of a variant is a varint that does not end"),
            (varint(1 << 60) + bytes(20), "byte 0: a variant of 1152921504606846976 bytes, where 20 bytes are left"),
            (varint(8) + bytes(11), "byte 0: a variant of 8 bytes, where 11 bytes are left"),
            (varint(4) + b"\x08\x01\x08\x01" + bytes(4), "byte 1: a variant that is not a VariantTensorDataProto"),
            (varint(4) + b"\x0a\xff\xff\x7f" + bytes(4), "byte 1: a variant that is not a VariantTensorDataProto"),
        ],
    )
    def test_that_is_damaged_is_refused_with_file_and_offset(self, tmp_path: Path, data: bytes, problem: str) -> None:
        with pytest.raises(CheckpointFormatError, match=problem) as caught:
            iterator_state(hand_made(tmp_path, [data]))
        assert caught.value.path.endswith("made.data-00000-of-00001")

    def test_with_another_number_of_variants_than_its_shape_is_refused(self, tmp_path: Path) -> None:
        prefix = hand_made(tmp_path, [variant(b"Iterator::Root::Shuffle")], count=2)
        with pytest.raises(CheckpointFormatError, match=r"1 variants in 'it' of shape \(2,\)"):
            iterator_state(prefix)

    def test_that_is_cut_short_is_refused(self, tmp_path: Path) -> None:
        prefix = hand_made(tmp_path, [variant(b"Iterator::Root::Shuffle")])
        data = tmp_path / "made.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:-1])
        with pytest.raises(CheckpointFormatError, match="bytes of a tensor expected; the file ends at byte"):
            iterator_state(prefix)

    def test_whose_data_file_is_gone_is_an_os_error(self, tmp_path: Path) -> None:
        prefix = hand_made(tmp_path, [])
        (tmp_path / "made.data-00000-of-00001").unlink()
        with pytest.raises(FileNotFoundError):
            iterator_state(prefix)


def variant(metadata: bytes, type_name: bytes = b"tensorflow::Iterator") -> bytes:
    return stored(field(1, type_name) + field(2, metadata))


def stored(proto: bytes) -> bytes:
    return varint(len(proto)) + proto + bytes(4)


def hand_made(directory: Path, variants: list[bytes], count: int | None = None) -> Path:
    data = b"".join(variants)
    (directory / "made.data-00000-of-00001").write_bytes(data)
    shape = field(2, field(1, len(variants) if count is None else count))
    return write_index(directory, [(b"it", field(1, 21) + field(2, shape) + field(5, len(data)))])


def test_the_reader_loads_no_tensorflow_and_no_numpy(tmp_path: Path) -> None:
    prefix = save_object(tmp_path, iterator=taken(Dataset.range(99).shuffle(9), 1))
    program = (
        "import sys; from observed_hooks.checkpoints.iterator_state import iterator_state; "
        "assert iterator_state(sys.argv[1]); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'google.protobuf', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(prefix)], check=False).returncode == 0
