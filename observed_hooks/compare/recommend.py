"""One plain recommendation: the buffer from which on more bytes buy little mixing.

The rows that no other row beats, in bytes and in mixing, are the front. Its knee is the row that lies farthest above
the straight line from the first to the last, both axes from 0 to 1.

Source: V. Satopaa, J. Albrecht, D. Irwin and B. Raghavan, "Finding a 'Kneedle' in a Haystack: Detecting Knee Points in
System Behavior", ICDCS Workshops (2011), 166-171.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from observed_hooks.compare import measures as m
from observed_hooks.compare.case import PLACEMENTS, Case, short
from observed_hooks.compare.result import Recommendation, Row
from observed_hooks.inspection.human import size

_FEWEST_FOR_A_KNEE = 3
_LAGS = 0.75  # a part of mixing lags behind below this share of the mean
_PAYS = 0.95  # a symbolic checkpoint, or another place, pays when it takes less than this share of the bytes
_MATTERS = 1.5  # a further cost is told when the larger buffer has so many times as much of it,
_MATTERS_BYTES = 16 * 1024 * 1024  # and so much more,
_MATTERS_SECONDS = 0.1  # or so much longer


@dataclass(frozen=True, slots=True)
class _Point:
    """A row with what is weighed."""

    row: Row
    size_bytes: float
    mixing: float


def front(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows that no other row beats, the one with the fewest checkpoint bytes first.

    A row beats another one that takes as many bytes or more, and mixes no better. Of rows that are level in both, the
    one with the smallest buffer stays. A symbolic row that saves next to no bytes is none of them.
    """
    return tuple(point.row for point in _front(rows))


def knee(rows: Sequence[Row]) -> Row | None:
    """Return the row from which on more bytes buy less than their share of mixing.

    None when fewer than three rows are on the front, or the first bytes buy no more mixing than the last ones.
    """
    points = _front(rows)
    if len(points) < _FEWEST_FOR_A_KNEE:
        return None
    first, last = points[0], points[-1]

    def above(point: _Point) -> float:
        return (point.mixing - first.mixing) / (last.mixing - first.mixing) - (
            (point.size_bytes - first.size_bytes) / (last.size_bytes - first.size_bytes)
        )

    best = max(points, key=above)
    return best.row if above(best) > 0 else None


def recommend(rows: Sequence[Row]) -> Recommendation | None:
    """Return the one row to take and why; None when that cannot be told, see `why_none`."""
    if why_none(rows):
        return None
    points = _front(rows)
    chosen = knee(rows)
    if chosen is not None:
        return _recommended(chosen, rows, _at_the_knee(chosen, rows))
    best = points[-1]
    if len(points) == 1:
        return _recommended(best.row, rows, "no other mixes better, and none takes fewer checkpoint bytes")
    return _recommended(best.row, rows, _best_of(points, rows))


def why_none(rows: Sequence[Row]) -> str:
    """Return why nothing is recommended, in one sentence without its full stop; empty when something is."""
    measured = [row for row in rows if not row.failed and row.figures]
    if not measured:
        return "nothing was measured"
    for measure, why in (
        (m.MIXING, "the mixing of no case is known"),
        (m.CHECKPOINT, "the checkpoint bytes of no case are known"),
    ):
        if all(row.median(measure.name) is None for row in measured):
            return why
    if len(_points(rows)) <= 1:
        return "mixing and checkpoint bytes are not known of two cases, which could be weighed"
    return ""


def label(row: Row, rows: Sequence[Row]) -> str:
    """Return how people call a row among `rows`: `10k`, `10k before-decode`; a run by its name."""
    if row.buffer_size is None or not _is_case(row, row.buffer_size):
        return row.name
    others = [each for each in rows if each.buffer_size == row.buffer_size]
    parts = [short(row.buffer_size)]
    if row.placement is not None and any(each.placement != row.placement for each in others):
        parts.append(row.placement)
    if row.symbolic and not all(each.symbolic for each in others):
        parts.append("symbolic")
    return " ".join(parts)


def _is_case(row: Row, buffer_size: int) -> bool:
    """Tell whether a row has the name of a case; a run may have any."""
    parts = [Case(buffer_size).name, row.placement, "symbolic" if row.symbolic else None]
    return row.name == "-".join(part for part in parts if part)


def _points(rows: Sequence[Row]) -> list[_Point]:
    points = []
    for row in rows:
        size_bytes, mixing = row.median(m.CHECKPOINT.name), row.median(m.MIXING.name)
        if not row.failed and size_bytes is not None and mixing is not None:
            points.append(_Point(row, size_bytes, mixing))
    return points


def _front(rows: Sequence[Row]) -> list[_Point]:
    found: list[_Point] = []
    points = [point for point in _points(rows) if not _is_needless(point.row, rows)]
    for point in sorted(points, key=lambda each: (each.size_bytes, -each.mixing, each.row.buffer_size or 0)):
        if not found or point.mixing > found[-1].mixing:
            found.append(point)
    return found


def _is_needless(row: Row, rows: Sequence[Row]) -> bool:
    """Tell whether a row is symbolic, which mixes nothing, and saves next to nothing of the same one's bytes."""
    plain = _counterpart(row, rows, row.placement, symbolic=False)
    if not row.symbolic or plain is None or plain.median(m.CHECKPOINT.name) is None:
        return False
    return not _pays(row, plain)


def _counterpart(row: Row, rows: Sequence[Row], placement: str | None, *, symbolic: bool) -> Row | None:
    """Return the row of the same buffer size with this placement, symbolic or not."""
    wanted = (row.buffer_size, placement, symbolic)
    return next(
        (each for each in rows if each is not row and (each.buffer_size, each.placement, each.symbolic) == wanted),
        None,
    )


def _pays(row: Row, other: Row) -> bool:
    ours, theirs = row.median(m.CHECKPOINT.name), other.median(m.CHECKPOINT.name)
    return ours is not None and theirs is not None and ours < _PAYS * theirs


def _recommended(row: Row, rows: Sequence[Row], reason: str) -> Recommendation:
    sentence = "; ".join([f"{label(row, rows)}: {reason}", *_weakness(row), *_what_else_pays(row, rows)])
    return Recommendation(name=row.name, sentence=sentence)


def _at_the_knee(row: Row, rows: Sequence[Row]) -> str:
    # Against its like: the same buffer in another place differs in bytes alone, and by chance in mixing.
    like = [each for each in _points(rows) if _is_like(each.row, row)]
    most = max(like, key=lambda each: (each.mixing, -each.size_bytes))
    if most.row is row:
        most = _front(rows)[-1]
    ours = next(point for point in _points(rows) if point.row is row)
    shares = (
        f"{_percent(ours.mixing, most.mixing)} of the mixing of {label(most.row, rows)} "
        f"for {_percent(ours.size_bytes, most.size_bytes)} of the checkpoint bytes"
    )
    costs = list(_other_costs(row, most.row))
    return f"{shares}; it takes {_listed(costs)}" if costs else shares


def _is_like(one: Row, other: Row) -> bool:
    return (one.placement, one.symbolic) == (other.placement, other.symbolic)


def _best_of(points: Sequence[_Point], rows: Sequence[Row]) -> str:
    cheapest, best = points[0], points[-1]
    held = f"{_percent(best.mixing, 1.0)} of a full shuffle's mixing for {size(best.size_bytes)} a checkpoint"
    if len(points) < _FEWEST_FOR_A_KNEE:
        between = f"{label(cheapest.row, rows)} and {label(best.row, rows)}"
        return f"{held}; sizes between {between} would show from where on it pays less"
    return f"{held}; smaller ones give up more mixing than they save bytes, in proportion"


def _other_costs(row: Row, larger: Row) -> Iterator[str]:
    """Yield what else the larger buffer costs, where that is a lot more, and more than the spread."""
    told = (
        (m.MEMORY.name, _MATTERS_BYTES, "{} of memory instead of {}", size),
        (m.RESUME.name, _MATTERS_SECONDS, "{} to resume instead of {}", _seconds),
        (m.STALL.name, _MATTERS_SECONDS, "{} of stall at each save instead of {}", _seconds),
    )
    for name, least, text, shown in told:
        ours, theirs = row.figures.get(name), larger.figures.get(name)
        if ours is None or theirs is None or ours.high >= theirs.low:
            continue
        if theirs.median - ours.median >= least and theirs.median >= _MATTERS * ours.median:
            yield text.format(shown(ours.median), shown(theirs.median))


def _weakness(row: Row) -> Iterator[str]:
    """Yield which part of its mixing lags behind: the mean of them hides it."""
    known = {each.title: row.median(each.name) for each in (m.DISPLACEMENT, m.NEIGHBOURS, m.LABELS)}
    parts = {title: value for title, value in known.items() if value is not None}
    title = min(parts, key=parts.__getitem__, default="")
    if parts and parts[title] < _LAGS * (row.median(m.MIXING.name) or 0.0):
        yield f"it lags in {title}, {_percent(parts[title], 1.0)} of a full shuffle's"


def _what_else_pays(row: Row, rows: Sequence[Row]) -> Iterator[str]:
    """Yield what its place, or being symbolic, saves against the same buffer without that."""
    ours = row.median(m.CHECKPOINT.name) or 0.0
    places = [_counterpart(row, rows, place, symbolic=row.symbolic) for place in PLACEMENTS if row.placement]
    for other in places:
        if other is not None and _pays(row, other):
            share = _percent(ours, other.median(m.CHECKPOINT.name) or 0.0)
            yield f"{row.placement} it takes {share} of the checkpoint bytes that it takes {other.placement}"
    plain = _counterpart(row, rows, row.placement, symbolic=False)
    if row.symbolic and plain is not None and _pays(row, plain):
        share = _percent(ours, plain.median(m.CHECKPOINT.name) or 0.0)
        yield f"a symbolic checkpoint takes {share} of the bytes of a plain one"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _percent(part: float, whole: float) -> str:
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 1:
        return "less than 1 %"
    whole_percent = f"{percent:.0f} %"
    return "more than 99 %" if part < whole and whole_percent == "100 %" else whole_percent


def _seconds(number: float) -> str:
    return f"{number:.2f} s" if number < 1 else f"{number:.1f} s"
