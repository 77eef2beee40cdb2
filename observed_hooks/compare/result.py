"""The result of a comparison: rows of medians with their spread, and where they come from."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one case over its repeats."""

    median: float
    low: float
    """The lowest of the repeats."""
    high: float
    """The highest: low to high is the spread."""
    repeats: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Return the figure of one value for each repeat, in any order; at least one."""
        return cls(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case, or one run."""

    name: str
    """The `run` label."""
    buffer_size: int | None
    """Elements; None where it is not known."""
    placement: str | None = None
    symbolic: bool = False
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """By the measure's name; a measure that is not known is absent."""
    remarks: tuple[str, ...] = ()
    """What went wrong, or is not known and why: a sentence each."""
    failed: bool = False
    """Whether nothing could be measured."""

    def median(self, measure: str) -> float | None:
        """Return the median of a measure; None when it is not known."""
        figure = self.figures.get(measure)
        return None if figure is None else figure.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where the figures were measured."""

    cpu: str
    cores: int
    memory_bytes: int | None
    system: str
    python: str
    tensorflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The one row to take, and why."""

    name: str
    """Of the row."""
    sentence: str
    """Such as `10k: 97 % of the mixing of 100k for 11 % of the checkpoint bytes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one comparison found out."""

    subject: str
    """What was read: `37,500 handwritten digits, in batches of 32`."""
    rows: tuple[Row, ...]
    """In the order of the cases."""
    machine: Machine | None
    """None for runs that were measured elsewhere."""
    date: str
    """Of the newest figure, ISO 8601."""
    settings: Mapping[str, str | int | float]
    """How it was measured, by the names of the command's options."""
    recommendation: Recommendation | None
    complete: bool
    """Whether every case has all its repeats."""
