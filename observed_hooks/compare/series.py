"""Rows as a plot takes them: in lines of one kind each, at places along the axis of buffer sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from observed_hooks.compare.case import Case, short
from observed_hooks.compare.result import Result, Row

# Okabe and Ito, "Color Universal Design" (2008): told apart by people with any kind of colour vision, and these stand
# out from white and from black. Their orange is kept for what is recommended.
_LOOKS = (
    ("#0072b2", "circle", "\u25cf\u25cb"),
    ("#d55e00", "square", "\u25a0\u25a1"),
    ("#009e73", "diamond", "\u25c6\u25c7"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Rows that differ in the buffer size only, the smallest first; or all runs."""

    name: str
    rows: tuple[Row, ...]
    color: str
    symbol: str
    """Of plotly's; open for symbolic checkpoints."""
    glyph: str
    """The symbol as text, for a legend."""
    symbolic: bool
    above: int
    """How many placements are drawn over it: it must be seen under them where they coincide."""
    connected: bool
    """Whether a line joins its points: not from one run to the next."""


def is_by_name(result: Result) -> bool:
    """Tell whether rows are told apart by name: they are runs rather than cases, or several are of one kind."""
    kinds = [(row.buffer_size, row.placement, row.symbolic) for row in result.rows]
    return not all(map(_is_a_case, result.rows)) or len(set(kinds)) < len(kinds)


def all_series(result: Result) -> tuple[Series, ...]:
    """Return the rows by placement and symbolic, in the order in which these first come.

    No buffer stands nowhere: where others have a placement, it is the start of each of their lines.
    """
    if is_by_name(result):
        return (replace(_series("runs", result.rows, 0, above=0, symbolic=False), connected=False),)
    shared = _shared(result)
    placed = sorted((row for row in result.rows if row not in shared), key=lambda row: row.buffer_size or 0)
    placements = list(dict.fromkeys(row.placement for row in result.rows if row not in shared))
    kinds = list(dict.fromkeys((row.placement, row.symbolic) for row in result.rows if row not in shared))
    both = len({symbolic for _, symbolic in kinds}) > 1
    return tuple(
        _series(
            _name(placement, symbolic, both=both),
            [
                *(row for row in shared if row.symbolic == symbolic),
                *(row for row in placed if (row.placement, row.symbolic) == (placement, symbolic)),
            ],
            placements.index(placement),
            above=len(placements) - 1 - placements.index(placement),
            symbolic=symbolic,
        )
        for placement, symbolic in kinds
    )


def categories(result: Result) -> tuple[str, ...]:
    """Return the places along the axis, in their order."""
    if is_by_name(result):
        return tuple(dict.fromkeys(row.name for row in result.rows))
    return tuple(short(size) for size in sorted({row.buffer_size or 0 for row in result.rows}))


def category(row: Row, *, by_name: bool) -> str:
    """Return the place of `row` along the axis."""
    return row.name if by_name or row.buffer_size is None else short(row.buffer_size)


def _is_a_case(row: Row) -> bool:
    if row.buffer_size is None:
        return False
    parts = (Case(row.buffer_size).name, row.placement, "symbolic" if row.symbolic else None)
    return row.name == "-".join(part for part in parts if part)


def _shared(result: Result) -> tuple[Row, ...]:
    if all(row.placement is None for row in result.rows):
        return ()
    return tuple(row for row in result.rows if row.placement is None and row.buffer_size == 0)


def _series(name: str, rows: Sequence[Row], look: int, *, above: int, symbolic: bool) -> Series:
    color, symbol, glyphs = _LOOKS[look % len(_LOOKS)]
    return Series(
        name=name,
        rows=tuple(rows),
        color=color,
        symbol=f"{symbol}-open" if symbolic else symbol,
        glyph=glyphs[symbolic],
        symbolic=symbolic,
        above=above,
        connected=True,
    )


def _name(placement: str | None, symbolic: bool, *, both: bool) -> str:  # noqa: FBT001 - a row's field
    kind = "symbolic" if symbolic else "plain" if both else ""
    return ", ".join(part for part in (placement, kind) if part) or "shuffle buffer"
