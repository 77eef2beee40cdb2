from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.errors import ConfigurationError
from observed_hooks.saving.parallel import MAX_SHARDS, MIN_SHARD_BYTES, ParallelSaver, balanced, shards_for

v1 = tf.compat.v1


def variables(count: int = 5, *, resource: bool = True) -> list[Any]:
    with v1.variable_scope("model", use_resource=resource):
        return [
            v1.get_variable(f"v{number}", shape=[number + 1, 3], initializer=v1.random_normal_initializer(seed=number))
            for number in range(count)
        ]


@pytest.fixture
def session(graph: tf.Graph) -> Any:
    with v1.Session(graph=graph) as session:
        yield session


def shards(prefix: str) -> int:
    name = os.path.basename(prefix)
    return sum(found.startswith(f"{name}.data-") for found in os.listdir(os.path.dirname(prefix)))


class TestBalanced:
    @given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60), st.integers(1, 8))
    def test_puts_every_index_into_exactly_one_group(self, sizes: list[int], groups: int) -> None:
        assert sorted(index for group in balanced(sizes, groups) for index in group) == list(range(len(sizes)))

    @given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60), st.integers(1, 8))
    def test_leaves_no_group_empty(self, sizes: list[int], groups: int) -> None:
        assert all(balanced(sizes, groups))

    @given(st.lists(st.integers(1, 10**6), min_size=1, max_size=60), st.integers(1, 8))
    def test_makes_no_group_heavier_than_an_equal_share_and_one_item(self, sizes: list[int], groups: int) -> None:
        heaviest = max(sum(sizes[index] for index in group) for group in balanced(sizes, groups))

        assert heaviest <= sum(sizes) / groups + max(sizes)


class TestTheNumberOfShards:
    def test_is_one_for_a_small_model(self) -> None:
        assert shards_for(MIN_SHARD_BYTES, cores=8) == 1

    def test_is_at_most_one_for_each_core(self) -> None:
        assert shards_for(10**12, cores=2) == 2

    def test_is_bounded(self) -> None:
        assert shards_for(10**12, cores=128) == MAX_SHARDS


class TestACheckpoint:
    @pytest.mark.parametrize("staged", [False, True])
    @pytest.mark.parametrize("resource", [False, True])
    def test_equals_the_variables_bit_for_bit_in_any_reader(
        self, session: Any, tmp_path: Path, staged: bool, resource: bool
    ) -> None:
        built = variables(resource=resource)
        saver = ParallelSaver(shards=3, staged=staged)
        session.run(v1.global_variables_initializer())

        prefix = saver.save(session, str(tmp_path / "model.ckpt"), global_step=7)

        reader = tf.train.load_checkpoint(prefix)
        assert shards(prefix) == 3
        assert set(reader.get_variable_to_shape_map()) == {one.op.name for one in built}
        for one in built:
            np.testing.assert_array_equal(reader.get_tensor(one.op.name), session.run(one))

    def test_restores_through_the_stock_saver_and_the_other_way_round(self, session: Any, tmp_path: Path) -> None:
        (first, *_) = variables()
        ours, stock = ParallelSaver(shards=2), v1.train.Saver()
        clear = v1.global_variables_initializer()
        zero = first.assign(tf.zeros_like(first))
        session.run(clear)
        expected = session.run(first)

        for writer, reader in ((ours, stock), (stock, ours)):
            prefix = writer.save(session, str(tmp_path / f"{id(writer)}.ckpt"))
            session.run(zero)
            reader.restore(session, prefix)
            np.testing.assert_array_equal(session.run(first), expected)

    def test_holds_partitioned_variables_whole(self, session: Any, tmp_path: Path) -> None:
        whole = v1.get_variable("table", shape=[10, 4], partitioner=v1.fixed_size_partitioner(3))
        session.run(v1.global_variables_initializer())

        prefix = ParallelSaver(shards=2).save(session, str(tmp_path / "model.ckpt"))

        np.testing.assert_array_equal(
            tf.train.load_checkpoint(prefix).get_tensor("table"), session.run(whole.as_tensor())
        )

    def test_keeps_the_devices_of_its_variables_apart(self, graph: tf.Graph, tmp_path: Path) -> None:
        for device in (0, 1):
            with tf.device(f"/cpu:{device}"):
                v1.get_variable(f"on_{device}", shape=[4])
        saver = ParallelSaver(shards=1)
        with v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session:
            session.run(v1.global_variables_initializer())

            assert shards(saver.save(session, str(tmp_path / "model.ckpt"))) == 2

    def test_can_have_no_fewer_shards_than_one(self, graph: tf.Graph) -> None:
        variables()

        with pytest.raises(ConfigurationError, match="at least 1, got 0"):
            ParallelSaver(shards=0)


class TestAStagedCopy:
    @pytest.mark.parametrize("resource", [False, True])
    def test_is_of_the_moment_at_which_it_was_staged(self, session: Any, tmp_path: Path, resource: bool) -> None:
        built = variables(resource=resource)
        change = [v1.assign_add(one, tf.ones_like(one)) for one in built]
        saver = ParallelSaver(shards=2, staged=True)
        session.run(v1.global_variables_initializer())
        expected = session.run([one.read_value() for one in built])

        copy = saver.stage(session)
        session.run([one.op for one in change])
        reader = tf.train.load_checkpoint(saver.save_staged(copy, str(tmp_path / "model.ckpt")))

        for one, value in zip(built, expected, strict=True):
            np.testing.assert_array_equal(reader.get_tensor(one.op.name), value)

    def test_that_is_discarded_gives_way_to_the_next(self, session: Any, tmp_path: Path) -> None:
        (first, *_) = variables()
        change = first.assign(tf.fill(first.shape, 5.0))
        saver = ParallelSaver(staged=True)
        session.run(v1.global_variables_initializer())

        saver.stage(session).discard()
        session.run(change.op)
        copy = saver.stage(session)

        reader = tf.train.load_checkpoint(saver.save_staged(copy, str(tmp_path / "model.ckpt")))
        assert (reader.get_tensor(first.op.name) == 5.0).all()

    def test_is_not_taken_for_its_own_by_another_save(self, session: Any, tmp_path: Path) -> None:
        """As when a session's default saver hook uses the saver whose copy waits for its thread."""
        (first, *_) = variables()
        session.run(v1.global_variables_initializer())
        expected = session.run(first)
        change = first.assign_add(tf.ones_like(first))
        saver = ParallelSaver(staged=True)
        copy = saver.stage(session)
        session.run(change.op)

        other = threading.Thread(target=saver.save, args=(session, str(tmp_path / "other.ckpt")))
        other.start()
        prefix = saver.save_staged(copy, str(tmp_path / "model.ckpt"))
        other.join()

        np.testing.assert_array_equal(tf.train.load_checkpoint(prefix).get_tensor(first.op.name), expected)
        np.testing.assert_array_equal(
            tf.train.load_checkpoint(str(tmp_path / "other.ckpt")).get_tensor(first.op.name), expected + 1
        )

    def test_that_cannot_be_taken_does_not_block_the_next(self, session: Any) -> None:
        variables()
        saver = ParallelSaver(staged=True)
        with pytest.raises(tf.errors.FailedPreconditionError):  # nothing is initialised yet
            saver.stage(session)
        session.run(v1.global_variables_initializer())

        saver.stage(session).discard()

    @pytest.mark.parametrize("shards", [1, 2])
    def test_is_written_without_the_threads_that_training_runs_on(
        self, graph: tf.Graph, tmp_path: Path, shards: int
    ) -> None:
        model = variables()
        step = v1.get_variable("steps", initializer=0, use_resource=True).assign_add(1)
        saver = ParallelSaver(model, staged=True, shards=shards)
        as_many_threads_as_shards = v1.ConfigProto(inter_op_parallelism_threads=shards, use_per_session_threads=True)
        with v1.Session(config=as_many_threads_as_shards) as session:
            session.run(v1.global_variables_initializer())
            copy = saver.stage(session)
            # Now the write waits for what is not there, as it would for a slow disk.
            session.run(saver._ops.clear_ops)
            writer = threading.Thread(target=saver.save_staged, args=(copy, str(tmp_path / "model.ckpt")))
            writer.start()
            trainer = threading.Thread(target=lambda: [session.run(step) for _ in range(2000)])
            trainer.start()
            trainer.join(timeout=60)
            stood_still = trainer.is_alive()
            session.run(saver._ops.stage_ops, options=v1.RunOptions(inter_op_thread_pool=-1))
            writer.join()
            trainer.join()

        assert not stood_still
        assert len(tf.train.list_variables(str(tmp_path / "model.ckpt"))) == len(model)


class TestVariablesThatAreLate:
    def test_are_named(self, graph: tf.Graph) -> None:
        variables()
        saver = ParallelSaver()
        v1.get_variable("late", shape=[1])

        assert saver.left_out() == ["late"]

    def test_are_no_matter_to_a_saver_that_was_told_what_to_save(self, graph: tf.Graph) -> None:
        saver = ParallelSaver(variables())
        v1.get_variable("late", shape=[1])

        assert saver.left_out() == []
