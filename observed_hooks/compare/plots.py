"""The plots of a comparison, as plain plotly figures: data and axes.

Colour and symbol say the series, never the measure: each measure has a figure of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from observed_hooks.compare import measures as m
from observed_hooks.compare import traces
from observed_hooks.compare.recommend import front
from observed_hooks.compare.result import Figure, Result, Row
from observed_hooks.compare.scales import Scale, linear_scale, log_scale, ratio_scale
from observed_hooks.compare.series import Series, all_series, categories, category, is_by_name

BYTES = (m.CHECKPOINT, m.BUFFER_BYTES, m.MEMORY)
SECONDS = (m.FIRST_BATCH, m.STALL, m.RESUME)
MIXING = (m.DISPLACEMENT, m.NEIGHBOURS, m.LABELS)

RECOMMENDED, FRONT = "recommended", "front"
_RING_COLOR = "#e69f00"
_RING, _BAND = 26, 9
_SPACE = "\u00a0\u00a0"
_ABOUT = {
    # What refers to other measures in a list of them, said so that it stands alone.
    m.MIXING: "Mixing is the mean of displacement, neighbours and labels, of those that are known. "
    "The wide line joins the cases that no other beats in both.",
    m.BUFFER_BYTES: "Bytes of the elements that the shuffle buffers of the running pipeline held, at most.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure under its title."""

    title: str
    about: str
    figure: Any
    """A `plotly.graph_objects.Figure`."""


def cost_against_quality(result: Result) -> tuple[Chart, ...]:
    """Return checkpoint bytes against mixing, the recommended row ringed; nothing when no row has both.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    both = (m.CHECKPOINT, m.MIXING)
    rows = _with(result, *both)
    if not rows:
        return ()
    x, y = log_scale(_ends(rows, m.CHECKPOINT), "bytes"), ratio_scale(_ends(rows, m.MIXING))
    chosen = [row for row in rows if result.recommendation and row.name == result.recommendation.name]
    lines = [
        {**traces.look(series, found), **_labels(result, series, found, chosen, x), **_at(found, x, y)}
        for series in all_series(result)
        if (found := [row for row in series.rows if row in rows])
    ]
    layout = {
        "xaxis": {**x.axis(), "title": traces.title("bytes in an input checkpoint")},
        "yaxis": {**y.axis(), "title": traces.title("mixing: 0 input order, 1 full shuffle")},
    }
    best = [row for row in front(result.rows) if row in rows]
    figure = traces.figure([_band(best, x, y), *(_ring(row, x, y) for row in chosen), *lines], layout)
    return (Chart(title="What a checkpoint takes, and how well it mixes", about=_ABOUT[m.MIXING], figure=figure),)


def bytes_by_size(result: Result) -> tuple[Chart, ...]:
    """Return checkpoint, buffer and memory, on one scale; only those that are known.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    scale = log_scale([end for each in BYTES for end in _ends(result.rows, each)], "bytes")
    titles = ("Input checkpoint on disk", "Shuffle buffer in memory", "Memory beyond that without a buffer")
    return _by_size(result, BYTES, titles, scale)


def seconds_by_size(result: Result) -> tuple[Chart, ...]:
    """Return first batch, stall of a save and resume, on one scale; only those that are known.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    scale = log_scale([end for each in SECONDS for end in _ends(result.rows, each)], "seconds")
    return _by_size(result, SECONDS, ("Cold start to first batch", "Stall of a save", "Resume to first batch"), scale)


def throughput_by_size(result: Result) -> tuple[Chart, ...]:
    """Return examples a second, from zero; nothing when no row knows them.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    scale = linear_scale(_ends(result.rows, m.THROUGHPUT), m.THROUGHPUT.unit)
    return _by_size(result, (m.THROUGHPUT,), ("Examples read in a second",), scale)


def mixing_by_size(result: Result) -> tuple[Chart, ...]:
    """Return the measures of mixing, from input order to full shuffle; only those that are known.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    scale = ratio_scale([end for each in MIXING for end in _ends(result.rows, each)])
    titles = ("Displacement", "Neighbours no longer together", "Labels balanced within batches")
    return _by_size(result, MIXING, titles, scale)


def _by_size(result: Result, measures: Sequence[m.Measure], titles: Sequence[str], scale: Scale) -> tuple[Chart, ...]:
    return tuple(
        Chart(title=title, about=_ABOUT.get(measure, measure.method), figure=_along_sizes(result, measure, scale))
        for measure, title in zip(measures, titles, strict=True)
        if _with(result, measure)
    )


def _along_sizes(result: Result, measure: m.Measure, scale: Scale) -> Any:
    by_name = is_by_name(result)
    places = [traces.plain(each) for each in categories(result)]
    measured = {category(row, by_name=by_name) for row in result.rows if not row.failed}
    drawn = []
    for series in all_series(result):
        rows = [row for row in series.rows if measure.name in row.figures]
        x = [traces.plain(category(row, by_name=by_name)) for row in rows]
        if rows:
            drawn.append({**traces.look(series, rows), "x": x, **traces.on("y", rows, measure, scale)})
    layout = {
        "xaxis": {
            # Sizes are few, and zero has no place on a logarithm: each is a category.
            "type": "category",
            "categoryorder": "array",
            "categoryarray": places,
            "tickmode": "array",
            "tickvals": places,
            "ticktext": [
                traces.shortened(each) + ("" if each in measured else "<br>failed") for each in categories(result)
            ],
            "range": [-0.4, len(places) - 0.6],
            "title": traces.title("run" if by_name else "shuffle buffer, elements"),
        },
        "yaxis": scale.axis(),
    }
    return traces.figure(drawn, layout)


def _labels(result: Result, series: Series, rows: Sequence[Row], chosen: Sequence[Row], x: Scale) -> dict[str, Any]:
    """Return each point's size beside it: once, and on the side on which a rising curve leaves room."""
    every = all_series(result)
    before = every[: every.index(series)]
    # Symbolic checkpoints are nearly as large as plain ones, and their labels would stand on those.
    silent = series.symbolic and any(not each.symbolic for each in every)
    told = [row for each in before for row in each.rows]
    texts = [
        _label(traces.plain(category(row, by_name=not series.connected)), recommended=row in chosen)
        if row in chosen or not (silent or row in told)
        else ""
        for row in rows
    ]
    start, end = x.axis()["range"]
    # A long label has no room to the left of a point that is near the axis.
    near = [row for row in chosen if x.on_axis(row.figures[m.CHECKPOINT.name].median) < start + (end - start) / 3]
    sides = ["bottom right" if row in near or (before and not silent) else "top left" for row in rows]
    mode = f"{traces.mode(series)}+text" if any(texts) else traces.mode(series)
    return {"mode": mode, "text": texts, "textposition": sides}


def _label(size: str, *, recommended: bool) -> str:
    return f"{_SPACE}<b>{size} {RECOMMENDED}</b>{_SPACE}" if recommended else f"{_SPACE}{size}{_SPACE}"


def _at(rows: Sequence[Row], x: Scale, y: Scale) -> dict[str, Any]:
    return {**traces.on("x", rows, m.CHECKPOINT, x), **traces.on("y", rows, m.MIXING, y)}


def _band(rows: Sequence[Row], x: Scale, y: Scale) -> dict[str, Any]:
    """Return the front as a wide line that lies behind everything."""
    return {
        "type": "scatter",
        "name": FRONT,
        "mode": "lines",
        "x": [x.place(row.figures[m.CHECKPOINT.name].median) for row in rows],
        "y": [y.place(row.figures[m.MIXING.name].median) for row in rows],
        "line": {"color": _RING_COLOR, "width": _BAND},
        "opacity": 0.3,
        "hoverinfo": "skip",
    }


def _ring(row: Row, x: Scale, y: Scale) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": RECOMMENDED,
        "mode": "markers",
        "x": [x.place(row.figures[m.CHECKPOINT.name].median)],
        "y": [y.place(row.figures[m.MIXING.name].median)],
        "marker": {"color": _RING_COLOR, "symbol": "circle-open", "size": _RING, "line": {"width": 3}},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }


def _with(result: Result, *measures: m.Measure) -> list[Row]:
    return [row for row in result.rows if all(each.name in row.figures for each in measures)]


def _ends(rows: Sequence[Row], measure: m.Measure) -> list[float]:
    figures: list[Figure] = [row.figures[measure.name] for row in rows if measure.name in row.figures]
    return [end for figure in figures for end in (figure.low, figure.median, figure.high)]
