"""Iterators in a session whose buffers are sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import tensorflow as tf

from observed_hooks.events import BufferState
from observed_hooks.pipeline.probe import BufferProbe
from observed_hooks.testing import FakeClock

TELLS = hasattr(tf.raw_ops, "IteratorGetModelProto")
needs_live_buffers = pytest.mark.skipif(not TELLS, reason=f"TensorFlow {tf.__version__} does not tell: 2.16 or later")

MakeDataset = Callable[[], Any]


class Sampled(NamedTuple):
    """A session with one iterator, and a probe that has begun."""

    session: Any
    following: Any
    iterator: Any
    probe: BufferProbe
    clock: FakeClock

    def buffers(self) -> dict[str, BufferState]:
        """What the first sample says, by node."""
        found = self.probe.settle(self.session, 0)()
        return {buffer.node: buffer for buffer in found.buffers} if found is not None else {}


def plain(dataset: Any) -> Any:
    """The dataset with the transformations it was written with, and still with the model that autotuning keeps."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return dataset.with_options(options)


@contextmanager
def initialized(make: MakeDataset, taken: int = 0) -> Iterator[Sampled]:
    """A session whose iterator over `make()` has handed out `taken` elements."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        v1.set_random_seed(1)
        iterator = v1.data.make_initializable_iterator(make())
        following = iterator.get_next()
        clock = FakeClock()
        probe = BufferProbe(10.0, clock)
        probe.begin()
        with v1.Session() as session:
            session.run(iterator.initializer)
            for _ in range(taken):
                session.run(following)
            yield Sampled(session, following, iterator, probe, clock)
