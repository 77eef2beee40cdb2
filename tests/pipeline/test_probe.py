from __future__ import annotations

import logging
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.pipeline.probe import BufferProbe
from observed_hooks.testing import FakeClock
from tests.pipeline.pipelines import TELLS, initialized, needs_live_buffers

Dataset = tf.data.Dataset
v1 = tf.compat.v1


def numbers() -> Any:
    return Dataset.range(1000).shuffle(100).batch(8)


class Asked:
    """A session that counts its runs, and can be told to fail."""

    def __init__(self, session: Any, error: Exception | None = None) -> None:
        self._session = session
        self._error = error
        self.runs = 0

    def run(self, *args: Any) -> Any:
        self.runs += 1
        if self._error is not None:
            raise self._error
        return self._session.run(*args)


@needs_live_buffers
class TestASample:
    def test_is_taken_when_the_session_begins(self) -> None:
        with initialized(numbers, 1) as sampled:
            found = sampled.probe.settle(sampled.session, 7)()
            assert found is not None
            assert found.step == 7
            assert sampled.probe.fetches() == []

    def test_is_due_again_after_its_interval(self) -> None:
        with initialized(numbers, 1) as sampled:
            sampled.probe.settle(sampled.session, 0)
            sampled.clock.advance(9.9)
            assert sampled.probe.fetches() == []
            sampled.clock.advance(0.1)
            assert len(sampled.probe.fetches()) == 1
            assert sampled.probe.fetches() == []

    def test_is_due_at_once_when_asked_for(self) -> None:
        with initialized(numbers, 1) as sampled:
            sampled.probe.settle(sampled.session, 0)
            sampled.probe.request()
            assert len(sampled.probe.fetches()) == 1

    def test_rides_along_with_a_step(self) -> None:
        with initialized(numbers, 1) as sampled:
            sampled.probe.settle(sampled.session, 0)
            sampled.probe.request()
            _, values = sampled.session.run([sampled.following, sampled.probe.fetches()])
            found = sampled.probe.take(12, values)()
            assert found is not None
            assert found.step == 12
            assert found.buffers[0].elements == 99

    def test_costs_one_run_of_its_own_for_a_whole_session(self) -> None:
        with initialized(numbers, 1) as sampled:
            session = Asked(sampled.session)
            sampled.probe.settle(session, 0)
            for step in range(5):
                sampled.probe.request()
                sampled.probe.take(step, sampled.session.run(sampled.probe.fetches()))
            assert session.runs == 1

    def test_may_be_told_when_the_probe_is_with_the_next_graph_already(self) -> None:
        with initialized(numbers, 1) as sampled:
            sampled.probe.settle(sampled.session, 0)
            sampled.probe.request()
            late = sampled.probe.take(12, sampled.session.run(sampled.probe.fetches()))
            with tf.Graph().as_default():
                sampled.probe.begin()
            found = late()
            assert found is not None
            assert found.buffers[0].elements == 99

    def test_names_each_iterator(self) -> None:
        with tf.Graph().as_default(), v1.Session() as session:
            for _ in range(2):
                session.run(v1.data.make_initializable_iterator(numbers()).initializer)
            probe = BufferProbe(10.0, FakeClock())
            probe.begin()
            found = probe.settle(session, 0)()
            assert found is not None
            assert {each.iterator for each in found.buffers} == {"IteratorV2", "IteratorV2_1"}


@needs_live_buffers
class TestAnIteratorThatDoesNotAnswer:
    def test_because_it_was_never_initialised_leaves_the_others_and_the_step_alone(self) -> None:
        with tf.Graph().as_default(), v1.Session() as session:
            one, _never, three = (v1.data.make_initializable_iterator(numbers()) for _ in range(3))
            probe = BufferProbe(10.0, FakeClock())
            probe.begin()
            session.run([one.initializer, three.initializer])
            probe.settle(session, 0)
            probe.request()
            assert len(probe.fetches()) == 2

    def test_because_autotuning_is_off_has_its_capacities_and_one_line_says_so(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def untuned() -> Any:
            options = tf.data.Options()
            options.autotune.enabled = False
            return numbers().with_options(options)

        caplog.set_level(logging.INFO, "observed_hooks")
        with initialized(untuned, 1) as sampled:
            found = [sampled.buffers(), sampled.buffers()][0]
            assert sampled.probe.fetches() == []
        assert [(each.elements, each.capacity_elements) for each in found.values()] == [(None, 100)]
        assert len(caplog.records) == 1

    def test_is_one_that_may_be_initialised_in_several_ways(self) -> None:
        with tf.Graph().as_default(), v1.Session() as session:
            iterator = v1.data.Iterator.from_structure(tf.int64, [])
            both = [iterator.make_initializer(Dataset.range(9).shuffle(size)) for size in (2, 3)]
            probe = BufferProbe(10.0, FakeClock())
            probe.begin()
            session.run(both[0])
            assert probe.settle(session, 0)() is None
            probe.request()
            assert probe.fetches() == []


class TestTrouble:
    def test_in_the_session_costs_the_samples_and_nothing_else(self, caplog: pytest.LogCaptureFixture) -> None:
        with initialized(numbers) as sampled:
            session = Asked(sampled.session, RuntimeError("no such session"))
            found = sampled.probe.settle(session, 0)()
            assert (found is None) == TELLS
            assert sampled.probe.fetches() == []

    @needs_live_buffers
    def test_with_what_came_back_is_warned_of_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with initialized(numbers) as sampled:
            sampled.probe.settle(sampled.session, 0)
            assert sampled.probe.take(1, [b"\xff\xff"])() is None
            sampled.probe.request()
            assert sampled.probe.fetches() == []
        assert len(caplog.records) == 1

    def test_is_not_had_with_a_graph_without_iterators(self) -> None:
        with tf.Graph().as_default(), v1.Session() as session:
            probe = BufferProbe(10.0, FakeClock())
            probe.begin()
            assert probe.settle(session, 0)() is None


@pytest.mark.skipif(TELLS, reason="TensorFlow tells more")
class TestBefore216:
    def test_capacities_are_told_with_the_names_that_saved_state_has(self, tmp_path: Any) -> None:
        from tests.pipeline.test_live import saved_names

        with initialized(lambda: Dataset.range(99).shuffle(9).repeat().batch(2).prefetch(3), 1) as sampled:
            found = sampled.buffers()
            assert {node: each.capacity_elements for node, each in found.items()} == {
                "Prefetch": 3,
                "Prefetch::BatchV2::ShuffleAndRepeat": 9,
            }
            assert found.keys() <= saved_names(sampled, tmp_path).keys()

    def test_what_buffers_hold_is_unknown_and_not_zero(self) -> None:
        with initialized(numbers, 1) as sampled:
            assert {(each.elements, each.size_bytes) for each in sampled.buffers().values()} == {(None, None)}
