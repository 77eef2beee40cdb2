"""Rows from the events of real trainings, finished or running: the same table from production data.

Each run is a row. Nothing is repeated in production, so a figure's median and spread are those of single observations,
each save for example. What only a comparison measures is unknown here: throughput, memory, fill, mixing.
"""

from __future__ import annotations

import datetime as dt
import glob
import os
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from observed_hooks.checkpoints.baseline import OWN_DIRECTORY
from observed_hooks.compare import measures as m
from observed_hooks.compare.recommend import recommend
from observed_hooks.compare.repeat import EventFields
from observed_hooks.compare.result import Figure, Result, Row
from observed_hooks.compare.rows import SECONDS_PER_HOUR
from observed_hooks.compare.story import observations_of, of, read_events, remarks_of, saves_of, shuffles, tells_buffers
from observed_hooks.errors import ConfigurationError
from observed_hooks.events import BuffersSampled, CheckpointRestored, RunEnded, RunStarted

FILE = "events.jsonl"

SPREAD = "lowest to highest of the saves, samples and resumptions of one run; nothing was repeated"

_LIFE = (RunStarted.__name__, RunEnded.__name__)
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Run:
    """What one task of a run has published, over all its processes."""

    directory: str
    """As it was given."""
    run: str
    task: str
    events: tuple[EventFields, ...]

    @property
    def ended(self) -> bool:
        """Whether the newest process ended as it should."""
        lives = [each["event"] for each in self.events if each["event"] in _LIFE]
        return bool(lives) and lives[-1] == RunEnded.__name__

    @property
    def newest_seconds(self) -> float:
        """Since the epoch."""
        return float(max(each["time_seconds"] for each in self.events))


def compare_runs(directories: Sequence[str | os.PathLike[str]]) -> Result:
    """Return one row for each run, and each of its workers, that has left events in one of `directories`.

    Args:
        directories: checkpoint directories that `observe` watched, or files of events. One that is being written is
            read as far as it goes.

    Raises:
        ConfigurationError: there are none, or one holds no events.
    """
    runs = [run for each in dict.fromkeys(map(_normal, directories)) for run in _runs(each)]
    if not runs:
        raise ConfigurationError("expected at least one directory of a training, got none")
    rows = tuple(_row(run, name) for run, name in zip(runs, _names(runs), strict=True))
    return Result(
        subject=f"{len(rows)} runs" if len(rows) > 1 else "1 run",
        rows=rows,
        machine=None,
        date=_told(max(run.newest_seconds for run in runs)),
        settings={"runs": ", ".join(dict.fromkeys(run.directory for run in runs)), "spread": SPREAD},
        recommendation=recommend(rows),
        complete=all(run.ended for run in runs),
    )


def _normal(directory: str | os.PathLike[str]) -> str:
    return os.path.normpath(os.fspath(directory))


def _runs(directory: str) -> list[_Run]:
    found: dict[tuple[str, str], list[EventFields]] = {}
    for path in _files(directory):
        for event in read_events(path):
            found.setdefault((str(event.get("run", "")), str(event.get("task", ""))), []).append(event)
    if not found:
        raise ConfigurationError(f"the events in {directory} are empty: nothing was published there yet")
    return [_Run(directory, run, task, tuple(events)) for (run, task), events in found.items()]


def _files(directory: str) -> list[str]:
    """Return the files of events of one training; a worker's lie in a directory of its own."""
    if os.path.isfile(directory):
        return [directory]
    own = os.path.join(directory, OWN_DIRECTORY)
    escaped = glob.escape(own)
    found = sorted(glob.glob(os.path.join(escaped, FILE)) + glob.glob(os.path.join(escaped, "*", FILE)))
    if not found:
        looked = f"{os.path.join(own, FILE)}, or {os.path.join(own, '<task>', FILE)} of its workers"
        raise ConfigurationError(f"expected events of a training in {looked}; there are none. observe() writes them")
    return found


def _names(runs: Sequence[_Run]) -> list[str]:
    """Return what tells the runs apart: the run, where that is not enough the task, and then the directory."""
    together = Counter((each.directory, each.run) for each in runs)
    names = [f"{each.run} {each.task}" if together[each.directory, each.run] > 1 else each.run for each in runs]
    times = Counter(names)
    return [f"{name} ({each.directory})" if times[name] > 1 else name for name, each in zip(names, runs, strict=True)]


def _row(run: _Run, name: str) -> Row:
    found = observations_of(run.events)
    if written := tuple(_written(run.events)):
        found[m.WRITTEN_PER_HOUR.name] = written
    capacities = _capacities(run.events)
    return Row(
        name=name,
        buffer_size=capacities[-1] if capacities else None,
        figures={each.name: Figure.of(found[each.name]) for each in m.MEASURES if each.name in found},
        remarks=tuple(_remarks(run, capacities)),
    )


def _capacities(events: Sequence[EventFields]) -> list[int]:
    """Return the elements that the shuffles of the pipeline could hold together, each value once, the newest last."""
    found: dict[int, None] = {}
    for sample in of(BuffersSampled, events):
        capacity = _capacity(sample)
        if capacity is not None:
            found.pop(capacity, None)
            found[capacity] = None
    return list(found)


def _capacity(sample: EventFields) -> int | None:
    nodes = shuffles(sample["buffers"])
    if not nodes:  # where buffers are told, an empty one is too: then there is none, unless it is among the rest
        rest = any(each["transformation"] == _OTHER for each in sample["buffers"])
        return 0 if tells_buffers(sample) and not rest else None
    capacities = [each["capacity_elements"] for each in nodes]
    return None if None in capacities else sum(capacities)


def _written(events: Sequence[EventFields]) -> Iterator[float]:
    """Yield, for each save, its bytes by the hours since the one before; the pause between two processes is none."""
    for process in _processes(events):
        for before, save in pairwise(saves_of(process)):
            seconds = save["time_seconds"] - before["time_seconds"]
            if save["size"] is not None and seconds > 0:
                yield sum(save["size"].values()) * SECONDS_PER_HOUR / seconds


def _processes(events: Sequence[EventFields]) -> list[Sequence[EventFields]]:
    starts = [place for place, each in enumerate(events) if each["event"] == RunStarted.__name__]
    return [events[start:end] for start, end in pairwise([0, *starts, len(events)])]


def _remarks(run: _Run, capacities: Sequence[int]) -> Iterator[str]:
    if run.ended:
        yield "ended"
    else:
        yield f"running, or killed: its newest event is of {_told(run.newest_seconds)}"
    if not saves_of(run.events):
        yield "no save of the input pipeline was seen"
    if len(capacities) > 1:
        sizes = ", ".join(f"{each:,}" for each in capacities)
        yield f"the buffer's size changed ({sizes}): the figures are of all of them"
    restores = [
        each["duration_seconds"]
        for each in of(CheckpointRestored, run.events)
        if each["kind"] == "input_pipeline" and each["duration_seconds"] is not None
    ]
    if restores:
        yield (
            f"restores of the input pipeline took {statistics.median(restores):.2f} s, the median of "
            f"{len(restores):,}, without the first batch"
        )
    yield from remarks_of(run.events)


def _told(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).isoformat(timespec="seconds")
