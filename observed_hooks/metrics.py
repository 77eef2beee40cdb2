"""The catalogue: the only place where a metric's name, unit, labels, buckets and TensorBoard tag stand.

Prometheus series, TensorBoard tags, dashboards, alerts and the table in the README are made from it, so they
cannot drift apart. A new measurement touches `events`, this module, `samples`, and the place that measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

PREFIX = "observed_hooks_"
ORIGIN_LABELS = ("run", "task")

MetricType: TypeAlias = Literal["counter", "gauge", "histogram", "info"]

SAVE_BUCKETS_SECONDS = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    # Large models on slow storage take minutes; the client's own buckets stop at ten seconds.
    *(30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0),
)
MIB = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """How a metric appears in TensorBoard, whose scalars are float32: too coarse for bytes, so MiB."""

    tag: str
    """May hold `{label}`; cards are grouped by the text before the first slash."""
    divisor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of the catalogue."""

    name: str
    """Full Prometheus name; a counter's ends in `_total`."""
    type: MetricType
    unit: str
    """`seconds`, `bytes`, `steps`, ...; empty for a bare number."""
    help: str
    labels: tuple[str, ...] = ()
    """Beyond `run` and `task`, which every metric carries."""
    buckets: tuple[float, ...] = ()
    scalar: Scalar | None = None

    @property
    def all_labels(self) -> tuple[str, ...]:
        """`run`, `task`, then the metric's own, in the order of a sample's values."""
        return (*ORIGIN_LABELS, *self.labels)


def _gauge(name: str, unit: str, help_: str, *labels: str, scalar: Scalar | None = None) -> Metric:
    return Metric(name=PREFIX + name, type="gauge", unit=unit, help=help_, labels=labels, scalar=scalar)


def _counter(name: str, unit: str, help_: str, *labels: str) -> Metric:
    return Metric(name=f"{PREFIX}{name}_total", type="counter", unit=unit, help=help_, labels=labels)


def _seconds_histogram(name: str, help_: str) -> Metric:
    full, buckets = PREFIX + name, SAVE_BUCKETS_SECONDS
    return Metric(name=full, type="histogram", unit="seconds", help=help_, labels=("kind",), buckets=buckets)


SAVE_DURATION = _seconds_histogram(
    "save_duration_seconds", "From the decision to save until the checkpoint's files are complete."
)
SAVE_STALL = _seconds_histogram("save_stall_seconds", "How long a save held up the training thread.")
SAVE_WRITE = _seconds_histogram(
    "save_write_seconds", "How long a save's files were being written, while training went on or waited."
)
LAST_SAVE_DURATION = _gauge(
    "last_save_duration_seconds",
    "seconds",
    "Duration of the newest successful save.",
    "kind",
    scalar=Scalar(tag="checkpoint/{kind}/save_seconds"),
)
LAST_SAVE_STALL = _gauge(
    "last_save_stall_seconds",
    "seconds",
    "How long the newest successful save held up the training thread.",
    "kind",
    scalar=Scalar(tag="checkpoint/{kind}/stall_seconds"),
)
LAST_SAVE_WRITE = _gauge(
    "last_save_write_seconds",
    "seconds",
    "How long the files of the newest successful save were being written.",
    "kind",
    scalar=Scalar(tag="checkpoint/{kind}/write_seconds"),
)
LAST_SAVE_TIMESTAMP = _gauge(
    "last_save_timestamp_seconds",
    "seconds",
    "Unix time of the newest successful save; of the start of the session until there is one.",
    "kind",
)
LAST_SAVE_STEP = _gauge(
    "last_save_step",
    "steps",
    "Global step of the newest successful save; of the start of the session until there is one.",
    "kind",
)
SAVES = _counter("saves", "", "Saves by outcome.", "kind", "outcome")
CHECKPOINT_SIZE = _gauge(
    "checkpoint_size_bytes",
    "bytes",
    "Size of the newest checkpoint on disk, by part.",
    "kind",
    "part",
    scalar=Scalar(tag="checkpoint/{kind}/size_mib", divisor=MIB),
)
CHECKPOINT_BASELINE = _gauge(
    "checkpoint_baseline_size_bytes",
    "bytes",
    "Median size of the run's first checkpoints, kept across restarts; absent until it is known.",
    "kind",
    scalar=Scalar(tag="checkpoint/{kind}/baseline_mib", divisor=MIB),
)
CHECKPOINT_WRITTEN = _counter(
    "checkpoint_written_bytes", "bytes", "Bytes of all checkpoints written since the process started.", "kind"
)
RETAINED_CHECKPOINTS = _gauge(
    "retained_checkpoints",
    "",
    "Checkpoints that retention has left on disk.",
    "kind",
    scalar=Scalar(tag="checkpoint/{kind}/retained_checkpoints"),
)
RETAINED_BYTES = _gauge(
    "retained_bytes",
    "bytes",
    "Bytes of the checkpoints that retention has left on disk.",
    "kind",
    scalar=Scalar(tag="checkpoint/{kind}/retained_mib", divisor=MIB),
)
FILESYSTEM_FREE = _gauge(
    "filesystem_free_bytes", "bytes", "Free on the checkpoint directory's file system; absent when remote."
)
FILESYSTEM_SIZE = _gauge(
    "filesystem_size_bytes", "bytes", "Size of the checkpoint directory's file system; absent when remote."
)
_NODE = ("iterator", "node", "transformation")
BUFFER_ELEMENTS = _gauge(
    "buffer_elements",
    "",
    "Elements that a tf.data node holds in its buffer: live, or else as of the newest input checkpoint.",
    *_NODE,
    scalar=Scalar(tag="input_pipeline/{transformation}/buffer_elements"),
)
BUFFER_BYTES = _gauge(
    "buffer_bytes",
    "bytes",
    "Bytes of memory that a tf.data node of the running pipeline holds in its buffer; not after a restore.",
    *_NODE,
    scalar=Scalar(tag="input_pipeline/{transformation}/buffer_mib", divisor=MIB),
)
BUFFER_CAPACITY = _gauge(
    "buffer_capacity_elements",
    "",
    "Elements that fit into a tf.data node's buffer; absent where the program does not fix it.",
    *_NODE,
    scalar=Scalar(tag="input_pipeline/{transformation}/buffer_capacity_elements"),
)
ITERATOR_STATE = _gauge(
    "iterator_state_bytes",
    "bytes",
    "Bytes that a tf.data node takes in the newest input checkpoint.",
    *_NODE,
    scalar=Scalar(tag="input_pipeline/{transformation}/state_mib", divisor=MIB),
)
CHECKPOINT_COMPONENT = _gauge(
    "checkpoint_component_bytes",
    "bytes",
    "Bytes of the newest checkpoint's tensors, by component: weights, optimizer, other.",
    "kind",
    "component",
    scalar=Scalar(tag="checkpoint/{kind}/{component}/size_mib", divisor=MIB),
)
RESTORES = _counter("restores", "", "Restores by outcome.", "kind", "outcome")
RESTORE_DURATION = _gauge(
    "restore_duration_seconds",
    "seconds",
    "Duration of the newest restore.",
    "kind",
    scalar=Scalar(tag="restore/{kind}/seconds"),
)
RESTORE_STEP_SKEW = _gauge(
    "restore_step_skew",
    "steps",
    "Model step minus input pipeline step at the newest restore; 0 is an exact resume.",
    scalar=Scalar(tag="restore/step_skew"),
)
# The next four come from `observed-hooks compare`, whose TensorBoard pages are HParams: they are no scalars.
FIRST_BATCH = _gauge(
    "first_batch_seconds",
    "seconds",
    "Until the first batch of a session, by start: cold, or resumed, which includes the restore; from a comparison.",
    "start",
)
EXAMPLES_RATE = _gauge(
    "examples_per_second",
    "",
    "Examples read a second in the steady state, without saves; from a comparison.",
)
PEAK_MEMORY = _gauge(
    "peak_memory_bytes",
    "bytes",
    "The most memory that the process had resident; from a comparison.",
)
MIXING = _gauge(
    "mixing_ratio",
    "",
    "How well examples are mixed, by measure: 0 is the input order, 1 a full shuffle; from a comparison.",
    "measure",
)
GLOBAL_STEP = _gauge("global_step", "steps", "Global step at the newest event that knew it.")
RUN_ACTIVE = _gauge(
    "run_active", "", "1 while training runs, 0 after it ended as it should; a dead run leaves it at 1."
)
SAVE_INTERVAL_SECONDS = _gauge(
    "save_interval_seconds", "seconds", "Configured seconds between saves; absent when saving by steps."
)
SAVE_INTERVAL_STEPS = _gauge(
    "save_interval_steps", "steps", "Configured steps between saves; absent when saving by seconds."
)
RUN_INFO = Metric(
    name=PREFIX + "run",
    type="info",
    unit="",
    help="Versions of this package and of TensorFlow, and the mode.",
)
EVENTS_DROPPED = _counter(
    "events_dropped",
    "",
    "Events a sink never received; sink `all` counts those that found the queue full.",
    "sink",
)
SINK_ERRORS = _counter("sink_errors", "", "Times a sink raised or did not answer in time.", "sink")
OBSERVER_SECONDS = _counter("observer_seconds", "seconds", "Seconds spent on the observer's own thread.", "stage")

CATALOGUE: tuple[Metric, ...] = (
    *(SAVE_DURATION, SAVE_STALL, SAVE_WRITE, LAST_SAVE_DURATION, LAST_SAVE_STALL, LAST_SAVE_WRITE),
    *(LAST_SAVE_TIMESTAMP, LAST_SAVE_STEP),
    *(SAVES, CHECKPOINT_SIZE, CHECKPOINT_BASELINE, CHECKPOINT_WRITTEN, RETAINED_CHECKPOINTS, RETAINED_BYTES),
    *(FILESYSTEM_FREE, FILESYSTEM_SIZE, BUFFER_ELEMENTS, BUFFER_BYTES, BUFFER_CAPACITY, ITERATOR_STATE),
    CHECKPOINT_COMPONENT,
    *(RESTORES, RESTORE_DURATION, RESTORE_STEP_SKEW),
    *(FIRST_BATCH, EXAMPLES_RATE, PEAK_MEMORY, MIXING),
    *(GLOBAL_STEP, RUN_ACTIVE, SAVE_INTERVAL_SECONDS, SAVE_INTERVAL_STEPS, RUN_INFO),
    *(EVENTS_DROPPED, SINK_ERRORS, OBSERVER_SECONDS),
)
