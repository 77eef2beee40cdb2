"""What a program asks of its input pipeline: the datasets upstream of an iterator, and the capacities of their buffers.

Capacities are read where they stand as constants. A capacity that is fed, computed by the data, or left to
TensorFlow's autotuning (-1) is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from observed_hooks.pipeline.families import OPENS_DATASETS, PREFETCH, SHUFFLE, parts

if TYPE_CHECKING:
    import tensorflow as tf

_BUFFER_SIZE_INPUT = 1
_WITH_BUFFER_SIZE = {SHUFFLE, PREFETCH}
# They configure what is before them, and do not run as nodes.
_TRANSPARENT = {"Identity", "Options", "Model", "Optimize", "Finalize", "WrapDatasetVariant", "UnwrapDatasetVariant"}
_OPENING_FUNCTIONS = ("f", "reduce_func")
_FACTORY = "dataset_factory"


@dataclass(frozen=True, slots=True)
class Planned:
    """One transformation as the program has it."""

    name: str
    """Of the op or of the class, such as `ShuffleDatasetV3`."""
    capacity: int | None = None
    """Elements that its buffer has room for; None when that is unknown, or it has none."""
    inputs: tuple[Planned, ...] = ()
    opened: Planned | None = None
    """What its function makes of each element, where that is a dataset."""


def plan_of_resource(resource: tf.Tensor) -> Planned | None:
    """Return the plan of a graph-mode iterator; None when it has several initialisers, or none that can be seen."""
    if resource.op.type == "OneShotIterator":
        return _of_function(resource.op, (_FACTORY,))
    makers = initializers(resource)
    return _of_op(makers[0].inputs[0].op) if len(makers) == 1 else None


def initializers(resource: tf.Tensor) -> list[tf.Operation]:
    """Return the ops that put the iterator at the beginning of a dataset."""
    return [op for op in resource.consumers() if op.type == "MakeIterator"]


def plan_of_dataset(dataset: Any) -> Planned:
    """Return the plan of a `tf.data.Dataset` of TensorFlow 2."""
    from observed_hooks import _tensorflow

    name = type(dataset).__name__
    inputs = _tensorflow.inputs_of_dataset(dataset)
    if _is_transparent(name, len(inputs)):
        return plan_of_dataset(inputs[0])
    opened = _tensorflow.function_outputs_of_dataset(dataset) if parts(name)[0] in OPENS_DATASETS else []
    return Planned(
        name,
        _capacity(_tensorflow.buffer_size_of_dataset(dataset)),
        tuple(map(plan_of_dataset, inputs)),
        _of_outputs(opened),
    )


def _of_op(op: tf.Operation) -> Planned:
    inputs = [tensor.op for tensor in op.inputs if _is_dataset(tensor)]
    if _is_transparent(op.type, len(inputs)):
        return _of_op(inputs[0])
    buffer_size = op.inputs[_BUFFER_SIZE_INPUT] if _WITH_BUFFER_SIZE.intersection(parts(op.type)) else None
    opened = _of_function(op, _OPENING_FUNCTIONS) if parts(op.type)[0] in OPENS_DATASETS else None
    return Planned(op.type, _capacity(buffer_size), tuple(map(_of_op, inputs)), opened)


def _of_function(op: tf.Operation, attributes: Iterable[str]) -> Planned | None:
    from observed_hooks import _tensorflow

    names = [op.get_attr(name).name for name in attributes if name in op.node_def.attr]
    # An AtomicFunction's body may live in a graph that imported its function: then its name is not known there.
    try:
        return _of_outputs(_tensorflow.function_outputs(op.graph, names[0]))
    except (LookupError, AttributeError):
        return None


def _of_outputs(outputs: list[tf.Tensor]) -> Planned | None:
    """Return the plan of the dataset that a function returns; None for a function that returns something else."""
    return _of_op(outputs[0].op) if len(outputs) == 1 and _is_dataset(outputs[0]) else None


def _is_dataset(tensor: tf.Tensor) -> bool:
    return tensor.dtype.name == "variant" and (
        "Dataset" in tensor.op.type or tensor.op.type in {"Identity", "Placeholder"}
    )


def _is_transparent(name: str, inputs: int) -> bool:
    return inputs == 1 and (parts(name)[0] in _TRANSPARENT or name in _TRANSPARENT)


def _capacity(buffer_size: tf.Tensor | None) -> int | None:
    import tensorflow as tf

    value = tf.get_static_value(buffer_size) if buffer_size is not None else None
    return int(value) if value is not None and int(value) > 0 else None
