"""Names of tf.data nodes, made the same for every save of a program.

tf.data names a running iterator after the transformations it passed through from the consumer on, such as
`Iterator::Root::Prefetch::BatchV2::ShuffleAndRepeat`, and the keys of its state after that.

Source: `dataset_utils.h`, `name_utils.h` and the iterators under `core/kernels/data` in TensorFlow.
"""

from __future__ import annotations

import re

_ROOT = ("Iterator", "Root")
_COMPONENT = re.compile(r"(?P<type>[A-Z][A-Za-z0-9]*)(?P<inputs>(?:\[\d+\])*)")
# Of these the number tells one of several inputs, each with its own place in the program. Of all others
# (FlatMap, Interleave, GroupByWindow, Repeat) it counts iterators that come and go with the data.
NUMBERED_INPUTS = frozenset({"Zip", "Concatenate", "DirectedInterleave"})
_VERSION = re.compile(r"(?<=.)V\d+\Z")
_TRANSFORMATIONS = {
    "ShuffleAndRepeat": "Shuffle",
    "MemoryCache": "Cache",
    "FileCache": "Cache",
    "ForeverRepeat": "Repeat",
    "FiniteRepeat": "Repeat",
    "FiniteTake": "Take",
    "FiniteSkip": "Skip",
}


def node_path(state_name: str) -> str:
    """Return the node that owns the state named `state_name`; empty when the name is not that of a node.

    `Iterator::Root::Interleave[3]::Shuffle:buffer::17` belongs to `Interleave::Shuffle`: numbers are dropped
    where they count iterators that come and go, and kept where they tell inputs apart (`Zip[0]::Shuffle`).
    """
    components = state_name.rpartition("|")[2].split("::")
    while components and components[0] in _ROOT:
        del components[0]
    path = []
    for component in components:
        match = _COMPONENT.match(component)
        if match is None:
            break
        # The two iterators of a cache, while it fills and when it is full, are one node.
        kind = match["type"].removesuffix("Impl")
        path.append(kind + match["inputs"] if kind in NUMBERED_INPUTS else kind)
        if match.end() < len(component):
            break
    return "::".join(path)


def transformation(node: str) -> str:
    """Return what the node does, as users write it: `Shuffle` for `Prefetch::BatchV2::ShuffleAndRepeat`."""
    kind = node.rpartition("::")[2].partition("[")[0]
    kind = _VERSION.sub("", kind)
    return _TRANSFORMATIONS.get(kind, kind)
