"""The buffers of an iterator of TensorFlow 2."""

from __future__ import annotations

from typing import Any

from observed_hooks.events import BufferState
from observed_hooks.pipeline.plan import plan_of_dataset
from observed_hooks.pipeline.snapshot import Snapshots, largest, planned_snapshot


def buffers(iterator: Any, name: str = "iterator") -> tuple[BufferState, ...]:
    """Return what the buffers of `iterator` hold now, the largest first; beyond 20 nodes, the rest as one.

        iterator = iter(dataset)
        for buffer in observed_hooks.buffers(iterator):
            print(buffer.node, buffer.elements, buffer.capacity_elements)

    Cheap enough to be called at every step; from any thread.

    Args:
        iterator: what `iter(dataset)` has returned, outside of a `tf.function`.
        name: the `iterator` of the result: the attribute under which a `tf.train.Checkpoint` saves it, so that the
            two can be compared.

    Returns:
        Elements and bytes in memory where TensorFlow tells them, from 2.16 on and with autotuning on; elsewhere the
        buffers of known capacity, with None for both.

    Raises:
        TypeError: `iterator` is something else.
    """
    import tensorflow as tf

    from observed_hooks import _tensorflow

    try:
        resource = _tensorflow.resource_of_eager(iterator)
        plan = plan_of_dataset(_tensorflow.dataset_of_eager(iterator))
    except AttributeError as error:
        raise TypeError(f"expected what iter(dataset) returns, got {type(iterator).__name__}") from error
    try:
        answer = tf.raw_ops.IteratorGetModelProto(iterator=resource).numpy()
    except (AttributeError, tf.errors.OpError):
        return largest(planned_snapshot(name, plan))
    return largest(Snapshots(name, plan).of(_tensorflow.model_of(answer)))
