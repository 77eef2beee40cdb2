"""How long a comparison may take, and how long it will: from the durations so far."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from observed_hooks.clock import Clock
from observed_hooks.compare.case import Case
from observed_hooks.compare.ledger import Task


class Budget:
    """Seconds for a whole comparison, which run from now on."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def left_seconds(self) -> float:
        """What is left of it; 0 when it is spent."""
        return max(0.0, self.seconds - (self._clock.monotonic() - self._began))

    @property
    def spent(self) -> bool:
        """Whether nothing is left: from then on only the first repeat of a case may still start."""
        return self.left_seconds <= 0.0


class Pace:
    """What repeats took, and therefore will take."""

    def __init__(self) -> None:
        self._seconds: dict[Case, list[float]] = {}

    def take(self, case: Case, seconds: float) -> None:
        """Note that one repeat of `case` took `seconds`."""
        self._seconds.setdefault(case, []).append(seconds)

    def seconds_left(self, tasks: Iterable[Task], budget: Budget) -> float | None:
        """Return how long `tasks` will take, as far as the budget lets them start; None before anything is known.

        A case takes what it took before; one that was not measured yet, the mean of all others.
        """
        if not self._seconds:
            return None
        typical = statistics.mean(seconds for each in self._seconds.values() for seconds in each)
        firsts, others = 0.0, 0.0
        for task in tasks:
            known = self._seconds.get(task.case)
            seconds = statistics.mean(known) if known else typical
            if task.number == 1:
                firsts += seconds
            else:
                others += seconds
        # The last one to start within the budget ends behind it.
        room = max(0.0, budget.left_seconds - firsts)
        return firsts + (min(others, room + typical) if room else 0.0)
