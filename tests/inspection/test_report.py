from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.errors import CheckpointFormatError
from observed_hooks.inspection.difference import difference
from observed_hooks.inspection.history import history
from observed_hooks.inspection.human import share, size
from observed_hooks.inspection.report import Report, inspect
from observed_hooks.inspection.soundness import findings
from tests.checkpoints.saves import as_configured, save_in_session, save_object, taken

Dataset = tf.data.Dataset


def keras_with_iterator(directory: Path) -> str:
    model = tf.keras.Sequential([tf.keras.layers.Dense(8), tf.keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(tf.zeros([8, 4]), tf.zeros([8, 2]), verbose=0)
    iterator = taken(as_configured(Dataset.range(1000).shuffle(100)), 1)
    return str(save_object(directory, model=model, optimizer=model.optimizer, iterator=iterator))


def sharded_saver(directory: Path) -> str:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for number, device in enumerate(("/cpu:0", "/job:localhost/task:0/cpu:0")):
            with tf.device(device):
                v1.get_variable(f"v{number}", [10, number + 1])
        v1.get_variable("parts", [8, 2], partitioner=v1.fixed_size_partitioner(2))
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(sharded=True)
        return str(saver.save(session, str(directory / "model.ckpt"), global_step=3))


class TestAReport:
    @pytest.mark.parametrize("write", [keras_with_iterator, sharded_saver])
    def test_has_the_entries_that_tensorflow_reads(self, write: Any, tmp_path: Path) -> None:
        prefix = write(tmp_path)
        reader = tf.train.load_checkpoint(prefix)
        found = inspect(prefix)
        assert {each.name: list(each.shape) for each in found.entries} == reader.get_variable_to_shape_map()
        dtypes = {name: dtype.name for name, dtype in reader.get_variable_to_dtype_map().items()}
        assert {each.name: each.dtype for each in found.entries} == dtypes
        for each in found.entries:
            if each.dtype == "float32":
                assert each.size_bytes == reader.get_tensor(each.name).nbytes

    def test_weighs_as_much_as_the_files(self, tmp_path: Path) -> None:
        found = inspect(keras_with_iterator(tmp_path))
        sizes = {path.suffix.partition("-")[0]: path.stat().st_size for path in tmp_path.iterdir()}
        assert found.files_bytes == sizes[".index"] + sizes[".data"]
        assert sum(each.size_bytes for each in found.components) == found.tensors_bytes == sizes[".data"]

    def test_puts_the_largest_first(self, tmp_path: Path) -> None:
        sizes = [each.size_bytes for each in inspect(keras_with_iterator(tmp_path)).entries]
        assert sizes == sorted(sizes, reverse=True)

    def test_tells_the_nodes_of_an_iterator_with_what_they_hold(self, tmp_path: Path) -> None:
        (state,) = inspect(keras_with_iterator(tmp_path)).iterators
        assert (state.name, state.nodes[0].node, state.nodes[0].elements) == ("iterator", "Shuffle", 99)

    def test_is_ready_for_json(self, tmp_path: Path) -> None:
        fields = inspect(keras_with_iterator(tmp_path)).as_fields()
        assert json.loads(json.dumps(fields))["iterators"][0]["nodes"][0]["elements"] == 99

    def test_of_a_checkpoint_without_its_data_file_still_has_the_entries(self, tmp_path: Path) -> None:
        prefix = keras_with_iterator(tmp_path)
        Path(f"{prefix}.data-00000-of-00001").unlink()
        found = inspect(prefix)
        assert found.entries
        assert found.iterators == ()
        assert found.unread.endswith("No such file or directory")

    def test_of_a_damaged_index_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "model.ckpt-1.index").write_bytes(b"no index" * 20)
        with pytest.raises(CheckpointFormatError):
            inspect(str(tmp_path / "model.ckpt-1"))


def shuffled(directory: Path, buffer: int) -> Report:
    directory.mkdir()
    return inspect(str(save_in_session(directory, lambda: as_configured(Dataset.range(1000).shuffle(buffer)), 1)))


class TestADifference:
    def test_names_the_node_that_grew(self, tmp_path: Path) -> None:
        before, after = shuffled(tmp_path / "a", 10), shuffled(tmp_path / "b", 500)
        first = difference(before, after)[0]
        assert first.name == "IteratorV2 Shuffle"
        assert first.growth_bytes == after.iterators[0].nodes[0].bytes - before.iterators[0].nodes[0].bytes > 0

    def test_adds_up_to_the_growth_of_the_whole(self, tmp_path: Path) -> None:
        before, after = shuffled(tmp_path / "a", 10), shuffled(tmp_path / "b", 500)
        growths = [each.growth_bytes for each in difference(before, after)]
        assert sum(growths) == after.tensors_bytes - before.tensors_bytes

    def test_of_a_checkpoint_and_itself_is_none(self, tmp_path: Path) -> None:
        found = shuffled(tmp_path / "a", 10)
        assert difference(found, found) == ()

    def test_tells_what_came_and_what_went(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        one = inspect(str(save_object(tmp_path / "a", old=tf.Variable(1.0))))
        other = inspect(str(save_object(tmp_path / "b", new=tf.Variable([1.0, 2.0]))))
        found = {each.name.partition("/")[0]: (each.before_bytes, each.after_bytes) for each in difference(one, other)}
        assert (found["old"], found["new"]) == ((4, None), (None, 8))


class TestVerifying:
    def test_finds_nothing_in_a_sound_checkpoint(self, tmp_path: Path) -> None:
        assert list(findings(keras_with_iterator(tmp_path))) == []

    def test_names_the_entry_and_the_place_of_a_flipped_bit(self, tmp_path: Path) -> None:
        prefix = str(save_object(tmp_path, weight=tf.Variable([1.0, 2.0])))
        data = tmp_path / "object.data-00000-of-00001"
        flipped = bytearray(data.read_bytes())
        entry = next(each for each in inspect(prefix).entries if each.name.startswith("weight"))
        assert entry.size_bytes == 8
        flipped[flipped.index(b"\x00\x00\x80\x3f\x00\x00\x00\x40") + 3] ^= 1
        data.write_bytes(flipped)
        (line,) = findings(prefix)
        assert line.startswith("weight/.ATTRIBUTES/VARIABLE_VALUE: ")
        assert "expected" in line

    def test_finds_a_data_file_that_is_gone(self, tmp_path: Path) -> None:
        prefix = sharded_saver(tmp_path)
        next(tmp_path.glob("*.data-*")).unlink()
        assert list(findings(prefix))

    def test_finds_a_damaged_index(self, tmp_path: Path) -> None:
        (tmp_path / "model.ckpt-1.index").write_bytes(b"no index" * 20)
        assert len(list(findings(str(tmp_path / "model.ckpt-1")))) == 1


class TestAHistory:
    def test_has_the_components_of_every_checkpoint(self, tmp_path: Path) -> None:
        for count in (1, 2):
            save_in_session(tmp_path, lambda: Dataset.range(99).shuffle(9), count)
        points = history(str(tmp_path))
        assert [(point.basename, point.step) for point in points] == [("input.ckpt", 1), ("input.ckpt", 2)]
        assert points[0].bytes_by_component["input pipeline"] > 0
        assert points[0].bytes_by_component["other"] == 0

    def test_leaves_out_what_cannot_be_read(self, tmp_path: Path) -> None:
        save_in_session(tmp_path, lambda: Dataset.range(99).shuffle(9), 1)
        (tmp_path / "input.ckpt-2.index").write_bytes(b"no index" * 20)
        assert [point.step for point in history(str(tmp_path))] == [1]


class TestNumbersForPeople:
    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0, "0 B"),
            (1023, "1,023 B"),
            (1024, "1.0 KiB"),
            (-1536, "-1.5 KiB"),
            (4 * 1024**2, "4.0 MiB"),
            (5 * 1024**5, "5,120.0 TiB"),
        ],
    )
    def test_have_the_unit_that_fits(self, number: int, text: str) -> None:
        assert size(number) == text

    def test_share_of_nothing_is_nothing(self) -> None:
        assert (share(1, 4), share(0, 0)) == ("25.0 %", "0.0 %")
