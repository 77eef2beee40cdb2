"""What a comparison prints for people: the table, the recommendation, and the lines to type next."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from observed_hooks.cli.lines_to_type import program, relative, typed
from observed_hooks.compare import measures
from observed_hooks.compare.measures import Measure
from observed_hooks.compare.recommend import label, why_none
from observed_hooks.compare.result import Figure, Result, Row
from observed_hooks.compare.wording import shown
from observed_hooks.compare.workspace import Workspace

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS: tuple[Measure, ...] = (
    measures.FIRST_BATCH,
    measures.THROUGHPUT,
    measures.MEMORY,
    measures.BUFFER_ELEMENTS,
    measures.CHECKPOINT,
    measures.STALL,
    measures.RESUME,
    measures.MIXING,
)
"""The telling ones; the files have all."""
COLUMNS_OF_RUNS: tuple[Measure, ...] = (
    measures.BUFFER_ELEMENTS,
    measures.BUFFER_BYTES,
    measures.CHECKPOINT,
    measures.STALL,
    measures.SAVE,
    measures.WRITTEN_PER_HOUR,
)
"""Those that trainings in production tell."""

_WIDTH = 100
_TELLING = 0.05
"""A spread of less than this share of the median is not shown."""
_UNKNOWN = "-"


def print_result(console: Console, result: Result, workspace: Workspace, notes: Sequence[str]) -> None:
    """Print it for people; `notes` are lines to say beside it."""

    def say(text: str = "") -> None:
        console.print(text, highlight=False, width=min(_WIDTH, console.width))

    say()
    _print_whole(console, _table(result))
    for line in _legend(result):
        say(f"[dim]{line}[/]")
    for remark in _remarks(result.rows):
        say(escape(remark))
    say()
    if result.recommendation is not None:
        say(f"[bold green]Recommended[/]: {escape(result.recommendation.sentence)}")
    else:
        say(f"No recommendation: {escape(why_none(result.rows))}")
    for note in notes:
        say(escape(note))
    say()
    for line in _next_lines(workspace):
        # Not broken at the console's width: these are there to be copied.
        console.print(escape(line), highlight=False, soft_wrap=True)


def _print_whole(console: Console, table: Table) -> None:
    """Print a table with all its columns, in a narrower terminal, too, and in a pipe, which has no width."""
    width = console.width
    console.width = max(_WIDTH, width)
    console.print(table)
    console.width = width


def _table(result: Result) -> Table:
    table = Table(
        title=Text(result.subject),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("buffer" if _is_measured(result) else "run", overflow="fold", min_width=6)
    columns = COLUMNS if _is_measured(result) else COLUMNS_OF_RUNS
    for measure in columns:
        table.add_column(measure.title, justify="right", no_wrap=True)
    recommended = result.recommendation.name if result.recommendation else None
    for row in result.rows:
        cells = [_cell(row, measure) for measure in columns]
        table.add_row(_label(row, result.rows), *cells, style="bold" if row.name == recommended else "")
    return table


def _label(row: Row, rows: Sequence[Row]) -> Text:
    # A line for each word: the columns to the right need the room.
    return Text(label(row, rows).replace(" ", "\n"))


def _cell(row: Row, measure: Measure) -> Text:
    figure = row.figures.get(measure.name)
    if figure is None:
        return Text("failed" if row.failed and measure is COLUMNS[0] else _UNKNOWN, style="dim")
    text = Text(shown(figure.median, measure.unit))
    if _is_telling(figure):
        text.append(f"\n± {100 * _half_spread(figure) / abs(figure.median):.0f} %", style="dim")
    return text


def _is_telling(figure: Figure) -> bool:
    return bool(figure.median) and _half_spread(figure) > _TELLING * abs(figure.median)


def _half_spread(figure: Figure) -> float:
    return (figure.high - figure.low) / 2


def _remarks(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is to be said of each row, and once what is to be said of all that were measured."""
    measured = [set(row.remarks) for row in rows if not row.failed]
    common = set.intersection(*measured) if len(measured) > 1 else set()
    for remark in dict.fromkeys(remark for row in rows for remark in row.remarks if remark in common):
        yield f"Each: {remark}"
    for row in rows:
        for remark in row.remarks:
            if remark not in common:
                yield f"{label(row, rows)}: {remark}"


def _is_measured(result: Result) -> bool:
    """Tell a comparison of cases from one of trainings, which were measured elsewhere."""
    return result.machine is not None


def _legend(result: Result) -> Iterator[str]:
    figures = [figure for row in result.rows for figure in row.figures.values()]
    counts = {figure.repeats for figure in figures}
    repeats = max(counts, default=0)
    if repeats > 1:
        at_most = "up to " if len(counts) > 1 else ""
        measured = f"{at_most}{repeats} repeats"
        of = measured if _is_measured(result) else "the saves, samples and resumptions of a run"
        yield (
            f"Medians of {of}; ± is half the distance from the lowest to the highest of them, as a share of the "
            f"median, where that is more than {_TELLING * 100:.0f} %."
        )
    if figures and _is_measured(result):
        yield "Memory is what the buffer adds to that of no buffer. Mixing: 0 is the input order, 1 a full shuffle."


def _next_lines(workspace: Workspace) -> Iterator[str]:
    if os.path.exists(workspace.report):
        yield f"Report   {relative(workspace.report)}"
    if os.path.exists(workspace.result_json):
        yield f"Figures  {relative(workspace.result_json)}, {os.path.basename(workspace.result_csv)}"
    if os.path.isdir(workspace.tensorboard):
        yield "Next:"
        yield f"  {program('tensorboard')} --logdir {typed(workspace.tensorboard)}"
