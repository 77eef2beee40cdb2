"""Draws what each dashboard looks like, from its JSON and from the answers of a real Prometheus.

    python docs/dashboard_pictures.py        # writes docs/images/dashboard-*.png

Grafana draws nicer; position, title, unit and data of every panel are those that it gets. Needs the Debian package
prometheus, and matplotlib (`pip install -e ".[dev]"`).
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.integration.history import HOURS, history_server  # noqa: E402 - found only now
from tests.integration.servers import Prometheus  # noqa: E402
from tests.integration.variables import resolved  # noqa: E402

IMAGES = Path(__file__).parent / "images"
COLUMN_INCHES, LINE_INCHES = 0.62, 0.36
BACKGROUND, PAPER, INK, FAINT, GOOD = "#f4f5f5", "#ffffff", "#24292e", "#8e8e99", "#299c46"
MOST_LINES, MOST_ROWS = 6, 8
ONE_RUN = {"training-checkpoints": "digits"}
"""Dashboards that are about one run at a time."""
Series = dict[str, Any]
_STEPS = {"bytes": (1024, ("B", "KiB", "MiB", "GiB", "TiB")), "Bps": (1024, ("B/s", "KiB/s", "MiB/s", "GiB/s"))}


def shown(value: float, unit: str) -> str:
    """Return a value as Grafana would write it in this unit."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "s":
        return f"{value / 60:.3g} min" if value >= 60 else f"{value:.3g} s"  # noqa: PLR2004 - a minute
    base, names = _STEPS.get(unit, (1000, ("", "k", "M", "G", "T")))
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    return f"{value:.3g} {names[power]}".strip()


def named(legend: str, labels: dict[str, str]) -> str:
    """Return the legend with the labels of one series in it."""
    return " ".join(re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), legend).split())


class Picture:
    """Draws panels on one sheet."""

    def __init__(self, prometheus: Prometheus, end_seconds: int, run: str) -> None:
        self._prometheus = prometheus
        self._run = run
        self._end_seconds = end_seconds
        self._draw: dict[str, Callable[[Axes, dict[str, Any], list[tuple[str, list[Series]]]], None]] = {
            "bargauge": self._bars,
            "heatmap": self._heatmap,
            "stat": self._stat,
            "table": self._table,
            "timeseries": self._lines,
        }

    def draw(self, board: dict[str, Any], path: Path) -> None:
        """Write the picture of one dashboard."""
        panels = board["panels"]
        lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) + 1
        self._height = lines * LINE_INCHES
        figure = Figure(figsize=(24 * COLUMN_INCHES, self._height), facecolor=BACKGROUND, dpi=80)
        figure.text(0.006, 1 - 0.55 * LINE_INCHES / self._height, board["title"], size=15, weight="bold", color=INK)
        for panel in panels:
            self._place(figure, panel, panel["gridPos"])
        figure.savefig(path)

    def _place(self, figure: Figure, panel: dict[str, Any], at: dict[str, int]) -> None:
        top = 1 - (at["y"] + 1) * LINE_INCHES / self._height
        if panel["type"] == "row":
            mark = "\u25b8" if panel["collapsed"] else "\u25be"
            closed = f" ({len(panel['panels'])} panels, closed)" if panel["collapsed"] else ""
            middle = top - 0.7 * LINE_INCHES / self._height
            figure.text(0.006, middle, f"{mark} {panel['title']}{closed}", size=11, color=INK)
            return
        height = at["h"] * LINE_INCHES / self._height
        gap = 0.1 / self._height
        box = (at["x"] / 24 + 0.003, top - height + gap, at["w"] / 24 - 0.006, height - gap)
        paper = figure.add_axes(box, facecolor=PAPER)
        paper.set(xticks=[], yticks=[])
        for spine in paper.spines.values():
            spine.set_color("#d8d9da")
        paper.set_title(panel["title"], loc="left", size=8.5, weight="bold", color=INK, y=1, pad=-12, x=0.015)
        room = 0.34 / self._height
        legend = 1.3 * room if panel["type"] == "timeseries" else 0
        inner = (box[0] + 0.03, box[1] + room + legend, box[2] - 0.036, box[3] - 2.1 * room - legend)
        flat = panel["type"] in {"stat", "table"}
        axes = figure.add_axes(box if flat else inner, facecolor="none")
        self._draw[panel["type"]](axes, panel, [(each["legendFormat"], self._ask(each)) for each in panel["targets"]])

    def _ask(self, target: dict[str, Any]) -> list[Series]:
        query = resolved(target["expr"], self._run)
        if target["instant"]:
            return self._prometheus.ask(query, time=self._end_seconds)
        start = self._end_seconds - HOURS * 3600
        return self._prometheus.ask(query, start=start, end=self._end_seconds, step=60)

    def _lines(self, axes: Axes, panel: dict[str, Any], answers: list[tuple[str, list[Series]]]) -> None:
        found = [(named(legend, each["metric"]), each["values"]) for legend, series in answers for each in series]
        defaults = panel["fieldConfig"]["defaults"]
        stacked = "stacking" in defaults["custom"]
        below: dict[tuple[bool, float], float] = {}
        for name, values in found:
            hours = [(at - self._end_seconds) / 3600 for at, _ in values]
            heights = [float(number) for _, number in values]
            reference = name.endswith(("baseline", "capacity"))
            floor = [below.get((reference, hour), 0.0) for hour in hours]
            if stacked:
                heights = [height + base for height, base in zip(heights, floor, strict=True)]
                below |= {(reference, hour): height for hour, height in zip(hours, heights, strict=True)}
            if stacked and not reference:
                axes.fill_between(hours, floor, heights, step="post", alpha=0.45, label=name)
            else:
                axes.step(hours, heights, where="post", lw=1.2, ls="--" if reference else "-", label=name)
        axes.set_xlim(-HOURS, 0)
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        for step in defaults["thresholds"]["steps"][1:]:
            if step["value"] < 1.5 * axes.get_ylim()[1]:  # Grafana does not make room for thresholds either
                axes.axhline(step["value"], color=step["color"], ls=":", lw=1)
        axes.xaxis.set_major_formatter(lambda hour, _: f"{hour:g} h")
        axes.yaxis.set_major_formatter(lambda value, _: shown(value, defaults["unit"]))
        axes.tick_params(labelsize=6, colors=FAINT, length=0)
        axes.grid(color="#e9e9e9", lw=0.6)
        axes.spines[:].set_visible(False)
        parts = [part[:MOST_LINES] for part in axes.get_legend_handles_labels()]
        below_axes = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.08), "ncols": 2, "frameon": False}
        if found:
            axes.legend(*parts, fontsize=5.5, handlelength=1.2, labelcolor=INK, **below_axes)

    def _stat(self, axes: Axes, panel: dict[str, Any], answers: list[tuple[str, list[Series]]]) -> None:
        axes.axis("off")
        defaults = panel["fieldConfig"]["defaults"]
        found = [(named(legend, each["metric"]), float(each["value"][1])) for legend, all_ in answers for each in all_]
        for number, (name, value) in enumerate(found):
            height = 0.74 - (number + 0.5) * 0.74 / len(found)
            colors = [step["color"] for step in defaults["thresholds"]["steps"] if value >= (step["value"] or 0)]
            color = {"green": GOOD}.get(colors[-1], colors[-1])
            size = 19 if len(found) == 1 else max(6, 14 - 1.4 * len(found))
            axes.text(0.03, height, name, size=6.5, color=FAINT, va="center", transform=axes.transAxes)
            text = shown(value, defaults["unit"])
            axes.text(0.96, height, text, size=size, color=color, ha="right", va="center", transform=axes.transAxes)

    def _bars(self, axes: Axes, panel: dict[str, Any], answers: list[tuple[str, list[Series]]]) -> None:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        found = [(named(legend, each["metric"]), float(each["value"][1])) for legend, all_ in answers for each in all_]
        for number, (name, value) in enumerate(reversed(found)):
            axes.barh(number, value, color=GOOD, alpha=0.6, height=0.7)
            axes.text(0, number, f" {name}: {shown(value, unit)}", size=7, va="center", color=INK)
        axes.axis("off")

    def _heatmap(self, axes: Axes, panel: dict[str, Any], answers: list[tuple[str, list[Series]]]) -> None:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        found = sorted(answers[0][1], key=lambda each: float(each["metric"]["le"]))
        counts = [[float(number) for _, number in each["values"]] for each in found]
        pairs = zip(counts[1:], counts, strict=False)
        own = [[high - low for high, low in zip(row, lower, strict=True)] for row, lower in pairs]
        place = (-HOURS, 0, 0, len(found))
        axes.imshow([counts[0], *own], aspect="auto", origin="lower", cmap="Oranges", extent=place)
        axes.yaxis.set_ticks([0.5 + 3 * each for each in range(len(found) // 3)])
        axes.yaxis.set_major_formatter(lambda at, _: shown(float(found[int(at)]["metric"]["le"]), unit))
        axes.tick_params(labelsize=6, colors=FAINT, length=0)

    def _table(self, axes: Axes, panel: dict[str, Any], answers: list[tuple[str, list[Series]]]) -> None:
        axes.axis("off")
        field = panel["fieldConfig"]
        units = {each["matcher"]["options"]: each["properties"][0]["value"] for each in field["overrides"]}
        names = [legend for legend, _ in answers]
        rows: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
        for legend, series in answers:
            for each in series:
                rows.setdefault(tuple(sorted(each["metric"].items())), {})[legend] = float(each["value"][1])
        labels = sorted({name for row in rows for name, _ in row})
        (order,) = panel["options"]["sortBy"]
        ranked = sorted(rows.items(), key=lambda row: row[1].get(order["displayName"], 0), reverse=True)[:MOST_ROWS]
        cells = [
            [dict(row).get(name, "") for name in labels]
            + [shown(values[name], units.get(name, "short")) if name in values else "" for name in names]
            for row, values in ranked
        ]
        table = axes.table(cells, colLabels=[*labels, *names], loc="upper center", bbox=(0.01, 0.02, 0.98, 0.82))
        table.auto_set_font_size(value=False)
        table.set_fontsize(6.5)
        table.auto_set_column_width(list(range(len(labels) + len(names))))
        for cell in table.get_celld().values():
            cell.set_edgecolor("#e4e4e4")


def main() -> None:
    """Draw every dashboard."""
    mpl.rcParams["font.family"] = "DejaVu Sans"
    IMAGES.mkdir(exist_ok=True)
    end_seconds = int(time.time()) - 120
    with tempfile.TemporaryDirectory() as directory, history_server(Path(directory), end_seconds) as prometheus:
        for file in sorted((ROOT / "dashboards" / "grafana").glob("*.json")):
            picture = Picture(prometheus, end_seconds, ONE_RUN.get(file.stem, ".+"))
            picture.draw(json.loads(file.read_text()), IMAGES / f"dashboard-{file.stem}.png")


if __name__ == "__main__":
    main()
