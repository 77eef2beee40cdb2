"""What an alert is: when it fires, what it says, and what its section of the runbook tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["critical", "warning", "info"]

RUN = "run {{ $labels.run }} ({{ $labels.task }})"
"""How descriptions name a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert with its section of the runbook."""

    name: str
    severity: Severity
    """critical: act now. warning: a ticket. info: for the dashboard."""
    expr: str
    for_seconds: float = 0
    summary: str
    """One sentence without placeholders, so that notifications can be grouped by it."""
    description: str
    """A template of Prometheus: which run, how much, what of it."""
    meaning: str
    see: str
    act: str

    @property
    def anchor(self) -> str:
        """The anchor of its section in the runbook, as Markdown renderers make it from the heading."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts on one subject; a rule group for Prometheus, a chapter of the runbook."""

    name: str
    title: str
    alerts: tuple[Alert, ...]
