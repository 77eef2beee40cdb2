"""What a tf.data node is, whatever it is called.

A transformation has one name in the program's graph (`ShuffleDatasetV3`), another one when it runs (`Shuffle`), and a
third one when TensorFlow has fused or parallelised it (`ShuffleAndRepeat`, `ParallelMapV2`).

Source: `name_utils.h`, and the optimisations under `core/grappler/optimizers/data` in TensorFlow.
"""

from __future__ import annotations

import re
from functools import lru_cache

SHUFFLE = "Shuffle"
PREFETCH = "Prefetch"

MERGES_INPUTS = frozenset({"Zip", "Concatenate", "DirectedInterleave"})
"""Several inputs, each with its own place in the program."""
OPENS_DATASETS = frozenset({"Interleave", "FlatMap", "GroupByWindow"})
"""One input, and a function that makes further datasets of its elements."""

_DATASET = re.compile(r"Dataset(?=V\d+\Z|\Z)")
_VERSION = re.compile(r"(?<=.)V\d+\Z")
_DRESS = re.compile(r"\A_?(?:Legacy)?(?:Parallel|Finite|Forever|Empty|Memory|File)?(?=[A-Z])")
_IMPLEMENTATION = re.compile(r"(?<=.)Impl\Z")


@lru_cache(maxsize=1024)
def parts(name: str) -> tuple[str, ...]:
    """Return the transformations that a node does, from its input on: `("Shuffle", "Repeat")` for `ShuffleAndRepeat`.

    Args:
        name: of an op (`ParallelMapDatasetV2`), a class (`_ParallelMapDataset`) or a running node (`ParallelMapV2`).
    """
    plain = _VERSION.sub("", _DATASET.sub("", name))
    plain = _DRESS.sub("", _IMPLEMENTATION.sub("", plain))
    return tuple(plain.split("And"))


def is_branch(name: str) -> bool:
    """Tell whether the node has other inputs than the one before it in the program."""
    return parts(name)[0] in MERGES_INPUTS | OPENS_DATASETS
