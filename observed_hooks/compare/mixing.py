"""How well an epoch is mixed, from the order in which its examples came.

Three figures, because no one of them tells all: how far examples move (`displacement`), whether those that stood
together are still together (`neighbours`), and whether batches have their share of every label (`labels`). Each is
scaled so that the input order has exactly 0, and the mean over all orders, which is what a full shuffle has on average,
is exactly 1. Nothing is clamped: one order of a full shuffle lies a little above 1 or below, and an order such as the
reversed one is farther from the input than a full shuffle.

Throughout, N examples come in batches of b, the last of which may be short; m_j is the size of batch j.

- `displacement` = mean |order[k] - k| / ((N^2 - 1) / (3 N)): Spearman's footrule by its mean over all permutations.
  Source: P. Diaconis and R. L. Graham, "Spearman's Footrule as a Measure of Disarray", Journal of the Royal Statistical
  Society B 39 (1977), 262-268.
- `neighbours` = (1 - s) / (1 - s_full), where s is the share of the pairs of batch mates in input order that are batch
  mates still. Two examples meet in a full shuffle with the chance s_full = sum m_j (m_j - 1) / (N (N - 1)), because all
  pairs of places are equally likely: (b - 1) / (N - 1) when no batch is short.
- `labels` = (Q_input - Q) / (Q_input - Q_full), where Q is the sum over batches j and labels c of
  (n_jc - m_j p_c)^2, n_jc counts label c in batch j, and p_c is its share of all examples. In a full shuffle n_jc has a
  hypergeometric distribution, so Q_full = sum m_j (N - m_j) / (N - 1) * sum p_c (1 - p_c), the sum of its variances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from observed_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers: TypeAlias = npt.NDArray[np.int64]

LABELS_ERROR = 0.1
"""The largest standard error that `labels` may have by chance alone; beyond, it is not told."""

_NO_LABELS = "the examples have no labels"
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixing:
    """How well one epoch is mixed: 0 is the input order, 1 a full shuffle on average."""

    displacement: float | None = None
    neighbours: float | None = None
    labels: float | None = None
    left_out: str = ""
    """Why one of them is not known; empty when all are."""


def mixing_of(order: npt.ArrayLike, batch_size: int, labels: npt.ArrayLike | None = None) -> Mixing:
    """Return how well the examples of one epoch are mixed, in O(N log N).

    A pipeline that drops a last, short batch leaves out less than a batch of examples. The others then count as if
    they had been all.

    Args:
        order: at place k the index, in input order from 0 on, of the example that came k-th.
        batch_size: examples in a batch.
        labels: at place i the label of the example with index i in input order, of any type that can be sorted; None
            when there are none.

    Raises:
        ConfigurationError: `order` is not that of one epoch, or the labels are not those of its examples.
    """
    if batch_size < 1:
        raise ConfigurationError(f"expected a batch size of 1 at least, got {batch_size}")
    places = _integers(order)
    given = None if labels is None else np.asarray(labels)
    if given is not None and given.ndim != 1:
        raise ConfigurationError(f"expected one label for each example, got an array of shape {given.shape}")
    if len(places) < _FEWEST:
        return Mixing(left_out="fewer than two examples cannot be mixed")
    came = _came(places, batch_size, given)
    if given is not None:
        given = given[: len(came)][came]
    return _mixing(np.cumsum(came)[places] - 1, batch_size, given)


def _mixing(order: Integers, batch_size: int, labels: npt.NDArray[np.generic] | None) -> Mixing:
    number = len(order)
    displacement = float(np.abs(order - np.arange(number)).mean()) / ((number**2 - 1) / (3 * number))
    if batch_size == 1 or batch_size >= number:
        kind = "of one example" if batch_size == 1 else "that hold a whole epoch"
        return Mixing(displacement=displacement, left_out=f"batches {kind} have neither neighbours nor labels to mix")
    neighbours = _neighbours(order, batch_size)
    if labels is None:
        return Mixing(displacement=displacement, neighbours=neighbours, left_out=_NO_LABELS)
    imbalance, left_out = _labels(order, batch_size, labels)
    return Mixing(displacement=displacement, neighbours=neighbours, labels=imbalance, left_out=left_out)


def _integers(order: npt.ArrayLike) -> Integers:
    array = np.asarray(order)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ConfigurationError(
            f"expected the order of examples as a list of their indices, got {array.dtype} of shape {array.shape}"
        )
    return array.astype(np.int64)


def _came(order: Integers, batch_size: int, labels: npt.NDArray[np.generic] | None) -> npt.NDArray[np.bool_]:
    """Return which of the examples, in input order, came; raises unless they are those of one epoch."""
    lowest, highest = int(order.min()), int(order.max())
    examples = highest + 1 if labels is None else len(labels)
    if lowest < 0 or highest >= examples:
        raise ConfigurationError(
            f"expected indices from 0 to {examples - 1:,}, one for each label, got {lowest:,} to {highest:,}"
            if labels is not None
            else f"expected indices from 0 on, got {lowest:,}"
        )
    # Before counting: an index that is far too high would ask for as much memory.
    if examples - len(order) >= batch_size:
        raise ConfigurationError(
            f"expected the order of one whole epoch, got {len(order):,} of {examples:,} examples; read to its end"
        )
    times = np.bincount(order, minlength=examples)
    if times.max() > 1:
        raise ConfigurationError(
            f"expected the order of one epoch, got example {int(times.argmax()):,} {int(times.max()):,} times; "
            "read one epoch only"
        )
    return times > 0


def _neighbours(order: Integers, batch_size: int) -> float:
    number = len(order)
    batches = math.ceil(number / batch_size)
    together = _squares(order // batch_size * batches + _batches(number, batch_size)) - number
    # Ordered pairs, an example with itself left out: what is kept, of all there are in input order.
    mates = _squares_of_sizes(number, batch_size) - number
    return (1 - together / mates) / (1 - mates / (number * (number - 1)))


def _labels(order: Integers, batch_size: int, labels: npt.NDArray[np.generic]) -> tuple[float | None, str]:
    number = len(order)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(counts) == 1:
        return None, "all examples have the same label"
    codes = codes.astype(np.int64)
    start = _imbalance(codes, counts, batch_size)
    # In these units, N^2 times those of the formula, all are whole numbers but this one.
    pairs = number**2 - _whole(counts, counts)
    full = pairs * (number**2 - _squares_of_sizes(number, batch_size)) / (number - 1)
    if start - full <= _error(counts, batch_size) * number**2 / LABELS_ERROR:
        return None, "labels are as balanced in input order as in a full shuffle, or nearly so"
    return (start - _imbalance(codes[order], counts, batch_size)) / (start - full), ""


def _imbalance(codes: Integers, counts: Integers, batch_size: int) -> int:
    """Return N^2 Q for examples with these labels, numbered from 0 on; of each label there are `counts`.

    The square multiplied out, so that only the labels that a batch has are looked at; in whole numbers, so that the
    differences lose nothing.
    """
    number = len(codes)
    held = _squares(_batches(number, batch_size) * len(counts) + codes)
    whole = number - number % batch_size  # examples in batches that are not short
    weights = counts[codes]
    expected = batch_size * int(weights[:whole].sum()) + (number - whole) * int(weights[whole:].sum())
    return number**2 * held - 2 * number * expected + _squares_of_sizes(number, batch_size) * _whole(counts, counts)


def _error(counts: Integers, batch_size: int) -> float:
    """Return the standard deviation of Q over all orders, nearly: counts of labels taken as normal, batches as apart.

    The variance of a sum of squares of normal variables is twice the sum of their squared covariances.
    """
    number = int(counts.sum())
    shares = counts / number
    covariances = float((shares**2).sum() - 2 * (shares**3).sum() + (shares**2).sum() ** 2)
    one = batch_size * (number - batch_size) / (number - 1) * math.sqrt(2 * covariances)
    return one * math.sqrt(number / batch_size)


def _batches(number: int, batch_size: int) -> Integers:
    return np.arange(number) // batch_size


def _squares(groups: Integers) -> int:
    """Return the sum of the squares of how often each value occurs."""
    _, counts = np.unique(groups, return_counts=True)
    return _whole(counts, counts)


def _squares_of_sizes(number: int, batch_size: int) -> int:
    batches, short = divmod(number, batch_size)
    return int(batches * batch_size**2 + short**2)


def _whole(one: Integers, other: Integers) -> int:
    return int(one @ other)
