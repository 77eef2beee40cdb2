"""The one place that reaches TensorFlow's private names; a test runs each on every supported TensorFlow.

TensorFlow keeps no promise about these, so whatever breaks with a new release breaks here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorflow.python.data.ops import iterator_ops

if TYPE_CHECKING:
    from collections.abc import Sequence

ITERATORS_COLLECTION: str = iterator_ops.GLOBAL_ITERATORS


def iterator_resources() -> list[tf.Tensor]:
    """Return the resource tensors of the iterators in the default graph's "iterators" collection, in order."""
    return list(tf.compat.v1.get_collection(ITERATORS_COLLECTION))


def iterator_saveables(resources: Sequence[tf.Tensor], external_state_policy: str) -> list[Any]:
    """Return what a `Saver` needs to save the iterators; adds a SerializeIterator op for each to the graph.

    Each is named after its tensor, as in TensorFlow's own hook, so that checkpoints of either restore in the other.
    `tf.data.experimental.make_saveable_from_iterator` makes the same objects, but only from iterators, and the
    collection holds their resources.

    Args:
        resources: scalar resource tensors of the iterators.
        external_state_policy: `warn`, `ignore` or `fail`.
    """
    policy = tf.data.experimental.ExternalStatePolicy[external_state_policy.upper()]
    return [
        iterator_ops._IteratorSaveable(resource, resource.name, external_state_policy=policy)  # noqa: SLF001
        for resource in resources
    ]


def iterator_initializers(graph: tf.Graph) -> list[tf.Operation]:
    """Return the MakeIterator ops of `graph`: running them puts every initialisable iterator at its beginning."""
    return [op for op in graph.get_operations() if op.type == "MakeIterator"]
