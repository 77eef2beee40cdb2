"""Where panels stand: rows from top to bottom, panels in them from left to right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from observed_hooks.dashboards.grafana.model import Row
from observed_hooks.dashboards.grafana.panels import panel_json

COLUMNS = 24
_ROW_HEIGHT = 1


@dataclass(slots=True)
class _Place:
    """Where the next panel goes: from left to right, then on to a new line."""

    x: int = 0
    y: int = 0
    height: int = 0

    def take(self, width: int, height: int) -> dict[str, int]:
        if self.x + width > COLUMNS:
            self.next_line()
        position = {"h": height, "w": width, "x": self.x, "y": self.y}
        self.x += width
        self.height = max(self.height, height)
        return position

    def next_line(self) -> None:
        self.x, self.y, self.height = 0, self.y + self.height, 0


def laid_out(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """Return the rows and panels as JSON, with numbers and positions; a collapsed row holds its own panels."""
    found: list[dict[str, Any]] = []
    place, number = _Place(), 0
    for row in rows:
        place.next_line()
        number += 1
        heading = {
            "collapsed": row.collapsed,
            "gridPos": place.take(COLUMNS, _ROW_HEIGHT),
            "id": number,
            "panels": [],
            "title": row.title,
            "type": "row",
        }
        found.append(heading)
        inside = []
        resume = place.y + _ROW_HEIGHT
        for panel in row.panels:
            number += 1
            inside.append(panel_json(panel, number, place.take(panel.width, panel.height)))
        if row.collapsed:
            heading["panels"] = inside
            place = _Place(y=resume)
        else:
            found += inside
    return found
