from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

import observed_hooks
from observed_hooks.checkpoints.iterator_state import iterator_state
from observed_hooks.pipeline.snapshot import MOST_NODES
from tests.checkpoints.saves import save_object
from tests.pipeline.pipelines import TELLS, needs_live_buffers

Dataset = tf.data.Dataset


class TestBuffers:
    def test_have_their_capacity_on_every_tensorflow(self) -> None:
        iterator = iter(Dataset.range(99).shuffle(9).repeat().batch(2).prefetch(3))
        next(iterator)
        found = observed_hooks.buffers(iterator)
        assert {each.node: each.capacity_elements for each in found} == {
            "Prefetch": 3,
            "Prefetch::BatchV2::ShuffleAndRepeat": 9,
        }
        assert all((each.elements is not None) == TELLS for each in found)

    def test_have_the_names_under_which_a_checkpoint_saves_them(self, tmp_path: Path) -> None:
        iterator = iter(Dataset.range(99).shuffle(9).batch(2))
        next(iterator)
        (state,) = iterator_state(save_object(tmp_path, train=iterator))
        found = {(each.iterator, each.node) for each in observed_hooks.buffers(iterator, "train")}
        assert found
        assert found <= {(state.name, node.node) for node in state.nodes}

    @needs_live_buffers
    def test_beyond_the_largest_are_told_as_one(self) -> None:
        inputs = [Dataset.range(99).shuffle(size + 2) for size in range(MOST_NODES + 3)]
        iterator = iter(Dataset.zip(tuple(inputs)))
        next(iterator)
        found = observed_hooks.buffers(iterator)
        assert len(found) == MOST_NODES + 1
        assert (found[-1].iterator, found[-1].node, found[-1].transformation) == ("other", "other", "other")
        shuffled = sum(size + 1 for size in range(MOST_NODES + 3))
        assert sum(each.elements or 0 for each in found) >= shuffled

    @pytest.mark.parametrize("something", [iter([1, 2]), None, "iterator"])
    def test_of_something_else_are_refused(self, something: object) -> None:
        with pytest.raises(TypeError, match=r"expected what iter\(dataset\) returns, got"):
            observed_hooks.buffers(something)
