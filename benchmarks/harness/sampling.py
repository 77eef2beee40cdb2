"""Measuring contenders side by side: in rounds, each round in another order, so that none has the quiet moments."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Measurement = TypeVar("Measurement")


def interleaved(
    contenders: Mapping[str, Callable[[], Measurement]], repeats: int, *, warm_ups: int = 1
) -> dict[str, list[Measurement]]:
    """Let every contender measure itself once a round; return what they measured, by name, round by round.

    Args:
        contenders: each returns one measurement; what it prepares and clears away is its own business.
        repeats: rounds that count.
        warm_ups: rounds before them that do not.
    """
    order = list(contenders)
    shuffle = random.Random(0).shuffle  # noqa: S311 - the same order in every run, nothing secret
    measured: dict[str, list[Measurement]] = {name: [] for name in contenders}
    gc.collect()
    gc.freeze()  # what is there stays; the collections below then take microseconds
    for number in range(warm_ups + repeats):
        shuffle(order)
        for name in order:
            gc.collect()  # nobody pays for another's garbage
            measurement = contenders[name]()
            if number >= warm_ups:
                measured[name].append(measurement)
    return measured


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def differences(values: list[float], references: list[float]) -> list[float]:
    """Return by how much each value is above the reference of its round."""
    return [value - reference for value, reference in zip(values, references, strict=True)]


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    if len(values) == 1:
        return (values[0],) * 3
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, median, upper
