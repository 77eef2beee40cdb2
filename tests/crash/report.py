"""The crash matrix as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from tests.crash.phases import Phase
from tests.crash.tally import Row, Tally

if TYPE_CHECKING:
    from rich.console import Console

_MOST_DETAILS = 10
_WIDTH = 150
"""Narrower, the table would be hard to read: a narrow terminal may rather break its lines."""


def phases_table(tally: Tally, title: str) -> Table:
    """Return one row a phase, and their sum."""
    table = Table(title=title, title_justify="left", show_footer=True)
    columns = ("kills", "by chance", "resumes", "steps compared", "mismatches", "unusable")
    table.add_column("killed in", "all", no_wrap=True)
    table.add_column("while", "", no_wrap=True)
    for column, total in zip(columns, _cells(tally.total), strict=True):
        table.add_column(column, total, justify="right")
    for phase in Phase:
        table.add_row(phase.label, phase.meaning, *_cells(tally.rows[phase]))
    return table


def print_report(console: Console, tally: Tally, title: str, seconds: float) -> None:
    """Print the table, and whatever needs an explanation."""
    console.width = max(console.width, _WIDTH)
    console.print(phases_table(tally, title))
    console.print(
        f"{tally.completed_runs} trainings reached their last step; {tally.leftover_files} left-over files in their "
        f"directories; {seconds:.0f} s."
    )
    for detail in tally.details[:_MOST_DETAILS]:
        console.print(f"- {detail}", markup=False)
    if len(tally.details) > _MOST_DETAILS:
        console.print(f"- and {len(tally.details) - _MOST_DETAILS} more: see --json")
    if tally.unreached:
        console.print(f"No process came to these: {', '.join(tally.unreached)}", style="bold red")
    elif tally.missed:
        missed = ", ".join(phase.label for phase in tally.missed)
        console.print(f"Too few kills to hit {missed}.", style="yellow")


def _cells(row: Row) -> tuple[str, ...]:
    values = (row.kills, row.by_chance, row.resumes, row.steps, row.mismatches, row.unusable)
    return tuple(f"{value:,}" for value in values)
