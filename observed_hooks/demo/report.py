"""What the saves of a run cost, added up from its `events.jsonl`: the demo holds no stopwatch of its own."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from observed_hooks.events import KINDS, CheckpointSaved, Kind, ObserverReport, RunStarted, SaveFailed

Fields: TypeAlias = Mapping[str, Any]
"""A record as `sinks.jsonl.read_jsonl` yields it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCost:
    """What saving one kind of state cost."""

    kind: Kind
    saves: int
    failures: int
    median_stall_seconds: float
    """How long training waited for one save; a pair's two saves wait for each other, and are not counted twice."""
    worst_stall_seconds: float
    newest_bytes: int | None
    """Size of the newest checkpoint; None when it was gone before it could be measured."""
    share_of_wall_time: float
    """Of training, 0 to 1, that was spent waiting for these saves, those that failed included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """What saving, and watching it, cost."""

    wall_seconds: float
    """From each process's first event to its last, added up: what a killed process did after its last save and the
    loading of TensorFlow are left out."""
    costs: tuple[KindCost, ...]
    """One for each kind that was saved."""
    observer_seconds: float
    """Spent on the observer's own threads."""


def cost_report(records: Iterable[Fields]) -> CostReport:
    """Add up the records of a run, all its processes included."""
    everything = list(records)
    wall_seconds = _wall_seconds(everything)
    costs = [_cost(kind, everything, wall_seconds) for kind in KINDS]
    return CostReport(
        wall_seconds=wall_seconds,
        costs=tuple(cost for cost in costs if cost is not None),
        observer_seconds=sum(seconds for report in _of(ObserverReport, everything) for _, seconds in report["seconds"]),
    )


def _cost(kind: Kind, records: Sequence[Fields], wall_seconds: float) -> KindCost | None:
    saves = [each for each in _of(CheckpointSaved, records) if each["kind"] == kind]
    failures = [each for each in _of(SaveFailed, records) if each["kind"] == kind]
    if not saves:
        return None
    stalls = [each["stall_seconds"] for each in saves]
    size = saves[-1]["size"]
    waited_seconds = sum(stalls) + sum(each["stall_seconds"] for each in failures)
    return KindCost(
        kind=kind,
        saves=len(saves),
        failures=len(failures),
        median_stall_seconds=statistics.median(stalls),
        worst_stall_seconds=max(stalls),
        newest_bytes=None if size is None else sum(size.values()),
        share_of_wall_time=waited_seconds / wall_seconds if wall_seconds > 0 else 0.0,
    )


def _of(event: type, records: Iterable[Fields]) -> list[Fields]:
    return [each for each in records if each["event"] == event.__name__]


def _wall_seconds(records: Sequence[Fields]) -> float:
    starts = [number for number, each in enumerate(records) if each["event"] == RunStarted.__name__]
    processes = [records[start:end] for start, end in pairwise([*starts, len(records)])]
    return float(sum(each[-1]["time_seconds"] - each[0]["time_seconds"] for each in processes))
