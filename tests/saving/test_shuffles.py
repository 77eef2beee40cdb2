from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from observed_hooks.saving.shuffles import ShuffleRecord, Sizes, sizes_of_graph

v1 = tf.compat.v1
HUNDRED: Sizes = {"IteratorV2:0": [100]}
TEN: Sizes = {"IteratorV2:0": [10]}


def record(directory: Path, sizes: Sizes) -> ShuffleRecord:
    return ShuffleRecord(str(directory), "input.ckpt", sizes)


class TestTheSizesOfAGraph:
    def test_are_those_of_every_shuffle_the_last_of_the_pipeline_first(self, graph: tf.Graph) -> None:
        dataset = tf.data.Dataset.range(9).shuffle(5).map(lambda x: x + 1).shuffle(7).repeat().batch(2).prefetch(1)
        v1.data.make_initializable_iterator(dataset)

        assert sizes_of_graph() == {"IteratorV2:0": [7, 5]}

    def test_are_none_for_a_pipeline_that_does_not_shuffle(self, graph: tf.Graph) -> None:
        v1.data.make_initializable_iterator(tf.data.Dataset.range(9).batch(2))

        assert sizes_of_graph() == {"IteratorV2:0": []}

    def test_are_unknown_where_they_are_fed(self, graph: tf.Graph) -> None:
        v1.data.make_initializable_iterator(tf.data.Dataset.range(9).shuffle(v1.placeholder(tf.int64, [])))

        assert sizes_of_graph() == {"IteratorV2:0": [None]}


class TestARecord:
    def test_objects_to_checkpoints_of_another_size_and_names_both(self, tmp_path: Path) -> None:
        record(tmp_path, HUNDRED).saved(3)

        assert record(tmp_path, TEN).objection(5) == (
            "it was saved with shuffle buffers of 100, and the program has 10"
        )

    def test_has_nothing_against_the_same_size(self, tmp_path: Path) -> None:
        record(tmp_path, HUNDRED).saved(3)

        assert record(tmp_path, dict(HUNDRED)).objection(5) is None

    @pytest.mark.parametrize("now", [{"IteratorV2:0": [None]}, {"Another:0": [10]}, {}])
    def test_has_nothing_against_what_it_does_not_know(self, tmp_path: Path, now: Sizes) -> None:
        record(tmp_path, HUNDRED).saved(3)

        assert record(tmp_path, now).objection(5) is None

    def test_has_nothing_against_checkpoints_from_before_it(self, tmp_path: Path) -> None:
        record(tmp_path, HUNDRED).saved(3)

        assert record(tmp_path, TEN).objection(2) is None

    def test_knows_which_size_was_in_use_when(self, tmp_path: Path) -> None:
        record(tmp_path, HUNDRED).saved(0)
        record(tmp_path, TEN).saved(10)

        assert record(tmp_path, HUNDRED).objection(9) is None
        assert record(tmp_path, TEN).objection(9) is not None
        assert record(tmp_path, TEN).objection(10) is None

    def test_forgets_what_was_rolled_back(self, tmp_path: Path) -> None:
        record(tmp_path, HUNDRED).saved(0)
        record(tmp_path, TEN).saved(10)
        record(tmp_path, HUNDRED).saved(5)

        assert record(tmp_path, HUNDRED).objection(12) is None

    def test_that_is_damaged_has_nothing_against_anything(self, tmp_path: Path) -> None:
        note = tmp_path / "observed_hooks" / "shuffles-input.ckpt.json"
        note.parent.mkdir()
        note.write_text('{"since_step": [1')

        assert record(tmp_path, TEN).objection(5) is None

    def test_is_written_once_as_long_as_nothing_changes(self, tmp_path: Path) -> None:
        here = record(tmp_path, HUNDRED)
        here.saved(0)
        (tmp_path / "observed_hooks" / "shuffles-input.ckpt.json").unlink()

        here.saved(5)

        assert not list((tmp_path / "observed_hooks").iterdir())
