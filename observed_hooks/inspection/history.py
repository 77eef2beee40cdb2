"""Bytes by component over the checkpoints of a directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from observed_hooks.checkpoints.bundle import Entry
from observed_hooks.checkpoints.components import component_bytes
from observed_hooks.errors import CheckpointFormatError, ConfigurationError, MissingExtraError
from observed_hooks.inspection.finding import basename_and_step, every
from observed_hooks.inspection.report import readable_index

_MIB = 1024.0 * 1024.0
_ITERATORS = "input pipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One checkpoint."""

    basename: str
    step: int
    bytes_by_component: dict[str, int]


def history(directory: str) -> tuple[Point, ...]:
    """Return the checkpoints in `directory` that can be read, by basename, then by step; only their indexes are read.

    Raises:
        ConfigurationError: there is none.
    """
    points = []
    for prefix in every(directory):
        try:
            entries = readable_index(prefix).entries
        except (CheckpointFormatError, ConfigurationError):  # pruned, or damaged: the others still make a plot
            continue
        basename, step = basename_and_step(prefix)
        points.append(Point(basename=basename, step=step, bytes_by_component=_parts(entries)))
    if not points:
        raise ConfigurationError(f"no checkpoint in {directory} can be read")
    return tuple(points)


def plot(points: tuple[Point, ...], path: str) -> None:
    """Draw `points` to an image, one panel for each basename, stacked by component.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ConfigurationError: `path` cannot be written, or names no kind of image.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("--plot needs matplotlib: pip install 'observed-hooks[plot]'") from error
    basenames = list(dict.fromkeys(point.basename for point in points))
    figure = Figure(figsize=(8, 3 * len(basenames)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(basenames), squeeze=False)
    for panel, basename in zip(panels[:, 0], basenames, strict=True):
        _draw(panel, basename, [point for point in points if point.basename == basename])
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the plot cannot be written to {path}: {error}") from error


def _draw(panel: Any, basename: str, points: list[Point]) -> None:
    steps = [str(point.step) if point.step >= 0 else basename for point in points]
    bottoms = [0.0] * len(points)
    for component in points[0].bytes_by_component:
        heights = [point.bytes_by_component[component] / _MIB for point in points]
        if any(heights):
            panel.bar(steps, heights, bottom=bottoms, label=component)
            bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    panel.set_title(basename)
    panel.set_xlabel("step")
    panel.set_ylabel("MiB")
    panel.legend()


def _parts(entries: tuple[Entry, ...]) -> dict[str, int]:
    """Return the components, the iterators apart from the rest of `other`."""
    iterators = sum(entry.size for entry in entries if entry.dtype == "variant")
    parts = {str(each.component): each.size_bytes for each in component_bytes(entries)}
    return {**parts, "other": parts["other"] - iterators, _ITERATORS: iterators}
