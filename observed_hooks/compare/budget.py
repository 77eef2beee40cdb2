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


class Pace:
    """What repeats took, and therefore will take."""

    def __init__(self) -> None:
        self._seconds: dict[Case, list[float]] = {}

    def take(self, case: Case, seconds: float) -> None:
        """Note that one repeat of `case` took `seconds`."""
        self._seconds.setdefault(case, []).append(seconds)

    def expected_seconds(self, case: Case) -> float | None:
        """Return how long a repeat will take: as those of `case` before, or as all others; None before there is one."""
        known = self._seconds.get(case) or [seconds for each in self._seconds.values() for seconds in each]
        return statistics.mean(known) if known else None

    def fits(self, task: Task, budget: Budget) -> bool:
        """Tell whether `task` may start: a first repeat always, another one if it will end within the budget."""
        return task.number == 1 or (self.expected_seconds(task.case) or 0.0) < budget.left_seconds

    def seconds_left(self, tasks: Iterable[Task], budget: Budget) -> float | None:
        """Return how long `tasks` will take, as far as the budget lets them start; None before anything is known."""
        firsts, others = 0.0, 0.0
        for task in tasks:
            seconds = self.expected_seconds(task.case)
            if seconds is None:
                return None
            if task.number == 1:
                firsts += seconds
            else:
                others += seconds
        return firsts + min(others, max(0.0, budget.left_seconds - firsts))
