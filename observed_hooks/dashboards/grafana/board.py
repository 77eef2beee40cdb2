"""A dashboard as the JSON that Grafana imports: variables, annotations, links, panels."""

from __future__ import annotations

import json
from typing import Any

from observed_hooks import metrics as m
from observed_hooks.dashboards.alerts import groups
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana.layout import laid_out
from observed_hooks.dashboards.grafana.model import DATASOURCE, Board, shown

SCHEMA_VERSION = 42
_CHOSEN = {"job": "", "instance": 'job=~"$job"', "run": 'job=~"$job", instance=~"$instance"'}


def board_json(board: Board, config: Config) -> str:
    """Return the dashboard as text."""
    content = {
        "annotations": {"list": _annotations(config)},
        "description": board.description,
        "editable": False,
        "graphTooltip": 1,
        "links": [_link(title, uid) for title, uid in board.others],
        "panels": laid_out(board.rows),
        "refresh": "1m",
        "schemaVersion": SCHEMA_VERSION,
        "tags": ["observed_hooks"],
        "templating": {"list": _variables()},
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "title": board.title,
        "uid": board.uid,
        "version": 1,
    }
    return json.dumps(content, indent=2) + "\n"


def _variables() -> list[dict[str, Any]]:
    source = {"label": "Data source", "name": "datasource", "query": "prometheus", "refresh": 1, "type": "datasource"}
    return [source, *(_variable(label, matchers) for label, matchers in _CHOSEN.items())]


def _variable(label: str, matchers: str) -> dict[str, Any]:
    query = f"label_values({m.RUN_ACTIVE.name}{{{matchers}}}, {label})"
    return {
        "allValue": ".+",
        "current": {"text": ["All"], "value": ["$__all"]},
        "datasource": DATASOURCE,
        "definition": query,
        "includeAll": True,
        "label": label.capitalize(),
        "multi": True,
        "name": label,
        "query": {"query": query, "refId": f"variable-{label}"},
        "refresh": 2,
        "sort": 1,
        "type": "query",
    }


def _annotations(config: Config) -> list[dict[str, Any]]:
    names = "|".join(alert.name for group in groups(config) for alert in group.alerts)
    return [
        {
            "datasource": DATASOURCE,
            "enable": True,
            "expr": f"{shown(m.LAST_SAVE_TIMESTAMP, kind='model')} * 1000",
            "iconColor": "blue",
            "name": "Saves",
            "titleFormat": "{{run}} saved",
            "useValueForTime": True,
        },
        {
            "datasource": DATASOURCE,
            "enable": True,
            "expr": f'ALERTS{{alertstate="firing", alertname=~"{names}", run=~"$run"}}',
            "iconColor": "red",
            "name": "Firing alerts",
            "tagKeys": "severity",
            "textFormat": "{{run}} {{kind}}",
            "titleFormat": "{{alertname}}",
        },
    ]


def _link(title: str, uid: str) -> dict[str, Any]:
    return {
        "icon": "dashboard",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "title": title,
        "type": "link",
        "url": f"/d/{uid}",
    }
