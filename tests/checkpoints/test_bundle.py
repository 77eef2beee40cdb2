from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.checkpoints import bundle as bundles
from observed_hooks.checkpoints.bundle import Bundle, Part, read_index
from observed_hooks.checkpoints.slices import FULL, slice_key
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.saves import save_object, taken
from tests.checkpoints.tables import block, field, pair, table, write_index

v1 = tf.compat.v1


def save_session(prefix: Path, **arguments: Any) -> Bundle:
    """Save all variables of the default graph by the v1 Saver, and read the index."""
    saver = v1.train.Saver(**arguments)
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        saver.save(session, str(prefix), write_meta_graph=False)
    return read_index(prefix)


def agrees_with_tensorflow(bundle: Bundle) -> bool:
    """Whether names, dtypes, shapes, and the bytes of numbers are those of `tf.train.load_checkpoint`."""
    reader = tf.train.load_checkpoint(bundle.prefix)
    dtypes = reader.get_variable_to_dtype_map()
    shapes = reader.get_variable_to_shape_map()
    assert {entry.name: entry.dtype for entry in bundle.entries} == {name: dtype.name for name, dtype in dtypes.items()}
    assert {entry.name: list(entry.shape) for entry in bundle.entries} == shapes
    numbers = [entry for entry in bundle.entries if entry.dtype not in ("string", "variant")]
    return all(entry.size == reader.get_tensor(entry.name).nbytes for entry in numbers)


class TestReadIndex:
    def test_agrees_with_tensorflow_on_an_object_with_an_iterator(self, tmp_path: Path) -> None:
        optimizer = {"m": tf.Variable(tf.zeros([3, 2])), "step": tf.Variable(5, dtype=tf.int64)}
        prefix = save_object(
            tmp_path,
            model=tf.Module(),
            iterator=taken(tf.data.Dataset.range(99).shuffle(9), 1),
            optimizer=tf.train.Checkpoint(**optimizer),
            names=tf.Variable(["a", "longer"]),
        )
        assert agrees_with_tensorflow(read_index(prefix))

    @pytest.mark.parametrize(
        "value",
        [
            5,
            [],
            [[], []],
            "",
            ["a", "", "longer than that"],
            True,
            1.5j,
            tf.zeros([2, 3], tf.bfloat16),
            tf.zeros([1, 1, 1, 1, 1], tf.uint8),
        ],
        ids=str,
    )
    def test_agrees_with_tensorflow_on_a_value(self, value: Any, tmp_path: Path) -> None:
        assert agrees_with_tensorflow(read_index(save_object(tmp_path, value=tf.Variable(value))))

    def test_agrees_with_tensorflow_on_the_shards_of_a_saver(self, graph: tf.Graph, tmp_path: Path) -> None:
        with tf.device("/cpu:0"):
            v1.get_variable("here", [7, 3])
        with tf.device("/job:localhost/replica:0/task:0/cpu:0"):
            v1.get_variable("there", [5])
        bundle = save_session(tmp_path / "model.ckpt", sharded=True)
        assert agrees_with_tensorflow(bundle)
        assert bundle.num_shards == 2
        assert {entry.parts[0].shard for entry in bundle.entries} == {0, 1}
        assert all(Path(bundle.data_path(shard)).exists() for shard in range(bundle.num_shards))

    def test_agrees_with_tensorflow_on_partitioned_variables(self, graph: tf.Graph, tmp_path: Path) -> None:
        for rows, columns in ((300, 2), (7, 1), (200_000, 1)):
            shards = v1.fixed_size_partitioner(3)
            v1.get_variable(f"embedding/of_{rows}", [rows, columns], partitioner=shards)
        bundle = save_session(tmp_path / "model.ckpt")
        assert agrees_with_tensorflow(bundle)
        assert [part.extents for part in bundle.entries[-1].parts] == [
            ((0, 3), (0, 1)),
            ((3, 2), (0, 1)),
            ((5, 2), (0, 1)),
        ]

    def test_reads_slices_that_span_a_dimension(self, graph: tf.Graph, tmp_path: Path) -> None:
        save = tf.raw_ops.SaveV2(
            prefix=str(tmp_path / "sliced"),
            tensor_names=["a", "a"],
            shape_and_slices=["4 2 -:0,1", "4 2 -:1,1"],
            tensors=[tf.zeros([4, 1])] * 2,
        )
        with v1.Session() as session:
            session.run(save)
        bundle = read_index(tmp_path / "sliced")
        assert agrees_with_tensorflow(bundle)
        assert [part.extents for part in bundle.entries[0].parts] == [((0, FULL), (0, 1)), ((0, FULL), (1, 1))]

    def test_reads_thousands_of_tensors(self, tmp_path: Path, graph: tf.Graph) -> None:
        names = [f"layer_{number:04}/kernel" for number in range(4000)]
        tensors = [tf.zeros([number % 3]) for number in range(4000)]
        save = tf.raw_ops.SaveV2(
            prefix=str(tmp_path / "large"), tensor_names=names, shape_and_slices=[""] * 4000, tensors=tensors
        )
        with v1.Session() as session:
            session.run(save)
        bundle = read_index(tmp_path / "large")
        assert [entry.name for entry in bundle.entries] == names
        assert [entry.shape for entry in bundle.entries] == [(number % 3,) for number in range(4000)]

    def test_does_not_touch_the_data_files(self, tmp_path: Path) -> None:
        prefix = save_object(tmp_path, value=tf.Variable(1.0))
        Path(f"{prefix}.data-00000-of-00001").unlink()
        assert read_index(prefix).entries

    def test_of_a_prefix_without_an_index_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"model\.ckpt-1\.index"):
            read_index(tmp_path / "model.ckpt-1")


SHAPE = field(2, field(2, field(1, 4)))


class TestHandMadeIndex:
    """What TensorFlow does not write."""

    def test_with_names_that_are_not_utf_8_shows_their_bytes(self, tmp_path: Path) -> None:
        (entry,) = read_index(write_index(tmp_path, [(b"\xffa", field(1, 1))])).entries
        assert entry.name == "\\xffa"

    def test_with_a_dtype_newer_than_this_reader_gives_its_number(self, tmp_path: Path) -> None:
        (entry,) = read_index(write_index(tmp_path, [(b"a", field(1, 9999))])).entries
        assert (entry.dtype, entry.shape, entry.parts) == ("dtype 9999", (), (Part(0, 0, 0, 0),))

    @pytest.mark.parametrize(
        ("header", "problem"),
        [
            (b"", "a checkpoint of 0 data files"),
            (field(1, 100_000), "a checkpoint of 100000 data files"),
            (field(1, 2**64 - 1), "a checkpoint of -1 data files"),
            (field(1, 1) + field(2, 1), "written on a big-endian machine"),
        ],
    )
    def test_with_an_impossible_header_is_refused(self, tmp_path: Path, header: bytes, problem: str) -> None:
        with pytest.raises(CheckpointFormatError, match=problem):
            read_index(write_index(tmp_path, [], header))

    @pytest.mark.parametrize(
        ("entry", "problem"),
        [
            (field(3, 1), "an entry in data file 1 of 1"),
            (field(4, 2**64 - 1), "an entry of 0 bytes at byte -1 of its data file"),
            (field(5, 2**64 - 1), "an entry of -1 bytes at byte 0 of its data file"),
            (field(2, field(2, field(1, 2**64 - 5))), "a dimension of size -5"),
            (field(2, field(2, b"") * 255), "a tensor of 255 dimensions"),
            (field(7, field(1, b"") * 255), "a slice of 255 dimensions"),
            (field(2, 3), "a message or a string was expected"),
            (field(5, b"abc"), "a number was expected"),
            (SHAPE + field(7, field(1, field(2, 4))), "the index has no entry, or two uses, of slice"),
            (b"\x0a\xff\xff\x7f", "field 1 should take 2097151 bytes"),
        ],
    )
    def test_with_an_impossible_entry_is_refused(self, tmp_path: Path, entry: bytes, problem: str) -> None:
        with pytest.raises(CheckpointFormatError, match=problem) as caught:
            read_index(write_index(tmp_path, [(b"a", entry)]))
        assert 0 < caught.value.offset < (tmp_path / "made.index").stat().st_size

    def test_that_uses_a_slice_twice_is_refused(self, tmp_path: Path) -> None:
        twice = field(7, field(1, field(2, 4))) * 2
        with pytest.raises(CheckpointFormatError, match="two uses"):
            read_index(write_index(tmp_path, [(slice_key(b"a", [(0, 4)]), field(1, 1)), (b"a", SHAPE + twice)]))

    def test_with_more_entries_than_any_model_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bundles, "MAX_ENTRIES", 10)
        entries = [(b"%03d" % number, b"") for number in range(11)]
        with pytest.raises(CheckpointFormatError, match="more than 10 entries"):
            read_index(write_index(tmp_path, entries))

    def test_without_a_header_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "made.index").write_bytes(table(block([pair(b"a", b"")])))
        with pytest.raises(CheckpointFormatError, match="the index has no header"):
            read_index(tmp_path / "made")
