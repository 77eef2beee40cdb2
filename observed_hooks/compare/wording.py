"""Figures of a comparison as people read them."""

from __future__ import annotations

from observed_hooks.compare.measures import Measure, Unit
from observed_hooks.compare.result import Figure
from observed_hooks.inspection.human import size

_MINUTE = 60.0
_SECOND_DIGITS = ((10.0, 2), (_MINUTE, 1))
_WHOLE = 100.0


def shown(value: float, unit: Unit) -> str:
    """Return `4.20 s`, `12.5 MiB`, `10,000`, `0.971`."""
    if unit == "seconds":
        return seconds(value)
    if unit in {"bytes", "bytes per element"}:
        return size(value)
    if unit == "ratio":
        return f"{value:.3f}"
    return f"{value:,.0f}" if unit == "elements" or abs(value) >= _WHOLE else f"{value:.3g}"


def seconds(value: float) -> str:
    """Return three digits that matter: `0.42 ms`, `4.2 ms`, `420 ms`, `4.20 s`, `42.0 s`, `3 min 20 s`."""
    if value < 0:
        return f"-{seconds(-value)}"
    if value < 1:
        # The next unit takes over where rounding would print 1000 of this one.
        return _milliseconds(value * 1000) if round(value, 3) < 1 else "1.00 s"
    for limit, digits in _SECOND_DIGITS:
        if round(value, digits) < limit:
            return f"{value:.{digits}f} s"
    minutes, rest = divmod(round(value), int(_MINUTE))
    return f"{minutes:,} min {rest} s" if rest else f"{minutes:,} min"


def spread(figure: Figure, unit: Unit) -> str:
    """Return `4.10 to 4.35 s`, or `980 ms to 1.02 s`; empty where there is nothing to tell."""
    low, high = shown(figure.low, unit), shown(figure.high, unit)
    if figure.repeats == 1 or low == high:
        return ""
    number, _, same = low.partition(" ")
    return f"{number if same == high.partition(' ')[2] else low} to {high}"


def told(figure: Figure, measure: Measure) -> str:
    """Return `first batch: 4.20 s (4.10 to 4.35 s)`."""
    between = spread(figure, measure.unit)
    return f"{measure.title}: {shown(figure.median, measure.unit)}" + (f" ({between})" if between else "")


def _milliseconds(value: float) -> str:
    if value == 0:
        return "0 s"
    if value >= _WHOLE:
        return f"{value:.0f} ms"
    return f"{value:.1f} ms" if value >= 1 else f"{value:.2g} ms"
