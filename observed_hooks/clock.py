"""Time, passed in rather than reached for, so that no test has to sleep."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The two clocks a measurement needs."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back: for durations and intervals."""
        ...

    def time(self) -> float:
        """Seconds since the epoch: for time stamps that people and Prometheus read."""
        ...


class SystemClock:
    """The machine's clocks."""

    # The functions themselves: the training thread calls them.
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
