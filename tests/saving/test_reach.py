from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.saving.reach import most_per_run, reach_of

v1 = tf.compat.v1


@pytest.fixture(params=[True, False], ids=["resource", "reference"])
def global_step(request: pytest.FixtureRequest, graph: tf.Graph) -> Any:
    with v1.variable_scope("", use_resource=request.param):
        return v1.train.get_or_create_global_step()


def add_one(step: Any) -> None:
    v1.assign_add(step, 1)


def add_by_optimizer(step: Any) -> None:
    weight = v1.get_variable("weight", shape=[])
    v1.train.GradientDescentOptimizer(0.1).minimize(weight**2, global_step=step)


def add_twice(step: Any) -> None:
    v1.assign_add(step, 1)
    v1.assign_add(step, 4)


def add_and_save(step: Any) -> None:
    v1.assign_add(step, 1)
    v1.train.Saver()


def add_and_read(step: Any) -> None:
    v1.assign_add(step, 1)
    tf.identity(step) + 1


def add_what_is_fed(step: Any) -> None:
    v1.assign_add(step, v1.placeholder(tf.int64, []))


def set_it(step: Any) -> None:
    v1.assign(step, step + 3)


def add_in_a_loop(step: Any) -> None:
    tf.while_loop(lambda i: i < 5, lambda i: i + tf.cast(v1.assign_add(step, 1), tf.int32) * 0 + 1, [0])


class TestTheMostThatARunCanAdd:
    @pytest.mark.parametrize(
        ("build", "most"),
        [(add_one, 1), (add_by_optimizer, 1), (add_twice, 5), (add_and_save, 1), (add_and_read, 1)],
    )
    def test_is_the_sum_of_what_the_graph_adds(self, global_step: Any, build: Callable[[Any], None], most: int) -> None:
        build(global_step)

        assert most_per_run(global_step) == most

    @pytest.mark.parametrize("build", [add_what_is_fed, set_it])
    def test_is_not_known_where_it_is_computed(self, global_step: Any, build: Callable[[Any], None]) -> None:
        build(global_step)

        assert most_per_run(global_step) is None

    def test_is_not_known_where_a_loop_adds(self, graph: tf.Graph) -> None:
        with v1.variable_scope("", use_resource=True):
            step = v1.train.get_or_create_global_step()
        add_in_a_loop(step)

        assert most_per_run(step) is None

    def test_is_not_known_where_nobody_adds(self, global_step: Any) -> None:
        assert most_per_run(global_step) is None


class TestReach:
    def test_of_a_session_in_this_process_is_nobody_elses(self, global_step: Any) -> None:
        with v1.Session() as session:
            assert reach_of(session, global_step).alone

    def test_of_a_session_on_a_server_may_be_shared(self, global_step: Any) -> None:
        server = v1.train.Server.create_local_server()
        with v1.Session(server.target) as session:
            assert not reach_of(session, global_step).alone
