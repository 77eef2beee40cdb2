"""What all plots of a comparison have in common: how a series looks, what hovering tells, the figure around it.

Colours of text and grid are the page's: plotly's own would not change from light to dark.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from observed_hooks.compare import measures as m
from observed_hooks.compare.result import Row
from observed_hooks.compare.scales import Scale
from observed_hooks.compare.series import Series
from observed_hooks.compare.wording import told
from observed_hooks.errors import MissingExtraError

_LINE, _MARKER, _OPEN_MARKER = 2, 8, 15
_WIDER, _LARGER = 2, 4  # for each placement that is drawn over a series
_LONGEST, _HEAD, _TAIL = 24, 11, 11  # characters of a run's name below an axis
_FONT_SIZE = 13
_HOVER = {
    "bgcolor": "#20262e",
    "bordercolor": "#20262e",
    "align": "left",
    "font": {"color": "#ffffff", "size": _FONT_SIZE},
}


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


def mode(series: Series) -> str:
    """Return whether its points are joined, in plotly's words."""
    return "lines+markers" if series.connected else "markers"


def look(series: Series, rows: Sequence[Row]) -> dict[str, Any]:
    """Return a trace of `rows` as their series is drawn; it lacks the places of its points."""
    return {
        "type": "scatter",
        "name": plain(series.name),
        "mode": mode(series),
        "line": {
            "color": series.color,
            "width": _LINE + _WIDER * series.above,
            "dash": "dot" if series.symbolic else "solid",
        },
        "marker": {
            "color": series.color,
            "symbol": series.symbol,
            "size": (_OPEN_MARKER if series.symbolic else _MARKER) + _LARGER * series.above,
            "line": {"width": _LINE if series.symbolic else 0},
        },
        "hovertext": [_hover(row) for row in rows],
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def on(axis: str, rows: Sequence[Row], measure: m.Measure, scale: Scale) -> dict[str, Any]:
    """Return the medians along `axis`, and their spread as error bars where there is one."""
    figures = [row.figures[measure.name] for row in rows]
    placed = [scale.place(figure.median) for figure in figures]
    up = [scale.place(figure.high) - at for figure, at in zip(figures, placed, strict=True)]
    down = [at - scale.place(figure.low) for figure, at in zip(figures, placed, strict=True)]
    bars = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.5, "width": 5}
    return {axis: placed, f"error_{axis}": {**bars, "visible": any(up) or any(down)}}


def figure(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> Any:
    """Return a `plotly.graph_objects.Figure` without a ground of its own; `layout` must have both axes.

    Raises:
        MissingExtraError: plotly is not installed.
    """
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


def title(text: str) -> dict[str, Any]:
    """Return the title of an axis."""
    return {"text": text, "font": {"size": _FONT_SIZE}}


def _hover(row: Row) -> str:
    """Return all figures of `row`."""
    lines = [told(row.figures[each.name], each) for each in m.MEASURES if each.name in row.figures]
    return "<br>".join([f"<b>{plain(row.name)}</b>", *lines])


def plain(text: str) -> str:
    """Return `text` so that plotly, which reads tags and links in every text, shows it as it is."""
    return html.escape(text, quote=False)


def shortened(name: str) -> str:
    """Return a name that fits below an axis: its ends, where names of runs differ."""
    return plain(name if len(name) <= _LONGEST else f"{name[:_HEAD]}\u2026{name[-_TAIL:]}")
