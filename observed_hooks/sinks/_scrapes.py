"""Who scrapes an exporter, and how often: what its last values wait for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_RHYTHM_SCRAPES = 6  # remembered, to know how often somebody scrapes
_PATIENCE_SECONDS = 10.0  # with whoever scrapes more often than this machine may stand still


@dataclass(slots=True, eq=False)
class _Wait:
    """Somebody who waits for scrapes."""

    behind: int
    """The number of the last scrape that does not count."""
    answered: int = 0


class Scrapes:
    """Which scrapes were answered, and when; any thread may ask.

    A scrape is numbered when it begins and counts when its answer has been sent: what it tells is of the time between.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun = 0
        self._answered: deque[float] = deque(maxlen=_RHYTHM_SCRAPES)
        self._scheduled = False
        self._waiting: list[_Wait] = []

    def begin(self) -> int:
        """Return the number of a scrape that begins now."""
        with self._changed:
            self._begun += 1
            return self._begun

    def answered(self, number: int, *, scheduled: bool = False) -> None:
        """Note that this scrape has its answer, and whether it was one of a schedule."""
        with self._changed:
            self._answered.append(time.monotonic())
            self._scheduled = self._scheduled or scheduled
            for wait in self._waiting:
                wait.answered += number > wait.behind
            self._changed.notify_all()

    def patience_seconds(self, limit_seconds: float) -> float | None:
        """Return how long two more scrapes may take, `limit_seconds` at most; None when nobody scrapes that often."""
        now, longest_seconds = time.monotonic(), limit_seconds / 2
        with self._changed:
            times = tuple(self._answered)
            scheduled = self._scheduled
        interval = scrape_interval_seconds(times, now, longest_seconds)
        if interval is not None:
            return min(limit_seconds, max(3 * interval, _PATIENCE_SECONDS))
        came_once = len(times) == 1 and now - times[0] < longest_seconds
        return limit_seconds if scheduled and came_once else None

    def wait_for(self, count: int, timeout_seconds: float) -> bool:
        """Wait for as many that begin from now on, and are answered; tell whether they came in time."""
        with self._changed:
            wait = _Wait(behind=self._begun)
            self._waiting.append(wait)
            try:
                return self._changed.wait_for(lambda: wait.answered >= count, timeout_seconds)
            finally:
                self._waiting.remove(wait)


def scrape_interval_seconds(scrapes: Sequence[float], now: float, longest_seconds: float) -> float | None:
    """Return the longest of the pauses between `scrapes` that is not above `longest_seconds`.

    The longest, since the pauses of a busy machine differ: the scrape behind one that was late comes soon. One that is
    above the limit is an outage.

    Args:
        scrapes: when the newest scrapes came, the oldest first.
        now: the time now, by the same clock.
        longest_seconds: what does not come that often does not scrape regularly.

    Returns:
        None when nobody scrapes regularly, or the next scrape is long overdue.
    """
    pauses = [after - before for before, after in pairwise(scrapes) if after - before <= longest_seconds]
    interval = max(pauses, default=None)
    return interval if interval is not None and now - scrapes[-1] < 3 * interval else None
