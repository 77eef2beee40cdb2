"""Every measure of a comparison: name, unit, which way is better, and how it is found out.

Tables, plots, result files and the documentation are made from this, so they cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["seconds", "bytes", "elements", "examples per second", "bytes per element", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One column."""

    name: str
    """As in result.json and result.csv."""
    title: str
    """Short, as the head of a column."""
    unit: Unit
    better: Literal["lower", "higher"]
    method: str
    """How it is found out, in a sentence or two."""


FIRST_BATCH = Measure(
    name="first_batch_seconds",
    title="first batch",
    unit="seconds",
    better="lower",
    method="From the first step of a new iterator until its first batch is there; the buffer fills meanwhile.",
)
FILL = Measure(
    name="fill_seconds",
    title="fill",
    unit="seconds",
    better="lower",
    method="First batch of this case minus the median first batch without a buffer: what filling adds.",
)
THROUGHPUT = Measure(
    name="examples_per_second",
    title="examples/s",
    unit="examples per second",
    better="higher",
    method="Examples read in the steady state, after the first batches of a session, by the seconds it took.",
)
MEMORY = Measure(
    name="memory_bytes",
    title="memory",
    unit="bytes",
    better="lower",
    method="Peak resident memory of the process while it read, minus the median peak without a buffer.",
)
BUFFER_ELEMENTS = Measure(
    name="buffer_elements",
    title="held",
    unit="elements",
    better="lower",
    method="Elements that the shuffle buffers of the running pipeline held, by TensorFlow's own model, at most.",
)
BUFFER_BYTES = Measure(
    name="buffer_bytes",
    title="buffer",
    unit="bytes",
    better="lower",
    method="Bytes of those elements in memory.",
)
CHECKPOINT = Measure(
    name="checkpoint_bytes",
    title="checkpoint",
    unit="bytes",
    better="lower",
    method="Files of the input checkpoint on disk, data and index, of the largest save.",
)
CHECKPOINT_PER_ELEMENT = Measure(
    name="checkpoint_bytes_per_element",
    title="per element",
    unit="bytes per element",
    better="lower",
    method="Bytes of the shuffle nodes in the input checkpoint, by the elements that they hold in it.",
)
STALL = Measure(
    name="save_stall_seconds",
    title="stall",
    unit="seconds",
    better="lower",
    method="How long a save of the input pipeline held up the training thread; median of the saves.",
)
SAVE = Measure(
    name="save_seconds",
    title="save",
    unit="seconds",
    better="lower",
    method="From the decision to save the input pipeline until its files are complete; median of the saves.",
)
RESUME = Measure(
    name="resume_seconds",
    title="resume",
    unit="seconds",
    better="lower",
    method="From the start of the restore of the input pipeline until its first batch is there; median.",
)
WRITTEN_PER_HOUR = Measure(
    name="checkpoint_bytes_per_hour",
    title="written/h",
    unit="bytes",
    better="lower",
    method="Checkpoint bytes times the saves in an hour, at the save interval that was given.",
)
MIXING = Measure(
    name="mixing",
    title="mixing",
    unit="ratio",
    better="higher",
    method="Mean of the next three, of those that are known: 0 is the input order, 1 a full shuffle.",
)
DISPLACEMENT = Measure(
    name="mixing_displacement",
    title="displacement",
    unit="ratio",
    better="higher",
    method="Mean distance of an example from its place in the input, by that of a full shuffle, (N*N - 1) / (3 * N).",
)
NEIGHBOURS = Measure(
    name="mixing_neighbours",
    title="neighbours",
    unit="ratio",
    better="higher",
    method="Share of the pairs of batch mates in input order that are batch mates no longer, by that of a full "
    "shuffle, 1 - (b - 1) / (N - 1) when no batch is short.",
)
LABELS = Measure(
    name="mixing_labels",
    title="labels",
    unit="ratio",
    better="higher",
    method="How far label imbalance within batches has gone from that of the input order (0) to that of a full "
    "shuffle (1).",
)

MEASURES: tuple[Measure, ...] = (
    *(FIRST_BATCH, FILL, THROUGHPUT, MEMORY, BUFFER_ELEMENTS, BUFFER_BYTES),
    *(CHECKPOINT, CHECKPOINT_PER_ELEMENT, STALL, SAVE, RESUME, WRITTEN_PER_HOUR),
    *(MIXING, DISPLACEMENT, NEIGHBOURS, LABELS),
)
