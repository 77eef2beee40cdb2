"""What TensorFlow's model of a running iterator says about its nodes.

The model serves tf.data's autotuning; IteratorGetModelProto hands it out, from TensorFlow 2.16 on.

Source: `model.proto`, and `record_buffer_event` in the iterators under `core/kernels/data` in TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from observed_hooks.pipeline.families import PREFETCH, parts

# How many results each may hold, as they tell it themselves.
_LIMITS = {
    PREFETCH: "buffer_size",
    "Map": "parallelism",
    "Batch": "parallelism",
    "Interleave": "max_buffered_elements",
}


@dataclass(frozen=True, slots=True)
class Running:
    """One node of a running iterator. `inputs` are in the order in which they were opened."""

    id: int
    """Rises with every node that is opened; another one in every run."""
    name: str
    """Such as `ShuffleAndRepeat`."""
    limit: int | None
    """Elements that it may hold, where it tells a number that autotuning does not change."""
    inputs: tuple[Running, ...]


def running(model: Any) -> Running:
    """Return the node that hands elements to the program, with all that is behind it.

    Args:
        model: a `ModelProto`.

    Raises:
        KeyError: the model has no such node.
    """
    if model.output not in model.nodes:  # asking for it would add an empty one
        raise KeyError(model.output)
    return _node(model, model.nodes[model.output])


def _node(model: Any, node: Any) -> Running:
    return Running(
        node.id,
        node.name,
        _limit(node),
        # A node that ends while the model is copied is named by its consumer and is not there.
        tuple(_node(model, model.nodes[each]) for each in node.inputs if each in model.nodes),
    )


def _limit(node: Any) -> int | None:
    kind = parts(node.name)
    wanted = _LIMITS.get(kind[0]) if len(kind) == 1 else None
    for parameter in node.parameters if wanted else ():
        if parameter.name == wanted and not parameter.tunable and parameter.value > 0:
            return int(parameter.value)
    return None
