"""What came of one repeat of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from observed_hooks.compare.case import Case

EventFields: TypeAlias = Mapping[str, Any]
"""One line of events.jsonl: `Record.as_dict()`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One process, and what it published."""

    case: Case
    number: int
    """From 1."""
    events: tuple[EventFields, ...] = ()
    """In the order of the file; what a process that failed has published before is here too."""
    failure: str = ""
    """Why not all of it could be measured, in one line; empty when it was."""
