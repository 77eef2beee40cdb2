"""One record of every kind that a sink can meet."""

from __future__ import annotations

from observed_hooks.events import (
    COMPONENTS,
    BuffersSampled,
    BufferState,
    CheckpointingStarted,
    CheckpointRestored,
    CheckpointSaved,
    CheckpointSize,
    ComponentBytes,
    ComponentsMeasured,
    DirectoryWatched,
    Event,
    Filesystem,
    FirstBatchRead,
    InputRead,
    InputRestarted,
    IteratorStateMeasured,
    Kind,
    LeftoversRemoved,
    MemoryPeaked,
    MixingMeasured,
    NodeBytes,
    ObserverReport,
    Record,
    RestoreFailed,
    Retained,
    RunEnded,
    RunStarted,
    SaveCompleted,
    SaveFailed,
    SaveSkipped,
)

MIB = 1024 * 1024


def record(event: Event, *, time_seconds: float = 1_700_000_000.25, run: str = "digits") -> Record:
    return Record(run=run, task="chief-0", time_seconds=time_seconds, event=event)


def started(kind: Kind = "model", step: int = 0) -> CheckpointingStarted:
    return CheckpointingStarted(
        kind=kind, checkpoint_dir="/checkpoints", step=step, interval_seconds=600.0, interval_steps=None
    )


def saved(step: int = 100, *, kind: Kind = "model", seconds: float = 1.5, known: bool = True) -> CheckpointSaved:
    """A save; unless `known`, one whose files were gone before they could be measured."""
    return CheckpointSaved(
        kind=kind,
        step=step,
        prefix=f"/checkpoints/model.ckpt-{step}",
        duration_seconds=seconds,
        stall_seconds=0.25,
        write_seconds=0.25,
        size=CheckpointSize(data_bytes=3 * MIB, index_bytes=MIB, meta_bytes=0) if known else None,
        baseline_bytes=2 * MIB if known else None,
        retained=Retained(checkpoints=5, size_bytes=20 * MIB) if known else None,
        filesystem=Filesystem(free_bytes=10**9, size_bytes=10**10) if known else None,
    )


def restored(kind: Kind = "input_pipeline", *, seconds: float | None = 0.5) -> CheckpointRestored:
    return CheckpointRestored(
        kind=kind, step=90, model_step=100, prefix="/checkpoints/input.ckpt-90", duration_seconds=seconds
    )


def sampled(*nodes: str, step: int = 100, capacity: int | None = 10_000) -> BuffersSampled:
    """A sample of the buffers of these nodes, of an iterator called `train`."""
    return BuffersSampled(
        step=step,
        buffers=tuple(
            BufferState(
                iterator="train",
                node=node,
                transformation="Shuffle",
                elements=9_999,
                size_bytes=40 * MIB,
                capacity_elements=capacity,
            )
            for node in nodes
        ),
    )


def measured(*nodes: str) -> IteratorStateMeasured:
    """The state of these nodes in an input checkpoint."""
    return IteratorStateMeasured(
        step=100,
        prefix="/checkpoints/input.ckpt-100",
        nodes=tuple(
            NodeBytes(iterator="train", node=node, transformation="Shuffle", elements=9_999, size_bytes=4 * MIB)
            for node in nodes
        ),
        left_out="",
    )


EVENTS: tuple[Event, ...] = (
    RunStarted(version="0.1.0", tensorflow_version="2.21.0", mode="graph"),
    started(),
    CheckpointingStarted(
        kind="input_pipeline",
        checkpoint_dir="/checkpoints",
        step=0,
        interval_seconds=None,
        interval_steps=100,
    ),
    SaveCompleted(
        kind="model",
        step=100,
        prefix="/checkpoints/model.ckpt-100",
        duration_seconds=1.5,
        stall_seconds=0.25,
        write_seconds=0.2,
    ),
    saved(),
    saved(kind="input_pipeline", seconds=0.5),
    DirectoryWatched(
        kind="model",
        step=100,
        checkpoint_dir="/checkpoints",
        retained=Retained(checkpoints=5, size_bytes=20 * MIB),
        filesystem=Filesystem(free_bytes=10**9, size_bytes=10**10),
    ),
    measured("Prefetch::ShuffleAndRepeat"),
    ComponentsMeasured(
        kind="model",
        step=100,
        prefix="/checkpoints/model.ckpt-100",
        components=tuple(ComponentBytes(component=component, size_bytes=MIB) for component in COMPONENTS),
        left_out="",
    ),
    sampled("Prefetch::ShuffleAndRepeat"),
    SaveFailed(kind="model", step=200, duration_seconds=0.5, stall_seconds=0.5, error="OSError: disk full"),
    SaveSkipped(kind="model", step=300, reason="the save before it is still being written"),
    restored(),
    LeftoversRemoved(kind="model", checkpoint_dir="/checkpoints", leftovers=2, size_bytes=MIB),
    RestoreFailed(kind="model", model_step=100, prefix="", error="NotFoundError: no checkpoint"),
    InputRestarted(model_step=100, reason="no input checkpoint before step 100"),
    FirstBatchRead(step=1, resumed=False, duration_seconds=2.5),
    InputRead(step=100, examples=3_200, duration_seconds=0.5),
    MemoryPeaked(step=100, peak_bytes=800 * MIB),
    MixingMeasured(step=100, displacement=0.25, neighbours=0.75, labels=0.5, left_out=""),
    ObserverReport(dropped=(("all", 2),), failed=(("tensorboard", 1),), seconds=(("measure", 0.5), ("jsonl", 0.25))),
    RunEnded(),
)
RECORDS: tuple[Record, ...] = tuple(record(event) for event in EVENTS)
