"""What came of all the kills, by the phase in which each of them fell."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tests.crash.phases import AIMED, Phase


@dataclass(slots=True)
class Row:
    """Of one phase. What follows a kill is counted where the kill fell."""

    aimed: int = 0
    """Kills on entering the phase."""
    by_chance: int = 0
    """Kills at a random instant that fell into it."""
    resumes: int = 0
    """Lives after such a kill that trained: one that nobody disturbed, and often the next one that was killed."""
    steps: int = 0
    """Compared with the uninterrupted run after these resumes."""
    mismatches: int = 0
    """Resumes that lost or repeated an example, or had forgotten a step that was saved."""
    unusable: int = 0
    """Restarts that failed of themselves."""

    @property
    def kills(self) -> int:
        """All together."""
        return self.aimed + self.by_chance


@dataclass(slots=True)
class Tally:
    """Filled from several threads."""

    rows: dict[Phase, Row] = field(default_factory=lambda: {phase: Row() for phase in Phase})
    completed_runs: int = 0
    """Trainings that reached their last step over however many kills."""
    leftover_files: int = 0
    """In the directories of these: neither part of a whole checkpoint nor a state file."""
    unreached: list[str] = field(default_factory=list)
    """Aims that were given up, because no process came to that phase."""
    details: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def kill(self, phase: Phase, *, aimed: bool) -> None:
        with self.lock:
            row = self.rows[phase]
            row.aimed += aimed
            row.by_chance += not aimed

    def resume(self, after: Phase, steps: int, mismatch: str) -> None:
        with self.lock:
            row = self.rows[after]
            row.resumes += 1
            row.steps += steps
            if mismatch:
                row.mismatches += 1
                self.details.append(f"killed in {after.label}: {mismatch}")

    def failed(self, after: Phase, error: str) -> None:
        with self.lock:
            self.rows[after].unusable += 1
            self.details.append(f"killed in {after.label}: the restart failed: {error}")

    def unreached_aim(self, what: str) -> None:
        with self.lock:
            self.unreached.append(what)

    def completed(self, leftover_files: int) -> None:
        with self.lock:
            self.completed_runs += 1
            self.leftover_files += leftover_files

    @property
    def total(self) -> Row:
        """All phases together."""
        return _sum(self.rows.values())

    @property
    def missed(self) -> tuple[Phase, ...]:
        """Phases that can be hit on purpose, and were not."""
        return tuple(phase for phase in AIMED if not self.rows[phase].kills)

    @property
    def is_clean(self) -> bool:
        """Whether resume could be trusted every time, and every kill fell where it was aimed."""
        total = self.total
        return not (total.mismatches or total.unusable or self.unreached)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready form."""
        return {
            "phases": {phase.label: asdict(row) for phase, row in self.rows.items()},
            "total": asdict(self.total),
            "completed_runs": self.completed_runs,
            "leftover_files": self.leftover_files,
            "missed_phases": [phase.label for phase in self.missed],
            "unreached_aims": self.unreached,
            "details": self.details,
        }


def _sum(rows: Iterable[Row]) -> Row:
    total = Row()
    for row in rows:
        for column in fields(Row):
            setattr(total, column.name, getattr(total, column.name) + getattr(row, column.name))
    return total
