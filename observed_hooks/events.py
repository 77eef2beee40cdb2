"""Every value that travels from a hook to a sink.

One frozen type per outcome; units in the field names. A hook publishes an event; the bus stamps it with
run, task and time as a `Record`, measures the files where the event names any, and hands it to the sinks.

    hook -> event -> bus -> Record(event) -> sink

`SaveCompleted` is what a hook knows on the training thread. Sinks never see it: the bus's thread measures
the files first and hands on a `CheckpointSaved`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["model", "input_pipeline"]
KINDS: tuple[Kind, ...] = ("model", "input_pipeline")

Component: TypeAlias = Literal["weights", "optimizer", "other"]
COMPONENTS: tuple[Component, ...] = ("weights", "optimizer", "other")

Outcome: TypeAlias = Literal["success", "failure", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("success", "failure", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """Training began, or began again: the first hook of a bus is ready."""

    version: str
    """Of this package."""
    tensorflow_version: str
    mode: str
    """`graph` or `eager`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """Training ended as it should. A run that dies never publishes this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointingStarted:
    """A hook will save checkpoints of `kind` from now on; published for every session."""

    kind: Kind
    checkpoint_dir: str
    step: int
    interval_seconds: float | None
    """`save_secs`; None when the hook saves by steps or its schedule is not known."""
    interval_steps: int | None
    """`save_steps`; None when the hook saves by seconds or its schedule is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveCompleted:
    """A checkpoint's files are complete; what they weigh is not known yet."""

    kind: Kind
    step: int
    prefix: str
    """The checkpoint's path without `.index`, as `Saver.save` returns it; empty when nobody told it."""
    duration_seconds: float | None
    """From the decision to save until the files were complete; None when only the files were seen."""
    stall_seconds: float | None
    """How long the training thread was held up; None when only the files were seen."""
    write_seconds: float | None
    """How long the files were being written, by whichever thread; None when only the files were seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSize:
    """Bytes on disk of one checkpoint, by part."""

    data_bytes: int
    index_bytes: int
    meta_bytes: int

    @property
    def total_bytes(self) -> int:
        """All parts together."""
        return self.data_bytes + self.index_bytes + self.meta_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What retention has left on disk of one kind."""

    checkpoints: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filesystem:
    """Room on the file system that holds the checkpoints, where it is local."""

    free_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSaved:
    """A checkpoint exists and was measured."""

    kind: Kind
    step: int
    prefix: str
    duration_seconds: float | None
    """This and the next two are None when only the files were seen."""
    stall_seconds: float | None
    write_seconds: float | None
    size: CheckpointSize | None
    """None when the files were gone before they could be measured: unknown is not zero."""
    baseline_bytes: int | None
    """Median of the run's first sizes; None until there are enough of them."""
    retained: Retained | None
    """None when it is not known where the checkpoints are."""
    filesystem: Filesystem | None
    """None when the directory is not on a local file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryWatched:
    """What lies in a directory of checkpoints that somebody else writes."""

    kind: Kind
    step: int
    """Of the newest checkpoint that is there; 0 when there is none."""
    checkpoint_dir: str
    retained: Retained
    filesystem: Filesystem | None
    """None when the directory is not there, or not on a local file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBytes:
    """What one tf.data node takes in an input checkpoint."""

    iterator: str
    node: str
    """Path from the consumer on, such as `Prefetch::BatchV2::ShuffleAndRepeat`; the same in every run of a program."""
    transformation: str
    """What the node does, such as `Shuffle`."""
    elements: int | None
    """Elements of its buffer; None for a node that buffers none, and for several nodes taken together."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IteratorStateMeasured:
    """What an input checkpoint is made of, node by node: the largest, and the rest as one."""

    step: int
    prefix: str
    nodes: tuple[NodeBytes, ...]
    """Largest first; empty when it was left out."""
    left_out: str
    """Why the nodes are not known; empty when they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentBytes:
    """Bytes of the entries of one component; `checkpoints.components` has the rule."""

    component: Component
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentsMeasured:
    """What a checkpoint of a model is made of."""

    kind: Kind
    step: int
    prefix: str
    components: tuple[ComponentBytes, ...]
    """One for each of `COMPONENTS`; empty when it was left out."""
    left_out: str
    """Why the components are not known; empty when they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferState:
    """The buffer of one tf.data node, or of all nodes that share its place in the program."""

    iterator: str
    node: str
    """As in `NodeBytes`, so that both can be joined."""
    transformation: str
    elements: int | None
    """None where TensorFlow does not tell (before 2.16, and without autotuning)."""
    size_bytes: int | None
    """In memory, uncompressed; None where TensorFlow does not tell."""
    capacity_elements: int | None
    """None where the program does not fix it, or not in a way that can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuffersSampled:
    """What the buffers of the running input pipelines held at one step: the largest, and the rest as one."""

    step: int
    buffers: tuple[BufferState, ...]
    """Largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveFailed:
    """A save was tried and made no checkpoint."""

    kind: Kind
    step: int
    duration_seconds: float
    stall_seconds: float
    error: str
    """The exception's type and first line. For people and logs, never a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveSkipped:
    """A save was due and deliberately not tried."""

    kind: Kind
    step: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftoversRemoved:
    """Temporary files of saves that were killed or failed were taken away."""

    kind: Kind
    checkpoint_dir: str
    leftovers: int
    """How many files, or directories of such."""
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRestored:
    """A state was read back."""

    kind: Kind
    step: int
    """Of the checkpoint that was read."""
    model_step: int
    """The step at which the model continues."""
    prefix: str
    duration_seconds: float | None
    """None for a model that TensorFlow's session restored before any hook could look at a clock."""

    @property
    def skew_steps(self) -> int:
        """Model step minus checkpoint step: how much of the input is read a second time."""
        return self.model_step - self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFailed:
    """A checkpoint that should have been read back could not be."""

    kind: Kind
    model_step: int
    prefix: str
    """The checkpoint that failed; empty when none was found."""
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRestarted:
    """The input pipeline began afresh although the model did not: no input checkpoint could be taken."""

    model_step: int
    """The step at which the model continues."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstBatchRead:
    """The first batch of a session is there. Published by a comparison of input pipelines."""

    step: int
    resumed: bool
    """Whether the input pipeline was restored; a restore counts into the duration."""
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRead:
    """A stretch of reading in the steady state, without saves. Published by a comparison of input pipelines."""

    step: int
    examples: int
    duration_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPeaked:
    """The most memory that the process had resident so far. Published by a comparison of input pipelines."""

    step: int
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MixingMeasured:
    """How well the order of one epoch's examples is mixed: 0 is the input order, 1 a full shuffle.

    Published by a comparison of input pipelines; `compare.mixing` has the formulas.
    """

    step: int
    displacement: float | None
    neighbours: float | None
    labels: float | None
    left_out: str
    """Why one of them is not known; empty when all are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverReport:
    """What watching itself cost, and where it failed, since the last such report."""

    dropped: tuple[tuple[str, int], ...]
    """(sink, events it never got); `all` for events that found the queue full."""
    failed: tuple[tuple[str, int], ...]
    """(sink, how often it raised or did not answer in time)."""
    seconds: tuple[tuple[str, float], ...]
    """(stage, seconds on the bus's thread); a stage is `measure` or a sink's name."""


Event: TypeAlias = (
    RunStarted
    | RunEnded
    | CheckpointingStarted
    | SaveCompleted
    | CheckpointSaved
    | DirectoryWatched
    | IteratorStateMeasured
    | ComponentsMeasured
    | BuffersSampled
    | SaveFailed
    | SaveSkipped
    | LeftoversRemoved
    | CheckpointRestored
    | RestoreFailed
    | InputRestarted
    | FirstBatchRead
    | InputRead
    | MemoryPeaked
    | MixingMeasured
    | ObserverReport
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An event with its origin: what a sink receives."""

    run: str
    task: str
    time_seconds: float
    """Seconds since the epoch at which the event was published."""
    event: Event

    def as_dict(self) -> dict[str, Any]:
        """Return a flat, JSON-ready form: origin, `event` with the type's name, then its fields."""
        origin = {"time_seconds": self.time_seconds, "run": self.run, "task": self.task}
        return {**origin, "event": type(self.event).__name__, **asdict(self.event)}
