"""Examples as they come, one epoch in a graph and a session of its own: what each weighs, its label, a fingerprint.

A fingerprint is a hash of 64 bits, nearly, of all bytes of an example: by it an example is known again when a shuffle
has brought it elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from observed_hooks.demo.graph import next_batch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import tensorflow as tf

Described: TypeAlias = "Mapping[str, npt.NDArray[np.int64]]"
"""`bytes`, `fingerprint` and `label` of some examples in a row; the last two where they exist."""

_CHUNK = 1024
_BUCKETS = 2**63 - 1
_LABEL_NAMES = ("label", "labels")


def read_epoch(make: Callable[[], tf.data.Dataset], seed: int = 0) -> Iterator[Any]:
    """Yield the elements of what `make` returns, as arrays, once and in order.

    Args:
        make: adds a dataset to the default graph.
        seed: of the graph.

    Raises:
        tf.errors.OpError: the dataset cannot be read.
    """
    import tensorflow as tf

    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.set_random_seed(seed)
        element = next_batch(make())
        initializer = tf.compat.v1.tables_initializer()
    session = tf.compat.v1.Session(graph=graph)
    try:
        session.run(initializer)
        while True:
            yield session.run(element)
    except tf.errors.OutOfRangeError:
        return
    finally:
        session.close()


def described(dataset: tf.data.Dataset, *, batched: bool, fingerprints: bool) -> tf.data.Dataset:
    """Return what can be said of the examples in `dataset`, many at a time: elements are `Described`.

    Args:
        dataset: of examples, or of batches.
        batched: whether it is of batches, which are split.
        fingerprints: whether to take them, where `has_fingerprints`.
    """
    examples = dataset.unbatch() if batched else dataset
    takes = fingerprints and has_fingerprints(examples.element_spec)

    def describe(*parts: Any) -> dict[str, tf.Tensor]:
        example = parts[0] if len(parts) == 1 else parts
        label = label_of(example)
        found = {"bytes": _bytes(example)}
        if takes:
            found["fingerprint"] = _fingerprint(example)
        if label is not None:
            found["label"] = _int64(label)
        return found

    return examples.map(describe).batch(_CHUNK)


def has_fingerprints(structure: Any) -> bool:
    """Tell whether examples of this structure (an `element_spec`) are made of plain tensors."""
    return all(component.dtype.is_numpy_compatible for component in components(structure))


def label_of(example: Any) -> Any | None:
    """Return the label in the structure of one example: `label` or `labels` of a dict, or the second of a pair.

    None where that is no integer scalar.
    """
    label: Any = None
    if isinstance(example, Mapping):
        label = next((example[name] for name in _LABEL_NAMES if name in example), None)
    elif isinstance(example, tuple) and len(example) == 2:  # noqa: PLR2004 - a pair (x, y)
        label = example[1]
    dtype, shape = getattr(label, "dtype", None), getattr(label, "shape", None)
    return label if dtype is not None and shape is not None and dtype.is_integer and shape.rank == 0 else None


def components(structure: Any) -> list[Any]:
    """Return the tensors, or their specs, that a structure is made of; ragged and sparse ones by their parts."""
    import tensorflow as tf

    flat = tf.nest.flatten(structure, expand_composites=True)
    return [each for each in flat if hasattr(each, "dtype")]


def rows(batch: Any) -> tf.Tensor:
    """Return how many examples a batch holds, an int64 scalar."""
    import tensorflow as tf

    first = tf.nest.flatten(batch)[0]
    if isinstance(first, tf.RaggedTensor):
        return tf.cast(first.nrows(), tf.int64)
    if isinstance(first, tf.SparseTensor):
        return tf.cast(first.dense_shape[0], tf.int64)
    return tf.shape(first, tf.int64)[0]


def _bytes(example: Any) -> tf.Tensor:
    import tensorflow as tf

    return tf.add_n([_component_bytes(component) for component in components(example)])


def _component_bytes(component: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    if component.dtype == tf.string:
        return tf.reduce_sum(_int64(tf.strings.length(component)))
    return tf.size(component, tf.int64) * (component.dtype.size or 0)


def _fingerprint(example: Any) -> tf.Tensor:
    import tensorflow as tf

    parts = [tf.io.serialize_tensor(component) for component in components(example)]
    return tf.strings.to_hash_bucket_fast(tf.io.serialize_tensor(tf.stack(parts)), _BUCKETS)


def _int64(tensor: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.cast(tensor, tf.int64)
