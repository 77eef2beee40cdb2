"""Whether somebody else saves to the same directory through the same saver.

`MonitoredTrainingSession` adds a saver hook of its own unless it is told not to. Beside ours it writes every
checkpoint a second time.
"""

from __future__ import annotations

import os
from typing import Any

from observed_hooks.saving import state_file


class Neighbours:
    """Knows our checkpoints, and so recognises those that are not ours."""

    def __init__(self, directory: str) -> None:
        """Count what the directory's state file names now as known: it comes from an earlier run."""
        self._known = set(state_file.named(directory))
        self._told = False

    def ours(self, prefix: str) -> None:
        """Remember a checkpoint that we wrote."""
        self._known |= _names([prefix])

    def newcomer(self, saver: Any) -> str | None:
        """Return the name of a checkpoint that someone else wrote through `saver`; once, and None from then on."""
        newcomer = None if self._told else max(_names(saver.last_checkpoints) - self._known, default=None)
        self._told |= newcomer is not None
        return newcomer


def _names(prefixes: Any) -> set[str]:
    return {os.path.basename(prefix) for prefix in prefixes}
