"""When to look at the global step, so that ordinary steps cost nothing.

Reading the global step takes a run of the session. It is not needed after a run that cannot have brought the step as
far as the next save: the graph tells by how much one run can advance it at most. That bound holds as long as this
process alone advances the step. Where other workers do too, the step is looked at after half the runs that the fastest
pace seen so far would need, so a pace that doubles is still noticed in time. At the start of a session, before there is
any experience, the looks come after 1, 2, 4, 8, ... runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far one run of the session can carry the global step."""

    most_per_run: int | None
    """Steps; None when the graph does not tell, and every run must be looked at."""
    alone: bool
    """Whether nobody outside this process advances the step."""


UNKNOWN = Reach(most_per_run=None, alone=False)


class StepWatch:
    """Counts runs between two looks. Used by the training thread only."""

    def __init__(self, reach: Reach) -> None:
        """Look after the first run."""
        self._reach = reach
        self._seen_step: int | None = None
        self._fastest_per_run = 0.0
        self._runs_in_all = 0
        self._runs = 0
        self._look_after_runs = 1

    def ran(self) -> bool:
        """Count a run; tell whether the step may have come far enough."""
        self._runs += 1
        return self._runs >= self._look_after_runs

    def plan(self, step: int, goal: int) -> None:
        """Having seen `step`, choose the next look such that the run that reaches `goal` is not missed."""
        self._learn(step)
        self._look_after_runs = max(1, self._safe_runs(goal - step))
        self._runs = 0

    def _learn(self, step: int) -> None:
        if self._seen_step is not None and self._runs:
            self._fastest_per_run = max(self._fastest_per_run, (step - self._seen_step) / self._runs)
        self._runs_in_all += self._runs
        self._seen_step = step

    def _safe_runs(self, distance: int) -> int:
        most = self._reach.most_per_run
        if not most:
            return 1
        if self._reach.alone and self._fastest_per_run <= most:
            runs = -(-distance // most)
        else:
            runs = int(distance / max(float(most), 2 * self._fastest_per_run))
        # No further ahead than there is experience, which others, or runs past the hooks, may contradict.
        return min(runs, self._runs_in_all)
