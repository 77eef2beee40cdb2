"""The plots of a comparison, as plain plotly figures: data and axes; colours of text and grid are the page's.

Colour and symbol say the series, never the measure: each measure has a figure of its own.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from observed_hooks.compare import measures as m
from observed_hooks.compare.result import Figure, Result, Row
from observed_hooks.compare.scales import Scale, linear_scale, log_scale, ratio_scale
from observed_hooks.compare.series import Series, all_series, categories, category, is_by_name
from observed_hooks.compare.wording import told
from observed_hooks.errors import MissingExtraError

BYTES = (m.CHECKPOINT, m.BUFFER_BYTES, m.MEMORY)
SECONDS = (m.FIRST_BATCH, m.STALL, m.RESUME)
MIXING = (m.DISPLACEMENT, m.NEIGHBOURS, m.LABELS)

RECOMMENDED = "recommended"
_RING_COLOR = "#e69f00"
_LINE, _MARKER, _OPEN_MARKER, _RING = 2, 8, 14, 26
_SPACE = "\u00a0\u00a0"
_LONGEST, _HEAD, _TAIL = 24, 11, 11  # characters of a run's name below an axis
_LEFT = 0.3  # of an axis: so near to its start, a label has no room to the left
_ABOUT = {
    # What refers to other measures in a list of them, said so that it stands alone.
    m.MIXING: "Mixing is the mean of displacement, neighbours and labels, of those that are known.",
    m.BUFFER_BYTES: "Bytes of the elements that the shuffle buffers of the running pipeline held, at most.",
}
_FONT_SIZE = 13
_HOVER = {
    "bgcolor": "#20262e",
    "bordercolor": "#20262e",
    "align": "left",
    "font": {"color": "#ffffff", "size": _FONT_SIZE},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One figure under its title."""

    title: str
    about: str
    figure: Any
    """A `plotly.graph_objects.Figure`."""


def require_plotly() -> Any:
    """Return plotly's figures.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise MissingExtraError("the plots need plotly: pip install 'observed-hooks[compare]'") from error
    return go


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
    traces = [
        {
            **_look(series, found),
            **_labels(series, found, chosen, x, spoken_for=_spoken_for(result, series)),
            **_at(found, x, y),
        }
        for series in all_series(result)
        if (found := [row for row in series.rows if row in rows])
    ]
    layout = {
        "xaxis": {**x.axis(), "title": _title("bytes in an input checkpoint")},
        "yaxis": {**y.axis(), "title": _title("mixing: 0 input order, 1 full shuffle")},
    }
    figure = _figure([*(_ring(row, x, y) for row in chosen), *traces], layout)
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
    places = [_plain(each) for each in categories(result)]
    measured = {category(row, by_name=by_name) for row in result.rows if not row.failed}
    traces = []
    for series in all_series(result):
        rows = [row for row in series.rows if measure.name in row.figures]
        x = [_plain(category(row, by_name=by_name)) for row in rows]
        if rows:
            traces.append({**_look(series, rows), "x": x, **_on("y", rows, measure, scale)})
    layout = {
        "xaxis": {
            # Sizes are few, and zero has no place on a logarithm: each is a category.
            "type": "category",
            "categoryorder": "array",
            "categoryarray": places,
            "tickmode": "array",
            "tickvals": places,
            "ticktext": [_shortened(each) + ("" if each in measured else "<br>failed") for each in categories(result)],
            "range": [-0.4, len(places) - 0.6],
            "title": _title("run" if by_name else "shuffle buffer, elements"),
        },
        "yaxis": scale.axis(),
    }
    return _figure(traces, layout)


def _spoken_for(result: Result, series: Series) -> bool:
    """Tell whether labels of `series` would stand on those of plain checkpoints, which are nearly as large."""
    return series.symbolic and any(not each.symbolic for each in all_series(result))


def _labels(
    series: Series, rows: Sequence[Row], chosen: Sequence[Row], x: Scale, *, spoken_for: bool
) -> dict[str, Any]:
    """Return each point's size beside it."""
    sizes = [_plain(category(row, by_name=not series.connected)) for row in rows]
    texts = [_label(size, row in chosen, spoken_for) for row, size in zip(rows, sizes, strict=True)]
    mode = f"{_mode(series)}+text" if any(texts) else _mode(series)
    return {"mode": mode, "text": texts, "textposition": [_beside(row, x) for row in rows]}


def _label(size: str, recommended: bool, spoken_for: bool) -> str:  # noqa: FBT001 - two of three states
    text = f"<b>{size} {RECOMMENDED}</b>" if recommended else "" if spoken_for else size
    return f"{_SPACE}{text}{_SPACE}" if text else ""


def _beside(row: Row, x: Scale) -> str:
    """Return the side on which a rising curve leaves room."""
    start, end = x.axis()["range"]
    near_the_start = x.on_axis(row.figures[m.CHECKPOINT.name].median) < start + _LEFT * (end - start)
    return "middle right" if near_the_start else "top left"


def _at(rows: Sequence[Row], x: Scale, y: Scale) -> dict[str, Any]:
    return {**_on("x", rows, m.CHECKPOINT, x), **_on("y", rows, m.MIXING, y)}


def _mode(series: Series) -> str:
    return "lines+markers" if series.connected else "markers"


def _look(series: Series, rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": _plain(series.name),
        "mode": _mode(series),
        "line": {"color": series.color, "width": _LINE, "dash": "dot" if series.symbolic else "solid"},
        "marker": {
            "color": series.color,
            "symbol": series.symbol,
            "size": _OPEN_MARKER if series.symbolic else _MARKER,
            "line": {"width": _LINE if series.symbolic else 0},
        },
        "hovertext": [_hover(row) for row in rows],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _on(axis: str, rows: Sequence[Row], measure: m.Measure, scale: Scale) -> dict[str, Any]:
    """Return the medians along `axis`, and their spread as error bars where there is one."""
    figures = [row.figures[measure.name] for row in rows]
    placed = [scale.place(figure.median) for figure in figures]
    up = [scale.place(figure.high) - at for figure, at in zip(figures, placed, strict=True)]
    down = [at - scale.place(figure.low) for figure, at in zip(figures, placed, strict=True)]
    bars = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.5, "width": 5}
    return {axis: placed, f"error_{axis}": {**bars, "visible": any(up) or any(down)}}


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


def _figure(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> Any:
    # No zoom: a page that is scrolled by touch must not catch the finger, and hovering tells the figures.
    axis = {"fixedrange": True, "automargin": True, "zeroline": False, "ticks": "", "gridcolor": "#e6e9ed"}
    return require_plotly().Figure(
        data=list(traces),
        layout={
            # A template of plotly's would be 7 KB in each figure, and undo the page's colours.
            "template": {"layout": {}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": _FONT_SIZE},
            "hoverlabel": _HOVER,
            "hovermode": "closest",
            "margin": {"l": 12, "r": 24, "t": 24, "b": 12},
            "showlegend": False,
            **layout,
            "xaxis": {**axis, **layout["xaxis"]},
            "yaxis": {**axis, **layout["yaxis"]},
        },
    )


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": _FONT_SIZE}}


def _hover(row: Row) -> str:
    """Return all figures of `row`."""
    lines = [told(row.figures[each.name], each) for each in m.MEASURES if each.name in row.figures]
    return "<br>".join([f"<b>{_plain(row.name)}</b>", *lines])


def _plain(text: str) -> str:
    """Return `text` so that plotly, which reads tags and links in every text, shows it as it is."""
    return html.escape(text, quote=False)


def _shortened(name: str) -> str:
    return _plain(name if len(name) <= _LONGEST else f"{name[:_HEAD]}\u2026{name[-_TAIL:]}")


def _with(result: Result, *measures: m.Measure) -> list[Row]:
    return [row for row in result.rows if all(each.name in row.figures for each in measures)]


def _ends(rows: Sequence[Row], measure: m.Measure) -> list[float]:
    figures: list[Figure] = [row.figures[measure.name] for row in rows if measure.name in row.figures]
    return [end for figure in figures for end in (figure.low, figure.median, figure.high)]
