"""The most memory that this process ever had at once."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak_bytes() -> int:
    """Return the most bytes that were resident, the interpreter and TensorFlow included."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not getrusage: on Linux a child's maximum begins with what its parent had.
    words = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return next(int(fields[1]) for fields in words if fields[0] == "VmHWM:") * 1024
