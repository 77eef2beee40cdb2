"""What `observed-hooks inspect` prints for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from observed_hooks.checkpoints.iterator_state import IteratorState
from observed_hooks.inspection.difference import Growth
from observed_hooks.inspection.human import share, size
from observed_hooks.inspection.report import EntryReport, Report

_WIDTH = 100
_GAP = "  "


def report_lines(report: Report, advice: Iterable[str], rows: int | None) -> Iterator[str]:
    """Yield the lines about one checkpoint; at most `rows` entries, all with None."""
    files = "1 data file" if report.num_shards == 1 else f"{report.num_shards} data files"
    total = report.tensors_bytes
    entries = "1 entry" if len(report.entries) == 1 else f"{len(report.entries):,} entries"
    yield f"{report.prefix}: {size(report.files_bytes)}, {entries} in {files}"
    if any(each.size_bytes for each in report.components if each.component != "other"):
        yield _GAP + ", ".join(
            f"{each.component} {size(each.size_bytes)} ({share(each.size_bytes, total)})" for each in report.components
        )
    yield ""
    yield from _table(
        ("share", "size", "component", "type", "entry"),
        [_entry_row(entry, total) for entry in report.entries[:rows]],
        left=("component", "type", "entry"),
    )
    hidden = report.entries[rows:] if rows is not None else ()
    if hidden:
        yield f"{_GAP}and {len(hidden):,} smaller ones, {size(sum(entry.size_bytes for entry in hidden))}: see --all"
    for state in report.iterators:
        yield ""
        yield from _iterator_lines(state, total)
    if report.unread:
        yield f"{_GAP}The iterators cannot be taken apart: {report.unread}"
    for line in advice:
        yield ""
        yield from textwrap.wrap(line, _WIDTH, initial_indent="  * ", subsequent_indent="    ")


def growth_lines(before: Report, after: Report, growths: Sequence[Growth], rows: int | None) -> Iterator[str]:
    """Yield the lines about what differs; at most `rows` entries, all with None."""
    change = after.tensors_bytes - before.tensors_bytes
    yield f"{before.prefix}: {size(before.tensors_bytes)}"
    yield f"{after.prefix}: {size(after.tensors_bytes)}, {_signed(change)}"
    yield ""
    if not growths:
        yield "Every entry has the same size in both."
        return
    table = [
        (_signed(each.growth_bytes), _known(each.before_bytes), _known(each.after_bytes), each.name)
        for each in growths[:rows]
    ]
    yield from _table(("growth", "before", "after", "entry"), table, left=("entry",))
    if rows is not None and len(growths) > rows:
        yield f"{_GAP}and {len(growths) - rows:,} smaller differences: see --all"


def _entry_row(entry: EntryReport, total: int) -> tuple[str, ...]:
    shape = ", ".join(map(str, entry.shape))
    kind = f"{entry.dtype}({shape})"
    return share(entry.size_bytes, total), size(entry.size_bytes), entry.component, kind, entry.name


def _iterator_lines(state: IteratorState, total: int) -> Iterator[str]:
    yield f"{_GAP}Iterator {state.name}, node by node:"
    rows = [
        (
            share(node.bytes, total),
            size(node.bytes),
            "" if node.elements is None else f"{node.elements:,}",
            size(node.bytes / node.elements) if node.elements else "",
            node.node,
        )
        for node in state.nodes
    ]
    if state.unattributed_bytes:
        rows.append((share(state.unattributed_bytes, total), size(state.unattributed_bytes), "", "", "(unattributed)"))
    yield from _table(("share", "size", "elements", "each", "node"), rows, left=("node",))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table; columns named in `left` are aligned to the left, all others to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = (
            cell.ljust(width) if name in left else cell.rjust(width)
            for cell, width, name in zip(row, widths, header, strict=True)
        )
        yield (_GAP + _GAP.join(cells)).rstrip()


def _signed(number: int) -> str:
    return ("+" if number > 0 else "") + size(number)


def _known(number: int | None) -> str:
    return "-" if number is None else size(number)
