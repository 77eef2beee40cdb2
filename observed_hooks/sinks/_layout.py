"""What TensorBoard's Custom Scalars page shows: which scalars share a chart, and in which order.

Scalars side by side answer what none of them tells alone: a size against its baseline, a stall against the save it is
part of, a buffer against its capacity. The tags come from the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.custom_scalar import layout_pb2, metadata

from observed_hooks import metrics as m

ANY = "[^/]+"


@dataclass(frozen=True, slots=True)
class Chart:
    """Scalars that belong on one chart."""

    title: str
    metrics: tuple[m.Metric, ...]
    kind: str = ANY
    """Of checkpoint; all kinds where it is not given."""

    @property
    def patterns(self) -> list[str]:
        """Regular expressions for the tags, which TensorBoard matches from their start."""
        return [f"{_tag(metric, self.kind)}$" for metric in self.metrics]


_SECONDS = (m.LAST_SAVE_DURATION, m.LAST_SAVE_STALL, m.LAST_SAVE_WRITE)
_SIZE = (m.CHECKPOINT_SIZE, m.CHECKPOINT_BASELINE)

LAYOUT: dict[str, tuple[Chart, ...]] = {
    "What a save costs": (
        Chart("Model: save, stall, write (s)", _SECONDS, "model"),
        Chart("Input pipeline: save, stall, write (s)", _SECONDS, "input_pipeline"),
    ),
    "Checkpoint size": (
        Chart("Model: newest and baseline (MiB)", _SIZE, "model"),
        Chart("Input pipeline: newest and baseline (MiB)", _SIZE, "input_pipeline"),
        Chart("Model: by component (MiB)", (m.CHECKPOINT_COMPONENT,)),
        Chart("Input pipeline: by transformation (MiB)", (m.ITERATOR_STATE,)),
    ),
    "Buffers of the running pipeline": (
        Chart("Elements held, and capacity", (m.BUFFER_ELEMENTS, m.BUFFER_CAPACITY)),
        Chart("Memory held (MiB)", (m.BUFFER_BYTES,)),
    ),
    "Retained on disk": (
        Chart("All checkpoints (MiB)", (m.RETAINED_BYTES,)),
        Chart("Number of checkpoints", (m.RETAINED_CHECKPOINTS,)),
    ),
    "Resume": (
        Chart("Restore (s)", (m.RESTORE_DURATION,)),
        Chart("Model step minus input step", (m.RESTORE_STEP_SKEW,)),
    ),
}
"""Charts by category, in the order of the page."""


def layout_summary() -> Any:
    """Return the layout as the summary that TensorBoard looks for; made without TensorFlow."""
    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=title,
                chart=[
                    layout_pb2.Chart(title=chart.title, multiline=layout_pb2.MultilineChartContent(tag=chart.patterns))
                    for chart in charts
                ],
            )
            for title, charts in LAYOUT.items()
        ]
    )
    text = TensorProto(
        dtype=DT_STRING, tensor_shape=TensorShapeProto(), string_val=[layout.SerializeToString(deterministic=True)]
    )
    value = Summary.Value(tag=metadata.CONFIG_SUMMARY_TAG, metadata=metadata.create_summary_metadata(), tensor=text)
    return Summary(value=[value])


def _tag(metric: m.Metric, kind: str) -> str:
    if metric.scalar is None:
        raise ValueError(f"{metric.name} has no scalar that a chart could show: give it one in the catalogue.")
    return metric.scalar.tag.format(**{label: kind if label == "kind" else ANY for label in metric.labels})
