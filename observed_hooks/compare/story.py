"""What the events of one process, or of one training, say of each measure.

An observation is one such number: the stall of one save, the bytes that the buffers held in one sample. A comparison
makes one value a repeat of them; the spread over repeats is told elsewhere.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from observed_hooks.compare import measures as m
from observed_hooks.compare.repeat import EventFields
from observed_hooks.compare.replay import record_of
from observed_hooks.errors import ConfigurationError
from observed_hooks.events import (
    BuffersSampled,
    CheckpointSaved,
    FirstBatchRead,
    InputRead,
    IteratorStateMeasured,
    MemoryPeaked,
    MixingMeasured,
    SaveFailed,
)
from observed_hooks.sinks.jsonl import read_jsonl

PEAK_BYTES = "peak_bytes"
"""The most memory that a process had resident: no measure by itself, but what `memory_bytes` is made from."""

Observation: TypeAlias = tuple[str, float]
"""The name of a measure, or `PEAK_BYTES`, and a number."""

_KIND = "input_pipeline"
_SHUFFLE = "Shuffle"
_LARGEST = frozenset({m.CHECKPOINT.name, m.BUFFER_ELEMENTS.name, m.BUFFER_BYTES.name, PEAK_BYTES})
_PARTS_OF_MIXING = {"displacement": m.DISPLACEMENT, "neighbours": m.NEIGHBOURS, "labels": m.LABELS}


def read_events(path: str | os.PathLike[str]) -> tuple[EventFields, ...]:
    """Return the events in the file at `path`, in its order.

    Left out are lines that were cut off, and events of another version of this package.

    Raises:
        ConfigurationError: it is not there or cannot be read.
    """
    try:
        return tuple(fields for fields in read_jsonl(path) if record_of(fields, "") is not None)
    except FileNotFoundError as error:
        raise ConfigurationError(f"expected a file of events at {os.fspath(path)}, there is none") from error
    except OSError as error:
        raise ConfigurationError(f"the events at {os.fspath(path)} cannot be read: {error.strerror}") from error


def values_of(events: Iterable[EventFields]) -> dict[str, float]:
    """Return one value for each measure of which `events` tell, and the peak of memory.

    It is the largest of those that say how much there was at most, and the median of all others.
    """
    return {
        name: (max if name in _LARGEST else statistics.median)(numbers)
        for name, numbers in observations_of(events).items()
    }


def observations_of(events: Iterable[EventFields]) -> dict[str, tuple[float, ...]]:
    """Return all that `events` tell of each measure, in their order; of throughput one number for all reading.

    What is not known is absent, and what is measured against other cases too: fill, memory, bytes an hour.
    """
    everything = tuple(events)
    found: dict[str, list[float]] = {}
    for name, number in (*_observations(everything), *_throughput(everything)):
        found.setdefault(name, []).append(number)
    return {name: tuple(numbers) for name, numbers in found.items()}


def saves_of(events: Iterable[EventFields]) -> tuple[EventFields, ...]:
    """Return the saves of the input pipeline; not that at step 0, when its buffers are empty."""
    return tuple(each for each in of(CheckpointSaved, events) if each["kind"] == _KIND and each["step"] > 0)


def remarks_of(events: Iterable[EventFields]) -> tuple[str, ...]:
    """Return what could not be measured and why, a sentence each."""
    everything = tuple(events)
    sampled = of(BuffersSampled, everything)
    lines = [
        *(f"mixing: {each['left_out']}" for each in of(MixingMeasured, everything) if each["left_out"]),
        *(f"a save failed: {each['error']}" for each in of(SaveFailed, everything) if each["kind"] == _KIND),
        *(
            f"bytes per element: {each['left_out']}"
            for each in of(IteratorStateMeasured, everything)
            if each["left_out"] and each["step"] > 0
        ),
    ]
    if sampled and not any(tells_buffers(each) for each in sampled):
        lines.append(
            "live buffers: TensorFlow does not tell here what they hold; it does from 2.16 on, with autotuning"
        )
    return tuple(dict.fromkeys(lines))


def of(event: type, events: Iterable[EventFields]) -> tuple[EventFields, ...]:
    """Return the events of one type."""
    return tuple(each for each in events if each["event"] == event.__name__)


def tells_buffers(sample: EventFields) -> bool:
    """Tell whether a `BuffersSampled` says what buffers held: a sample without a shuffle then means there is none."""
    return any(each["elements"] is not None for each in sample["buffers"])


def shuffles(nodes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those of the nodes of a pipeline that shuffle, alone or together with a repeat."""
    return [each for each in nodes if _SHUFFLE in each["transformation"]]


def _observations(events: Sequence[EventFields]) -> Iterator[Observation]:
    for save in saves_of(events):
        yield from _save(save)
    for each in of(FirstBatchRead, events):
        yield (m.RESUME if each["resumed"] else m.FIRST_BATCH).name, each["duration_seconds"]
    for each in of(MemoryPeaked, events):
        yield PEAK_BYTES, each["peak_bytes"]
    for each in of(BuffersSampled, events):
        yield from _buffers(each)
    for each in of(IteratorStateMeasured, events):
        yield from _state(each)
    for each in of(MixingMeasured, events):
        yield from _mixing(each)


def _save(save: EventFields) -> Iterator[Observation]:
    if save["size"] is not None:
        yield m.CHECKPOINT.name, sum(save["size"].values())
    if save["stall_seconds"] is not None:
        yield m.STALL.name, save["stall_seconds"]
    if save["duration_seconds"] is not None:
        yield m.SAVE.name, save["duration_seconds"]


def _buffers(sample: EventFields) -> Iterator[Observation]:
    found = shuffles(sample["buffers"])
    if tells_buffers(sample):
        for measure, key in ((m.BUFFER_ELEMENTS, "elements"), (m.BUFFER_BYTES, "size_bytes")):
            numbers = [each[key] for each in found]
            if None not in numbers:
                yield measure.name, sum(numbers)


def _state(state: EventFields) -> Iterator[Observation]:
    found = [each for each in shuffles(state["nodes"]) if each["elements"]]
    if found and state["step"] > 0:
        held = sum(each["elements"] for each in found)
        yield m.CHECKPOINT_PER_ELEMENT.name, sum(each["size_bytes"] for each in found) / held


def _mixing(event: EventFields) -> Iterator[Observation]:
    known = {measure.name: event[key] for key, measure in _PARTS_OF_MIXING.items() if event[key] is not None}
    yield from known.items()
    if known:
        yield m.MIXING.name, statistics.fmean(known.values())


def _throughput(events: Sequence[EventFields]) -> Iterator[Observation]:
    read = of(InputRead, events)
    seconds = sum(each["duration_seconds"] for each in read)
    if seconds > 0:
        yield m.THROUGHPUT.name, sum(each["examples"] for each in read) / seconds
