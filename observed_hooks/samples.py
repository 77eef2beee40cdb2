"""What one record means, metric by metric: the way from events to numbers.

A counter's sample is an increment, a histogram's an observation, a gauge's and an info's the new value.
Everything here is stateless and holds no lock: any thread may call it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from observed_hooks import metrics as m
from observed_hooks.events import (
    OUTCOMES,
    BuffersSampled,
    CheckpointingStarted,
    CheckpointRestored,
    CheckpointSaved,
    ComponentsMeasured,
    DirectoryWatched,
    Event,
    Filesystem,
    FirstBatchRead,
    InputRead,
    InputRestarted,
    IteratorStateMeasured,
    Kind,
    MemoryPeaked,
    MixingMeasured,
    ObserverReport,
    Outcome,
    Record,
    RestoreFailed,
    Retained,
    RunEnded,
    RunStarted,
    SaveFailed,
    SaveSkipped,
)

RESTORE_OUTCOMES = ("success", "failure", "restarted")

_SAVE_TIMES = (
    (m.SAVE_DURATION, m.LAST_SAVE_DURATION),
    (m.SAVE_STALL, m.LAST_SAVE_STALL),
    (m.SAVE_WRITE, m.LAST_SAVE_WRITE),
)
_BUFFER_METRICS = (m.BUFFER_ELEMENTS, m.BUFFER_BYTES, m.BUFFER_CAPACITY)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one record says about one child of one metric."""

    metric: m.Metric
    values: tuple[str, ...]
    """Label values in the order of `metric.all_labels`."""
    value: float
    info: Mapping[str, str] = field(default_factory=dict)
    """For metrics of type info: the texts it carries."""

    @property
    def labels(self) -> dict[str, str]:
        """Label names with their values."""
        return dict(zip(self.metric.all_labels, self.values, strict=True))


@dataclass(frozen=True, slots=True)
class _Origin:
    """The label values that every sample of one record shares."""

    run: str
    task: str

    def sample(self, metric: m.Metric, value: float, *labels: str) -> Sample:
        return Sample(metric, (self.run, self.task, *labels), value)


def samples(record: Record) -> Iterator[Sample]:
    """Yield what `record` says, metric by metric; nothing for events that carry no measurement."""
    origin, event = _Origin(record.run, record.task), record.event
    match event:
        case RunStarted():
            yield from _run_started(origin, event)
        case RunEnded():
            yield origin.sample(m.RUN_ACTIVE, 0)
        case CheckpointingStarted():
            yield from _checkpointing_started(origin, event, record.time_seconds)
        case CheckpointSaved():
            yield from _checkpoint_saved(origin, event, record.time_seconds)
        case SaveFailed() | SaveSkipped():
            yield from _not_saved(origin, event)
        case CheckpointRestored():
            yield from _restored(origin, event)
        case RestoreFailed():
            yield origin.sample(m.RESTORES, 1, event.kind, "failure")
        case InputRestarted():
            yield origin.sample(m.RESTORES, 1, "input_pipeline", "restarted")
            yield origin.sample(m.RESTORE_STEP_SKEW, event.model_step)
        case ObserverReport():
            yield from _observer_report(origin, event)
        case _:
            yield from _looked_inside(origin, event)


def _run_started(origin: _Origin, event: RunStarted) -> Iterator[Sample]:
    texts = {
        "version": event.version,
        "tensorflow_version": event.tensorflow_version,
        "mode": event.mode,
    }
    yield Sample(m.RUN_INFO, (origin.run, origin.task), 1, texts)
    yield origin.sample(m.RUN_ACTIVE, 1)


def _checkpointing_started(origin: _Origin, event: CheckpointingStarted, now: float) -> Iterator[Sample]:
    # A counter first seen at 1 has lost that event for rate(): every child starts at 0.
    for outcome in OUTCOMES:
        yield origin.sample(m.SAVES, 0, event.kind, outcome)
    for restored in RESTORE_OUTCOMES:
        yield origin.sample(m.RESTORES, 0, event.kind, restored)
    yield origin.sample(m.CHECKPOINT_WRITTEN, 0, event.kind)
    yield origin.sample(m.LAST_SAVE_TIMESTAMP, now, event.kind)
    yield origin.sample(m.LAST_SAVE_STEP, event.step, event.kind)
    yield origin.sample(m.GLOBAL_STEP, event.step)
    if event.interval_seconds is not None:
        yield origin.sample(m.SAVE_INTERVAL_SECONDS, event.interval_seconds)
    if event.interval_steps is not None:
        yield origin.sample(m.SAVE_INTERVAL_STEPS, event.interval_steps)


def _checkpoint_saved(origin: _Origin, event: CheckpointSaved, now: float) -> Iterator[Sample]:
    kind = event.kind
    yield origin.sample(m.SAVES, 1, kind, "success")
    times = (event.duration_seconds, event.stall_seconds, event.write_seconds)
    for (each, last), seconds in zip(_SAVE_TIMES, times, strict=True):
        if seconds is not None:
            yield origin.sample(each, seconds, kind)
            yield origin.sample(last, seconds, kind)
    yield origin.sample(m.LAST_SAVE_TIMESTAMP, now, kind)
    yield origin.sample(m.LAST_SAVE_STEP, event.step, kind)
    yield origin.sample(m.GLOBAL_STEP, event.step)
    yield from _on_disk(origin, event)


def _on_disk(origin: _Origin, event: CheckpointSaved) -> Iterator[Sample]:
    kind, size = event.kind, event.size
    if size is not None:
        yield origin.sample(m.CHECKPOINT_SIZE, size.data_bytes, kind, "data")
        yield origin.sample(m.CHECKPOINT_SIZE, size.index_bytes, kind, "index")
        yield origin.sample(m.CHECKPOINT_SIZE, size.meta_bytes, kind, "meta")
        yield origin.sample(m.CHECKPOINT_WRITTEN, size.total_bytes, kind)
    if event.baseline_bytes is not None:
        yield origin.sample(m.CHECKPOINT_BASELINE, event.baseline_bytes, kind)
    yield from _retained(origin, kind, event.retained)
    yield from _filesystem(origin, event.filesystem)


def _retained(origin: _Origin, kind: Kind, retained: Retained | None) -> Iterator[Sample]:
    if retained is not None:
        yield origin.sample(m.RETAINED_CHECKPOINTS, retained.checkpoints, kind)
        yield origin.sample(m.RETAINED_BYTES, retained.size_bytes, kind)


def _filesystem(origin: _Origin, filesystem: Filesystem | None) -> Iterator[Sample]:
    if filesystem is not None:
        yield origin.sample(m.FILESYSTEM_FREE, filesystem.free_bytes)
        yield origin.sample(m.FILESYSTEM_SIZE, filesystem.size_bytes)


def _looked_inside(origin: _Origin, event: Event) -> Iterator[Sample]:
    match event:
        case DirectoryWatched():
            yield from _retained(origin, event.kind, event.retained)
            yield from _filesystem(origin, event.filesystem)
        case IteratorStateMeasured():
            for node in event.nodes:
                place = (node.iterator, node.node, node.transformation)
                yield origin.sample(m.ITERATOR_STATE, node.size_bytes, *place)
                # The only count there is before TensorFlow 2.16, and of an iterator that was restored.
                if node.elements is not None:
                    yield origin.sample(m.BUFFER_ELEMENTS, node.elements, *place)
        case ComponentsMeasured():
            for part in event.components:
                yield origin.sample(m.CHECKPOINT_COMPONENT, part.size_bytes, event.kind, part.component)
        case BuffersSampled():
            yield from _buffers(origin, event)
        case _:
            yield from _compared(origin, event)


def _buffers(origin: _Origin, event: BuffersSampled) -> Iterator[Sample]:
    for buffer in event.buffers:
        place = (buffer.iterator, buffer.node, buffer.transformation)
        numbers = (buffer.elements, buffer.size_bytes, buffer.capacity_elements)
        for metric, number in zip(_BUFFER_METRICS, numbers, strict=True):
            if number is not None:
                yield origin.sample(metric, number, *place)


def _not_saved(origin: _Origin, event: SaveFailed | SaveSkipped) -> Iterator[Sample]:
    outcome: Outcome = "skipped" if isinstance(event, SaveSkipped) else "failure"
    yield origin.sample(m.SAVES, 1, event.kind, outcome)
    yield origin.sample(m.GLOBAL_STEP, event.step)


def _restored(origin: _Origin, event: CheckpointRestored) -> Iterator[Sample]:
    yield origin.sample(m.RESTORES, 1, event.kind, "success")
    if event.duration_seconds is not None:
        yield origin.sample(m.RESTORE_DURATION, event.duration_seconds, event.kind)
    if event.kind == "input_pipeline":
        yield origin.sample(m.RESTORE_STEP_SKEW, event.skew_steps)


def _compared(origin: _Origin, event: Event) -> Iterator[Sample]:
    match event:
        case FirstBatchRead():
            yield origin.sample(m.FIRST_BATCH, event.duration_seconds, "resumed" if event.resumed else "cold")
        case InputRead():
            yield origin.sample(m.EXAMPLES_RATE, event.examples / event.duration_seconds)
        case MemoryPeaked():
            yield origin.sample(m.PEAK_MEMORY, event.peak_bytes)
        case MixingMeasured():
            for measure in ("displacement", "neighbours", "labels"):
                ratio = getattr(event, measure)
                if ratio is not None:
                    yield origin.sample(m.MIXING, ratio, measure)
        case _:  # a SaveCompleted that nobody has measured says nothing yet
            return


def _observer_report(origin: _Origin, event: ObserverReport) -> Iterator[Sample]:
    for sink, count in event.dropped:
        yield origin.sample(m.EVENTS_DROPPED, count, sink)
    for sink, count in event.failed:
        yield origin.sample(m.SINK_ERRORS, count, sink)
    for stage, seconds in event.seconds:
        yield origin.sample(m.OBSERVER_SECONDS, seconds, stage)


def renewed(event: Event) -> tuple[m.Metric, ...]:
    """Return the metrics of which `event` names every child: those of its run and task that it leaves out are gone."""
    match event:
        case BuffersSampled():
            return _BUFFER_METRICS
        case IteratorStateMeasured():
            return (m.ITERATOR_STATE,)
        case ComponentsMeasured():
            return (m.CHECKPOINT_COMPONENT,)
        case _:
            return ()


def scalars(record: Record) -> dict[str, float]:
    """Return the TensorBoard scalars of `record` by tag; parts that share a tag add up."""
    values: dict[str, float] = {}
    for sample in samples(record):
        scalar = sample.metric.scalar
        if scalar is not None:
            tag = scalar.tag.format(**sample.labels)
            values[tag] = values.get(tag, 0.0) + sample.value / scalar.divisor
    return values


def step_of(event: Event) -> int | None:
    """Return the global step an event belongs to, None for events that have none."""
    if isinstance(event, CheckpointRestored | RestoreFailed | InputRestarted):
        return event.model_step
    return getattr(event, "step", None)
