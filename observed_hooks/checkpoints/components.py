"""What the entries of a model's checkpoint are for: weights, optimizer, or other. Names, types and shapes tell.

The rule, the first that fits:

1. `other`: strings, variants, resources and booleans; single integers, such as `global_step` and `save_counter`.
2. `optimizer`, as a v1 Saver names it: a slot, whose name is that of another entry and one part more
   (`dense/kernel/Adam_1`, also behind a scope: `training/dense/kernel/Adam`); moving averages are such slots too.
   And the powers of Adam, `beta1_power` and `beta2_power`.
3. `optimizer`, as a `tf.train.Checkpoint` names it: whatever has `/.OPTIMIZER_SLOT/` in its name, or belongs to a Keras
   optimizer: an object that has `_iterations`, `iter` or `_learning_rate`. Its `_trainable_variables` are the model's
   own, and are `weights`.
4. `weights`: all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from observed_hooks.checkpoints.bundle import Entry
from observed_hooks.events import COMPONENTS, Component, ComponentBytes

_OTHER_TYPES = frozenset({"string", "variant", "resource", "bool"})
_INTEGER = re.compile(r"u?int\d+\Z")
_POWERS = re.compile(r"(?:.*/)?beta[12]_power(?:_\d+)?\Z")
_SLOT = "/.OPTIMIZER_SLOT/"
_ATTRIBUTE = "/.ATTRIBUTES/"
_OPTIMIZER = re.compile(r"(?P<root>(?:.*/)?)(?:_iterations|iter|_learning_rate)/\.ATTRIBUTES/VARIABLE_VALUE\Z")
_MODELS_OWN = "_trainable_variables/"


def component_of(entries: Iterable[Entry]) -> dict[str, Component]:
    """Return the component of each entry of one checkpoint, by its name."""
    entries = tuple(entries)
    names = {entry.name for entry in entries}
    optimizers = {match["root"] for match in map(_OPTIMIZER.match, names) if match}
    return {entry.name: _component(entry, names, optimizers) for entry in entries}


def component_bytes(entries: Iterable[Entry]) -> tuple[ComponentBytes, ...]:
    """Return the bytes of each of `COMPONENTS`, in that order; 0 for one that the checkpoint does not have."""
    entries = tuple(entries)
    component = component_of(entries)
    sums: dict[Component, int] = dict.fromkeys(COMPONENTS, 0)
    for entry in entries:
        sums[component[entry.name]] += entry.size
    return tuple(ComponentBytes(component=each, size_bytes=size) for each, size in sums.items())


def _component(entry: Entry, names: set[str], optimizers: set[str]) -> Component:
    if entry.dtype in _OTHER_TYPES or (_INTEGER.match(entry.dtype) and not entry.shape):
        return "other"
    if _ATTRIBUTE in entry.name:
        return "optimizer" if _SLOT in entry.name or _is_of(entry.name, optimizers) else "weights"
    return "optimizer" if _POWERS.match(entry.name) or _is_slot(entry.name, names) else "weights"


def _is_of(name: str, optimizers: set[str]) -> bool:
    return any(name.startswith(root) and not name.startswith(_MODELS_OWN, len(root)) for root in optimizers if root)


def _is_slot(name: str, names: set[str]) -> bool:
    """Tell whether `name` is `[scope/]<another entry>/<slot>`."""
    variable = name.rpartition("/")[0]
    while variable:
        if variable in names:
            return True
        variable = variable.partition("/")[2]
    return False
