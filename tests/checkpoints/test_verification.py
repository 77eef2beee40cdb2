from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from observed_hooks.checkpoints.bundle import Bundle, Entry, read_index
from observed_hooks.checkpoints.verification import check, verify
from observed_hooks.errors import CheckpointFormatError
from tests.checkpoints.saves import save_in_session, save_object, taken

v1 = tf.compat.v1


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """Numbers, strings, an iterator, and nothing at all."""
    prefix = save_object(
        tmp_path,
        numbers=tf.Variable(tf.random.uniform([1000, 700])),
        strings=tf.Variable(["", "a", "x" * 300] * 2000),
        iterator=taken(tf.data.Dataset.range(99).map(lambda x: tf.fill([2000], x)).shuffle(9), 1),
        empty=tf.Variable(tf.zeros([0, 3])),
    )
    return read_index(prefix)


def change_byte(bundle: Bundle, entry: Entry, at: int) -> None:
    part = entry.parts[0]
    with Path(bundle.data_path(part.shard)).open("r+b") as data:
        data.seek(part.offset + at % part.size)
        byte = data.read(1)[0]
        data.seek(-1, 1)
        data.write(bytes([byte ^ 0x10]))


class TestVerify:
    def test_finds_what_tensorflow_wrote_sound(self, bundle: Bundle) -> None:
        assert [(entry, sound) for entry, sound in verify(bundle) if not sound] == []
        assert {entry.dtype for entry in bundle.entries} == {"float32", "string", "variant"}

    def test_finds_the_iterator_of_a_session_sound(self, tmp_path: Path) -> None:
        bundle = read_index(save_in_session(tmp_path, lambda: tf.data.Dataset.range(99).shuffle(9), 1))
        assert [sound for _, sound in verify(bundle)] == [True]

    def test_finds_the_slices_of_partitioned_variables_sound(self, graph: tf.Graph, tmp_path: Path) -> None:
        v1.get_variable("numbers", [70, 3], partitioner=v1.fixed_size_partitioner(3))
        words = v1.fixed_size_partitioner(2)
        v1.get_variable("strings", initializer=tf.constant(["a", "bc", "def"]), partitioner=words)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.train.Saver(sharded=True).save(session, str(tmp_path / "model"), write_meta_graph=False)
        sound = list(verify(read_index(tmp_path / "model")))
        assert [(entry.name, len(entry.parts), ok) for entry, ok in sound] == [
            ("numbers", 3, True),
            ("strings", 2, True),
        ]

    @pytest.mark.parametrize("at", [0, 1, 7, -1, -2, 1000])
    @pytest.mark.parametrize("name", ["numbers", "strings", "iterator"])
    def test_finds_the_one_entry_in_which_a_byte_has_changed(self, bundle: Bundle, name: str, at: int) -> None:
        (entry,) = [entry for entry in bundle.entries if entry.name.startswith(name)]
        change_byte(bundle, entry, at)
        assert [found for found, sound in verify(bundle) if not sound] == [entry]

    def test_finds_what_is_missing_at_the_end_of_a_file(self, bundle: Bundle) -> None:
        data = Path(bundle.data_path(0))
        data.write_bytes(data.read_bytes()[:-1])
        last = max(bundle.entries, key=lambda entry: entry.parts[0].offset + entry.size)
        assert [entry for entry, sound in verify(bundle) if not sound] == [last]

    def test_finds_nothing_sound_when_the_data_file_is_gone(self, bundle: Bundle) -> None:
        Path(bundle.data_path(0)).unlink()
        assert {sound for _, sound in verify(bundle)} == {False}


class TestCheck:
    def test_names_the_file_the_offset_and_the_entry(self, bundle: Bundle) -> None:
        (entry,) = [entry for entry in bundle.entries if entry.name.startswith("numbers")]
        change_byte(bundle, entry, 5)
        with pytest.raises(CheckpointFormatError, match=f"checksum of '{entry.name}': 0x") as caught:
            check(bundle, entry)
        assert (caught.value.path, caught.value.offset) == (bundle.data_path(0), entry.parts[0].offset)

    def test_tells_a_missing_file_from_a_damaged_one(self, bundle: Bundle) -> None:
        Path(bundle.data_path(0)).unlink()
        with pytest.raises(FileNotFoundError):
            check(bundle, bundle.entries[0])
