"""Events, repeats and rows of comparisons that nobody ran, with numbers that are easy to check."""

from __future__ import annotations

import json
from collections.abc import Sequence

from observed_hooks.compare import measures as m
from observed_hooks.compare.case import Case, Placement
from observed_hooks.compare.repeat import EventFields, Repeat
from observed_hooks.compare.result import Figure, Machine, Recommendation, Result, Row
from observed_hooks.events import (
    BuffersSampled,
    BufferState,
    CheckpointSaved,
    CheckpointSize,
    Event,
    FirstBatchRead,
    InputRead,
    IteratorStateMeasured,
    Kind,
    MemoryPeaked,
    MixingMeasured,
    NodeBytes,
    Record,
    RunEnded,
    RunStarted,
)

MIB = 1024 * 1024
STARTED_SECONDS = 1_700_000_000.0

RUN_STARTED = RunStarted(version="0.1.0", tensorflow_version="2.21.0", mode="graph")
RUN_ENDED = RunEnded()


def fields(event: Event, *, run: str = "shuffle-10k", task: str = "worker-0", seconds: float = 0.0) -> EventFields:
    """Return an event as it is read back from events.jsonl, published so many seconds after the start."""
    record = Record(run=run, task=task, time_seconds=STARTED_SECONDS + seconds, event=event)
    read: EventFields = json.loads(json.dumps(record.as_dict()))
    return read


def saved(
    step: int, size_bytes: int | None = MIB, *, kind: Kind = "input_pipeline", stall: float | None = 0.25
) -> CheckpointSaved:
    """A save that took twice as long as it held training up; without a size, one whose files were gone."""
    size = None if size_bytes is None else CheckpointSize(data_bytes=size_bytes - 1000, index_bytes=1000, meta_bytes=0)
    return CheckpointSaved(
        kind=kind,
        step=step,
        prefix=f"/checkpoints/input.ckpt-{step}",
        duration_seconds=None if stall is None else 2 * stall,
        stall_seconds=stall,
        write_seconds=stall,
        size=size,
        baseline_bytes=None,
        retained=None,
        filesystem=None,
    )


def buffer(
    transformation: str = "Shuffle", elements: int | None = 10, size_bytes: int | None = 1000, capacity: int | None = 10
) -> BufferState:
    return BufferState(
        iterator="train",
        node=f"Prefetch::{transformation}",
        transformation=transformation,
        elements=elements,
        size_bytes=size_bytes,
        capacity_elements=capacity,
    )


def sampled(*buffers: BufferState, step: int = 100) -> BuffersSampled:
    return BuffersSampled(step=step, buffers=buffers)


def node(transformation: str, elements: int | None, size_bytes: int) -> NodeBytes:
    return NodeBytes(
        iterator="train",
        node=f"Prefetch::{transformation}",
        transformation=transformation,
        elements=elements,
        size_bytes=size_bytes,
    )


def state(*nodes: NodeBytes, step: int = 100, left_out: str = "") -> IteratorStateMeasured:
    return IteratorStateMeasured(step=step, prefix=f"/checkpoints/input.ckpt-{step}", nodes=nodes, left_out=left_out)


def mixed(
    displacement: float | None, neighbours: float | None, labels: float | None, left_out: str = ""
) -> MixingMeasured:
    return MixingMeasured(step=100, displacement=displacement, neighbours=neighbours, labels=labels, left_out=left_out)


def events(
    *, first_batch: float = 1.0, peak_bytes: int = 800 * MIB, size_bytes: int = MIB, mixing: float = 0.5
) -> tuple[EventFields, ...]:
    """What one process publishes that measures one case, shortened."""
    published = (
        RUN_STARTED,
        FirstBatchRead(step=1, resumed=False, duration_seconds=first_batch),
        saved(0, 2000),
        InputRead(step=100, examples=3200, duration_seconds=0.5),
        MemoryPeaked(step=100, peak_bytes=peak_bytes),
        sampled(buffer(elements=9000, size_bytes=900_000)),
        saved(100, size_bytes),
        state(node("Shuffle", 9000, 450_000)),
        mixed(mixing, mixing, mixing),
        FirstBatchRead(step=101, resumed=True, duration_seconds=2.0),
        RUN_ENDED,
    )
    return tuple(fields(event) for event in published)


def repeat(case: Case, number: int = 1, published: Sequence[EventFields] = (), failure: str = "") -> Repeat:
    return Repeat(case=case, number=number, events=tuple(published), failure=failure)


def row(
    buffer_size: int,
    checkpoint_bytes: float | None,
    mixing: float | None,
    *,
    placement: Placement | None = None,
    symbolic: bool = False,
    failed: bool = False,
    **others: float,
) -> Row:
    """A case with these medians, over three repeats without spread."""
    medians = {m.CHECKPOINT.name: checkpoint_bytes, m.MIXING.name: mixing, **others}
    return Row(
        name=Case(buffer_size, placement, symbolic).name,
        buffer_size=buffer_size,
        placement=placement,
        symbolic=symbolic,
        figures={name: Figure(value, value, value, 3) for name, value in medians.items() if value is not None},
        failed=failed,
    )


CURVE = (row(0, 0.01 * MIB, 0.0), row(1000, MIB, 0.7), row(10_000, 11 * MIB, 0.97), row(100_000, 100 * MIB, 1.0))
"""Mixing that levels off: the knee is at 10k."""

RESULT = Result(
    subject="37,500 handwritten digits, in batches of 32",
    rows=(
        row(0, 1000, 0.0),
        Row(
            name="shuffle-10k-before-decode-symbolic",
            buffer_size=10_000,
            placement="before-decode",
            symbolic=True,
            figures={m.SAVE.name: Figure(0.25, 0.2, 0.5, 3)},
            remarks=("1 of 3 repeats failed: out of memory, or nearly", "mixing: the examples have no index"),
        ),
        Row(name="shuffle-1m", buffer_size=1_000_000, remarks=("3 of 3 repeats failed: killed",), failed=True),
    ),
    machine=Machine(
        cpu="a CPU", cores=2, memory_bytes=8 * 1024 * MIB, system="Linux 6.1", python="3.11.2", tensorflow="2.21.0"
    ),
    date="2026-11-21T14:00:00+00:00",
    settings={"repeats": 3, "read-seconds": 2.5, "source": "digits"},
    recommendation=Recommendation(name="shuffle-10k", sentence="10k: 97 % of the mixing of 100k"),
    complete=True,
)
