"""Writes the table of metrics into README.md, between its two markers, from the catalogue.

python tools/metrics_table.py
"""

from __future__ import annotations

from pathlib import Path

from observed_hooks.metrics import CATALOGUE, PREFIX, Metric

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- metrics: begin -->", "<!-- metrics: end -->"
HEAD = "| metric | type | further labels | meaning | TensorBoard tag |\n|---|---|---|---|---|"


def table() -> str:
    """Return the catalogue as a Markdown table."""
    return "\n".join([HEAD, *map(_row, CATALOGUE)])


def with_table(text: str) -> str:
    """Return `text` with the table between the markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def _row(metric: Metric) -> str:
    name = metric.name.removeprefix(PREFIX) + ("_info" if metric.type == "info" else "")
    tag = f"`{metric.scalar.tag}`" if metric.scalar else ""
    return f"| `{name}` | {metric.type} | {', '.join(metric.labels)} | {metric.help} | {tag} |"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
