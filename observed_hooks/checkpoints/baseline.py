"""What a run's checkpoints weighed when it was young: the yardstick against which bloat is measured.

The baseline is the median of the first `SAVES_FOR_BASELINE` sizes; until there are that many it is unknown. It is
kept beside the checkpoints, in `<checkpoint_dir>/observed_hooks/baseline-<basename>.json`, so that a restart does not
take bloat for normal. A directory that cannot be written keeps it in memory only.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
from dataclasses import dataclass, field

from observed_hooks.checkpoints.files import is_remote

OWN_DIRECTORY = "observed_hooks"
SAVES_FOR_BASELINE = 5


@dataclass(slots=True)
class Baseline:
    """First sizes of one kind of checkpoint in one directory, in bytes. Used by one thread."""

    path: str | None
    first_sizes: list[int] = field(default_factory=list)

    @classmethod
    def beside(cls, directory: str, basename: str) -> Baseline:
        """Return the baseline kept in `directory`; an empty one when there is none that can be read."""
        if is_remote(directory):
            return cls(None)
        path = os.path.join(directory, OWN_DIRECTORY, f"baseline-{basename}.json")
        return cls(path, _read(path))

    def add(self, size_bytes: int) -> None:
        """Take one more size into account while the run is young."""
        if len(self.first_sizes) < SAVES_FOR_BASELINE:
            self.first_sizes.append(size_bytes)
            self._keep()

    @property
    def median_bytes(self) -> int | None:
        """The baseline; None until enough sizes are known."""
        known = len(self.first_sizes) >= SAVES_FOR_BASELINE
        return round(statistics.median(self.first_sizes)) if known else None

    def _keep(self) -> None:
        if self.path is None:
            return
        # Written aside and renamed: a kill leaves the old file or the new one, never half of either.
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            aside = f"{self.path}.{os.getpid()}.tmp"
            with open(aside, "w", encoding="utf-8") as file:
                json.dump({"first_sizes_bytes": self.first_sizes}, file)
            os.replace(aside, self.path)


def _read(path: str) -> list[int]:
    try:
        with open(path, encoding="utf-8") as file:
            sizes = json.load(file)["first_sizes_bytes"]
        return [int(size) for size in sizes][:SAVES_FOR_BASELINE]
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return []
