"""One question's answer: rows of figure, reference, ratio and goal; as a table, or as JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.machine import machine, one_line
from harness.sampling import quartiles

REPORT_WIDTH = 140
"""Characters of a line, where no terminal has its own."""

Unit: TypeAlias = Literal["seconds", "bytes", "count"]

_SCALES: dict[Unit, tuple[tuple[float, str], ...]] = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")),
    "bytes": ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")),
    "count": ((1, ""),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure beside what it is measured against; both are medians of their samples."""

    figure: str
    against: str
    values: list[float]
    references: list[float]
    goal: float | None = None
    """The most that the ratio may be; None for a figure that is there to be known."""
    unit: Unit = "seconds"

    @property
    def value(self) -> float:
        """The figure."""
        return quartiles(self.values)[1]

    @property
    def reference(self) -> float:
        """What it is measured against."""
        return quartiles(self.references)[1]

    @property
    def ratio(self) -> float:
        """Figure by reference."""
        return self.value / self.reference if self.reference else float("inf")

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        return None if self.goal is None else self.ratio <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Return the row for programs, with the quartiles of both sides."""
        return {
            "figure": self.figure,
            "against": self.against,
            "unit": self.unit,
            "value": self.value,
            "value_quartiles": quartiles(self.values)[::2],
            "reference": self.reference,
            "reference_quartiles": quartiles(self.references)[::2],
            "samples": len(self.values),
            "ratio": self.ratio if self.reference else None,
            "goal": self.goal,
            "reached": self.reached,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a benchmark found out."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    """Remarks for below the table: method, and where a goal is missed, the limit and how it was found."""


def answer(
    question: str,
    parser: argparse.ArgumentParser,
    measure: Callable[[argparse.Namespace], Answer],
) -> None:
    """Parse the command line, measure in a directory that is removed again, and print.

    Args:
        question: the table's title.
        parser: with the benchmark's own arguments; those that all share are added.
        measure: gets the arguments, with `directory` made.
    """
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--directory", help="where to write files; the system's temporary directory by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory, prefix="observed_hooks-bench-") as directory:
        arguments.directory = directory
        found = measure(arguments)
        facts = machine(directory)
    if arguments.json:
        rows = [row.as_dict() for row in found.rows]
        print(json.dumps({"question": question, "machine": facts, "rows": rows, "notes": found.notes}, indent=2))
    else:
        print_table(question, facts, found)


def print_table(question: str, facts: dict[str, str | int], found: Answer) -> None:
    """Print a line for each row, the machine, and the notes."""
    table = Table(title=question, title_justify="left", caption=one_line(facts), caption_justify="left")
    for name in ("figure", "against"):
        table.add_column(name, overflow="fold")
    for name in ("value", "reference", "ratio", "goal", "reached"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(*_cells(row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=REPORT_WIDTH)
    console.print(table)
    for note in found.notes:
        console.print(escape(f"- {note}"), highlight=False)


def amount(value: float, unit: Unit) -> str:
    """Return a number with its unit, to three digits."""
    scales = _SCALES[unit]
    scale, name = next(((scale, name) for scale, name in scales if abs(value) >= scale), scales[-1])
    return f"{value / scale:,.3g} {name}" if abs(value / scale) < 1000 else f"{value / scale:,.0f} {name}"  # noqa: PLR2004


def _cells(row: Row) -> tuple[str, ...]:
    goal = "" if row.goal is None else f"<= {row.goal:.2f}"
    reached = {None: "", True: "yes", False: "NO"}[row.reached]
    return (
        escape(row.figure),
        escape(row.against),
        amount(row.value, row.unit),
        amount(row.reference, row.unit),
        f"{row.ratio:.3f}",
        goal,
        reached,
    )
