"""The most memory that this process ever had at once."""

from __future__ import annotations

import resource
import sys


def peak_bytes() -> int:
    """Return the most bytes that were resident, the interpreter and TensorFlow included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
