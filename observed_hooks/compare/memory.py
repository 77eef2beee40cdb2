"""The most memory that this process had resident, from a moment of one's own choosing on where the system allows it."""

from __future__ import annotations

import contextlib
import resource
import sys

_STATUS = "/proc/self/status"
_CLEAR = "/proc/self/clear_refs"
_CLEAR_PEAK = "5"
_PEAK = "VmHWM:"


def forget_peak() -> None:
    """Count the peak from here on; does nothing where there is no such thing (anywhere but on Linux).

    Source: `clear_refs` in proc(5).
    """
    with contextlib.suppress(OSError), open(_CLEAR, "w", encoding="ascii") as file:
        file.write(_CLEAR_PEAK)


def peak_bytes() -> int:
    """Return the peak; where there is no /proc, that of the whole life of the process."""
    with contextlib.suppress(OSError, ValueError, StopIteration), open(_STATUS, encoding="ascii") as file:
        kibibytes = next(line for line in file if line.startswith(_PEAK)).split()[1]
        return int(kibibytes) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
