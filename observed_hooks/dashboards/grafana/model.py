"""What a dashboard is made of, and the classic JSON that Grafana reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from observed_hooks.dashboards.queries import Series

PanelType: TypeAlias = Literal["timeseries", "stat", "bargauge", "table", "heatmap"]

shown = Series('job=~"$job", instance=~"$instance", run=~"$run"')
"""Selects what the variables at the top of a dashboard have chosen."""
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel."""

    expr: str
    legend: str = ""
    """A name for the series, with `{{label}}`; in a table, the name of the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. Tables take one column from each target, and one row for each set of labels."""

    title: str
    description: str
    targets: tuple[Target, ...]
    unit: str
    """Grafana's id, such as `s`, `bytes`, `percentunit`; `short` for a bare number."""
    type: PanelType = "timeseries"
    width: int = 8
    height: int = 8
    stacked: bool = False
    thresholds: tuple[tuple[float, str], ...] = ()
    """Colours from values on; below the first it is green."""
    units: tuple[tuple[str, str], ...] = ()
    """Of single columns of a table, by name."""
    sort_by: str = ""
    """The column of a table by which the worst come first."""
    lowest: float | None = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    others: tuple[tuple[str, str], ...] = field(default=())
    """Titles and uids of the dashboards it links to."""

    def panels(self) -> Iterator[Panel]:
        """Yield every panel, those of collapsed rows too."""
        for row in self.rows:
            yield from row.panels
