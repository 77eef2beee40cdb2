"""Writes the table of measures into docs/compare.md, between its two markers, from their definitions.

python tools/measures_table.py
"""

from __future__ import annotations

from pathlib import Path

from observed_hooks.compare.measures import MEASURES, Measure

DOCUMENT = Path(__file__).parents[1] / "docs" / "compare.md"
BEGIN, END = "<!-- measures: begin -->", "<!-- measures: end -->"
HEAD = "| measure | unit | better | how it is found out |\n|---|---|---|---|"


def table() -> str:
    """Return the measures as a Markdown table."""
    return "\n".join([HEAD, *map(_row, MEASURES)])


def with_table(text: str) -> str:
    """Return `text` with the table between the markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def _row(measure: Measure) -> str:
    return f"| `{measure.name}` | {measure.unit} | {measure.better} | {measure.method} |"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
