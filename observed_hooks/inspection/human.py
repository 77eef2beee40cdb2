"""Numbers as people read them."""

from __future__ import annotations

_STEP = 1024.0
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def size(number: float) -> str:
    """Return bytes as `1,023 B`, `4.0 KiB`, `3.9 MiB`, ..."""
    if abs(number) < _STEP:
        return f"{number:,.0f} B"
    for unit in _UNITS[:-1]:
        number /= _STEP
        if abs(number) < _STEP:
            return f"{number:,.1f} {unit}"
    return f"{number / _STEP:,.1f} {_UNITS[-1]}"


def share(part: float, whole: float) -> str:
    """Return `97.8 %`."""
    return f"{100.0 * part / whole if whole else 0.0:.1f} %"
