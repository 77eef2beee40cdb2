"""Axes whose ticks people read: bytes in powers of two, seconds in 1, 2, 5, and a place for zero on a logarithm."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from observed_hooks.compare.measures import Unit
from observed_hooks.compare.wording import shown

_FEWEST_TICKS, _MOST_TICKS = 2, 7
_BINARY_STRIDES = (1, 2, 4, 10)
_MANTISSAS: tuple[tuple[float, ...], ...] = ((1, 2, 5), (1, 3), (1,))
_LINEAR_STEPS = 4
_RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0)
_RATE: Unit = "examples per second"
_HAIR = 1e-9
_HEADROOM = 0.08
"""Of the axis, left free at both ends, so that no marker is cut in half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One axis."""

    type: Literal["log", "linear"]
    ends: tuple[float, float]
    """The least and the most that it holds."""
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    floor: float | None = None
    """Where a logarithm has no place, zero and less stand here."""

    def place(self, value: float) -> float:
        """Return where `value` stands on the axis, in its own unit."""
        return value if self.floor is None else max(value, self.floor)

    def on_axis(self, value: float) -> float:
        """Return the same as plotly's annotations and ranges want it: the power of ten on a logarithm."""
        placed = self.place(value)
        return math.log10(placed) if self.type == "log" else placed

    def axis(self) -> dict[str, Any]:
        """Return it as plotly's description of an axis."""
        lowest, highest = map(self.on_axis, self.ends)
        room = (highest - lowest) * _HEADROOM
        return {
            "type": self.type,
            "range": [lowest - room, highest + room],
            "tickmode": "array",
            "tickvals": list(self.ticks),
            "ticktext": list(self.labels),
        }


def log_scale(values: Iterable[float], unit: Unit) -> Scale:
    """Return a logarithm that holds `values`; those that are zero or less stand on a tick of their own below.

    Values without any above zero get a linear scale.
    """
    everything = list(values)
    positive = [value for value in everything if value > 0]
    if not positive:
        return linear_scale(everything, unit)
    ends, ticks = _log_ticks(min(positive), max(positive), unit)
    labels = tuple(_tick_label(tick, unit) for tick in ticks)
    if len(positive) == len(everything):
        return Scale(type="log", ends=ends, ticks=ticks, labels=labels)
    floor = min(ends[0], ticks[0]) * ticks[0] / ticks[1]
    zero = "0" if min(everything) == 0 else "0 or less"
    return Scale(type="log", ends=(floor, ends[1]), ticks=(floor, *ticks), labels=(zero, *labels), floor=floor)


def linear_scale(values: Iterable[float], unit: Unit) -> Scale:
    """Return a scale from zero, or from the lowest of `values` if that is less, to the highest."""
    everything = [0.0, *values]
    lowest, highest = min(everything), max(everything)
    if lowest == highest:
        highest = 1.0
    step = _round_step((highest - lowest) / _LINEAR_STEPS)
    # A hair of tolerance: three steps of 0.1 are more than 0.3.
    first, last = math.ceil(lowest / step - _HAIR), math.floor(highest / step + _HAIR)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Scale(
        type="linear", ends=(lowest, highest), ticks=ticks, labels=tuple(_tick_label(tick, unit) for tick in ticks)
    )


def ratio_scale(values: Iterable[float]) -> Scale:
    """Return a scale from the input order, 0, to the full shuffle, 1, which leaves room for values beyond."""
    everything = [0.0, 1.0, *values]
    labels = tuple(f"{tick:g}" for tick in _RATIOS)
    return Scale(type="linear", ends=(min(everything), max(everything)), ticks=_RATIOS, labels=labels)


def _tick_label(tick: float, unit: Unit) -> str:
    """Return `1 s` rather than `1.00 s`."""
    return f"{tick:,.0f}" if tick == round(tick) and unit == _RATE else re.sub(r"\.0+(?= )", "", shown(tick, unit))


def _round_step(step: float) -> float:
    """Return the next of 1, 2, 5, 10, ... times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - _HAIR))


def _log_ticks(lowest: float, highest: float, unit: Unit) -> tuple[tuple[float, float], tuple[float, ...]]:
    """Return ends that hold both values, and at least two ticks between them, at most what can be read."""
    grids = _binary_grids(lowest, highest) if unit == "bytes" else _decimal_grids(lowest, highest)
    within = [tuple(tick for tick in grid if lowest <= tick <= highest) for grid in grids]
    if len(within[0]) < _FEWEST_TICKS:
        # Values that are close together: the ticks around them, and the axis from the one to the other.
        below, above = max(t for t in grids[0] if t <= lowest), min(t for t in grids[0] if t > highest)
        return (below, above), (below, *within[0][: below not in within[0]], above)
    readable = [ticks for ticks in within if _FEWEST_TICKS <= len(ticks) <= _MOST_TICKS]
    every = math.ceil(len(within[-1]) / _MOST_TICKS)
    return (lowest, highest), readable[0] if readable else within[-1][::every]


def _binary_grids(lowest: float, highest: float) -> list[list[float]]:
    first, last = math.floor(math.log2(lowest)), math.ceil(math.log2(highest))
    return [
        [2.0 ** (stride * number) for number in range(first // stride - 1, last // stride + 3)]
        for stride in _BINARY_STRIDES
    ]


def _decimal_grids(lowest: float, highest: float) -> list[list[float]]:
    first, last = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
    decades = range(first - 1, last + 2)
    return [[mantissa * 10.0**decade for decade in decades for mantissa in mantissas] for mantissas in _MANTISSAS]
