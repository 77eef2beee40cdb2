"""The result of a comparison as one HTML page for people: recommendation, plots, all figures, how they came about.

The page asks no network for anything, and forbids itself to: it holds plotly.js once. Everything that comes from
outside (names of runs, remarks, settings) is escaped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from observed_hooks.compare import measures as m
from observed_hooks.compare import plots
from observed_hooks.compare.measures import MEASURES, Measure
from observed_hooks.compare.plots import Chart
from observed_hooks.compare.recommend import why_none
from observed_hooks.compare.result import Figure, Machine, Result
from observed_hooks.compare.series import Series, all_series, is_by_name
from observed_hooks.compare.traces import require_plotly
from observed_hooks.compare.whole import write_whole
from observed_hooks.compare.wording import shown, spread
from observed_hooks.errors import ConfigurationError, MissingExtraError
from observed_hooks.inspection.human import size

_TEMPLATE = "report.html.j2"
_TIME = (m.FIRST_BATCH, m.FILL, m.STALL, m.SAVE, m.RESUME, m.THROUGHPUT)
_MIXING = (m.MIXING, *plots.MIXING)
_TABLES = (
    ("Time", _TIME),
    ("Memory and checkpoints", tuple(each for each in MEASURES if each not in {*_TIME, *_MIXING})),
    ("Mixing", _MIXING),
)
_HEADLINES = (m.MIXING, m.CHECKPOINT, m.MEMORY, m.FIRST_BATCH, m.STALL, m.RESUME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Plots that answer one question."""

    title: str
    about: str
    draw: Callable[[Result], tuple[Chart, ...]]
    measures: tuple[Measure, ...]
    """That the plots show."""


SECTIONS = (
    Section(
        title="Cost against quality",
        about="Up is better mixed, left is cheaper: the best buffers are near the upper left corner.",
        draw=plots.cost_against_quality,
        measures=(m.CHECKPOINT, m.MIXING),
    ),
    Section(
        title="Bytes",
        about="On one logarithmic scale: a buffer ten times as large is one even step up.",
        draw=plots.bytes_by_size,
        measures=plots.BYTES,
    ),
    Section(
        title="Seconds",
        about="On one logarithmic scale. The buffer fills before the first batch, and is in each save and resume.",
        draw=plots.seconds_by_size,
        measures=plots.SECONDS,
    ),
    Section(
        title="Throughput",
        about="In the steady state, without saves. Higher is better.",
        draw=plots.throughput_by_size,
        measures=(m.THROUGHPUT,),
    ),
    Section(
        title="Mixing",
        about="0 is the order of the input, 1 what a full shuffle comes to. Higher is better.",
        draw=plots.mixing_by_size,
        measures=plots.MIXING,
    ),
)


def write_report(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the page to `path`: whole, or not at all.

    Raises:
        MissingExtraError: jinja2 or plotly is not installed.
        ConfigurationError: the file cannot be written.
    """
    text = page(result)
    try:
        write_whole(path, text)
    except OSError as error:
        raise ConfigurationError(f"the report cannot be written to {os.fspath(path)}: {error.strerror}") from error


def page(result: Result) -> str:
    """Return the page, about 5 MB, nearly all of it plotly.js.

    Raises:
        MissingExtraError: jinja2 or plotly is not installed.
    """
    try:
        import jinja2
        from markupsafe import Markup
    except ImportError as error:
        raise MissingExtraError("the report needs jinja2: pip install 'observed-hooks[compare]'") from error
    require_plotly()
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    return template.render(**content(result), plotly_js=Markup(get_plotlyjs()))  # noqa: S704 - plotly's own file


def content(result: Result) -> dict[str, Any]:
    """Return what the template shows, ready for print: all but plotly.js itself.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    sections = [_section(each, result) for each in SECTIONS]
    charts = [chart for section in sections for chart in section["charts"]]
    for number, chart in enumerate(charts):
        chart["id"] = f"plot-{number}"
    return {
        "result": result,
        "why_none": why_none(result.rows),
        "headlines": _headlines(result),
        "legend": _legend(result),
        "sections": sections,
        "figures": {chart["id"]: chart.pop("figure") for chart in charts},
        "tables": [table for title, names in _TABLES if (table := _table(title, names, result))],
        "remarks": [(row.name, remark) for row in result.rows for remark in row.remarks],
        "measures": MEASURES,
        "spread": spread_sentence(result),
        "incomplete": "" if result.complete else _incomplete(result),
        "origin": _origin(result),
    }


def spread_sentence(result: Result) -> str:
    """Return what the figures and their spread are made of."""
    repeats = {figure.repeats for row in result.rows for figure in row.figures.values()}
    if not repeats:
        return "Nothing was measured."
    if repeats == {1}:
        return "Each figure was measured once: there is no spread, and small differences may be chance."
    times = f"{max(repeats)}" if len(repeats) == 1 else f"{min(repeats)} to {max(repeats)}"
    made = f"{times} values that its run published" if is_by_name(result) else f"{times} repeats"
    return (
        f"Each figure is the median of {made}. Error bars, and the small print below a figure, run from the lowest "
        "to the highest: differences within them may be chance."
    )


def _incomplete(result: Result) -> str:
    if is_by_name(result):
        return "Not complete: a run has not ended yet, or was killed. Its row holds what it has published so far."
    return "Not complete: not every case has all its repeats yet. The same command continues where it stopped."


def _section(section: Section, result: Result) -> dict[str, Any]:
    charts = section.draw(result)
    return {
        "title": section.title,
        "about": section.about,
        "charts": [_chart(chart) for chart in charts],
        "left_out": _left_out(section, result, drawn=len(charts)),
    }


def _chart(chart: Chart) -> dict[str, Any]:
    return {"title": chart.title, "about": chart.about, "figure": json.loads(chart.figure.to_json())}


def _left_out(section: Section, result: Result, *, drawn: int) -> str:
    """Return why plots are missing, in one sentence; empty when none is."""
    unknown = [each.title for each in section.measures if not any(each.name in row.figures for row in result.rows)]
    if unknown:
        return f"Left out: no row has figures for {_listed(unknown)}."
    both = " and ".join(each.title for each in section.measures)
    return "" if drawn else f"Left out: no row has figures for {both} at once."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _legend(result: Result) -> tuple[Series, ...]:
    """Return the series where there are several: one needs no telling apart."""
    series = tuple(each for each in all_series(result) if any(row.figures for row in each.rows))
    return series if len(series) > 1 else ()


def _headlines(result: Result) -> list[tuple[str, str]]:
    """Return what the recommended row costs and buys."""
    rows = [row for row in result.rows if result.recommendation and row.name == result.recommendation.name]
    return [
        (measure.title, shown(row.figures[measure.name].median, measure.unit))
        for row in rows[:1]
        for measure in _HEADLINES
        if measure.name in row.figures
    ]


def _table(title: str, measures: Sequence[Measure], result: Result) -> dict[str, Any]:
    """Return columns and lines; nothing when no figure of them is known."""
    columns = [each for each in measures if any(each.name in row.figures for row in result.rows)]
    lines = [
        {"row": row, "cells": [_cell(row.figures.get(each.name), each) for each in columns]} for row in result.rows
    ]
    return {"title": title, "columns": columns, "lines": lines} if columns else {}


def _cell(figure: Figure | None, measure: Measure) -> tuple[str, str]:
    return ("", "") if figure is None else (shown(figure.median, measure.unit), spread(figure, measure.unit))


def _origin(result: Result) -> list[tuple[str, str]]:
    machine = [] if result.machine is None else _machine(result.machine)
    return [*machine, ("Date", result.date), *((name, f"{value}") for name, value in result.settings.items())]


def _machine(machine: Machine) -> list[tuple[str, str]]:
    memory = "unknown" if machine.memory_bytes is None else size(machine.memory_bytes)
    return [
        ("Processor", f"{machine.cpu}, {machine.cores} {'core' if machine.cores == 1 else 'cores'}"),
        ("Memory", memory),
        ("System", machine.system),
        ("Python", machine.python),
        ("TensorFlow", machine.tensorflow),
    ]
