"""Panels as Grafana's JSON: one function for each type's own options."""

from __future__ import annotations

from typing import Any

from observed_hooks.dashboards.grafana.model import DATASOURCE, Panel

_REDUCE = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def panel_json(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    """Return one panel as JSON."""
    return {
        "datasource": DATASOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "gridPos": position,
        "id": number,
        "options": _options(panel),
        "targets": _targets(panel),
        "title": panel.title,
        **({"transformations": _transformations(panel)} if panel.type == "table" else {}),
        "type": panel.type,
    }


def _targets(panel: Panel) -> list[dict[str, Any]]:
    shape = {"table": "table", "heatmap": "heatmap"}.get(panel.type, "time_series")
    instant = panel.type in {"stat", "bargauge", "table"}
    return [
        {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": target.expr,
            "format": shape,
            "instant": instant,
            "legendFormat": target.legend or "__auto",
            "range": not instant,
            "refId": letter,
        }
        for letter, target in zip(_LETTERS, panel.targets, strict=False)
    ]


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": "green", "value": None}, *({"color": color, "value": at} for at, color in panel.thresholds)]
    defaults: dict[str, Any] = {
        "color": {"mode": "palette-classic" if panel.type == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": panel.unit,
    }
    if panel.lowest is not None and panel.type == "timeseries":
        defaults["min"] = panel.lowest
    if panel.type == "timeseries":
        defaults["custom"] = _drawing(panel)
    return defaults


def _drawing(panel: Panel) -> dict[str, Any]:
    # Saves are rare: a line from one to the next says more than a gap.
    custom: dict[str, Any] = {"drawStyle": "line", "lineInterpolation": "stepAfter", "showPoints": "never"}
    if panel.stacked:
        custom |= {"fillOpacity": 40, "stacking": {"group": "A", "mode": "normal"}}
    if panel.thresholds:
        custom |= {"thresholdsStyle": {"mode": "dashed"}}
    return custom


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    columns = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
        for name, unit in panel.units
    ]
    return [*columns, _references(stacked=panel.stacked)] if panel.type == "timeseries" else columns


def _references(*, stacked: bool) -> dict[str, Any]:
    """Draw what others are held against dashed, stacked among themselves where those are stacked."""
    return {
        "matcher": {"id": "byRegexp", "options": "/(baseline|capacity)$/"},
        "properties": [
            {"id": "custom.stacking", "value": {"group": "B", "mode": "normal" if stacked else "none"}},
            {"id": "custom.fillOpacity", "value": 0},
            {"id": "custom.lineStyle", "value": {"dash": [8, 8], "fill": "dash"}},
        ],
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.type == "timeseries":
        legend = {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.type == "stat":
        return {"colorMode": "value", "graphMode": "none", "reduceOptions": _REDUCE, "textMode": "auto"}
    if panel.type == "bargauge":
        return {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": _REDUCE}
    if panel.type == "heatmap":
        return {"calculate": False, "color": {"mode": "scheme", "scheme": "Oranges"}, "yAxis": {"unit": panel.unit}}
    return {"cellHeight": "sm", "showHeader": True, "sortBy": [{"desc": True, "displayName": panel.sort_by}]}


def _transformations(panel: Panel) -> list[dict[str, Any]]:
    """Put the targets side by side, each under its own name, and leave out the time of the query."""
    single = len(panel.targets) == 1
    columns = zip(_LETTERS, panel.targets, strict=False)
    names = {"Value" if single else f"Value #{letter}": target.legend for letter, target in columns}
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names}},
    ]
