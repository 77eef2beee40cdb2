"""Every private name of TensorFlow's that we use is what we take it for, on every TensorFlow we support."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks import _tensorflow
from tests.training import initializable, numbers, one_shot, shuffled


class TestIteratorResources:
    @pytest.mark.parametrize("make", [initializable, one_shot])
    def test_are_scalar_resource_tensors(self, graph: tf.Graph, make: Any) -> None:
        make(numbers())
        (resource,) = _tensorflow.iterator_resources()
        assert resource.dtype == tf.resource
        assert resource.shape == []

    def test_come_in_the_order_in_which_they_were_made(self, graph: tf.Graph) -> None:
        made = [initializable(numbers())._iterator_resource.name for _ in range(3)]
        assert [resource.name for resource in _tensorflow.iterator_resources()] == made

    def test_are_those_of_the_default_graph_alone(self, graph: tf.Graph) -> None:
        initializable(numbers())
        with tf.Graph().as_default():
            assert _tensorflow.iterator_resources() == []

    def test_stand_in_the_collection_that_users_know_by_name(self) -> None:
        assert _tensorflow.ITERATORS_COLLECTION == "iterators"


class TestIteratorSaveables:
    def test_are_named_after_their_tensors_as_tensorflow_s_own_hook_names_them(self, graph: tf.Graph) -> None:
        initializable(numbers())
        resources = _tensorflow.iterator_resources()
        (saveable,) = _tensorflow.iterator_saveables(resources, "fail")
        assert saveable.name == resources[0].name

    def test_bring_an_iterator_back_to_where_it_was_saved(self, graph: tf.Graph, tmp_path: Path) -> None:
        iterator = initializable(shuffled())
        following = iterator.get_next()
        saver = tf.compat.v1.train.Saver(
            _tensorflow.iterator_saveables(_tensorflow.iterator_resources(), "fail"), sharded=True
        )
        with tf.compat.v1.Session() as session:
            session.run(iterator.initializer)
            for _ in range(5):
                session.run(following)
            prefix = saver.save(session, str(tmp_path / "input.ckpt"), write_meta_graph=False)
            after = [int(session.run(following)) for _ in range(50)]
            saver.restore(session, prefix)
            assert [int(session.run(following)) for _ in range(50)] == after

    @pytest.mark.parametrize("policy", ["fail", "warn", "ignore"])
    def test_treat_state_that_cannot_be_saved_by_the_policy(self, graph: tf.Graph, tmp_path: Path, policy: str) -> None:
        random = tf.data.Dataset.range(9).map(lambda _: tf.random.uniform([]))
        iterator = initializable(random)
        saver = tf.compat.v1.train.Saver(
            _tensorflow.iterator_saveables(_tensorflow.iterator_resources(), policy), sharded=True
        )
        with tf.compat.v1.Session() as session:
            session.run(iterator.initializer)
            if policy != "fail":
                assert saver.save(session, str(tmp_path / "input.ckpt"), write_meta_graph=False)
                return
            with pytest.raises(tf.errors.FailedPreconditionError) as raised:
                saver.save(session, str(tmp_path / "input.ckpt"), write_meta_graph=False)
            assert raised.value.op.type == "SerializeIterator"


class TestIteratorInitializers:
    def test_put_every_initialisable_iterator_at_its_beginning(self, graph: tf.Graph) -> None:
        following = [initializable(numbers()).get_next() for _ in range(2)]
        initializers = _tensorflow.iterator_initializers(graph)
        assert len(initializers) == 2
        with tf.compat.v1.Session() as session:
            for _ in range(2):
                session.run(initializers)
                assert [session.run(following) for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]
