"""What a save that was killed or failed leaves behind: temporary files that no checkpoint owns.

TensorFlow writes a checkpoint aside and renames it when it is complete. Sharded savers write to a directory
`<prefix>_temp/` (`<prefix>_temp_<id>/` in older releases), the others to `<prefix>.<part>.tempstate<number>`. Nobody
removes these when the process dies. Local directories only.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from observed_hooks.checkpoints.files import is_remote

_TEMPORARY = re.compile(
    r"(?P<basename>.+)-(?P<step>\d+)(?:_temp(?:_[0-9a-f]+)?|\.(?:index|data-\d{5}-of-\d{5})\.tempstate\d+)\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One temporary file, or directory of such."""

    path: str
    step: int
    size_bytes: int
    modified_seconds: float
    """Since the epoch."""


def leftovers(directory: str, basename: str) -> tuple[Leftover, ...]:
    """Return the temporary files of saves to `<directory>/<basename>-<step>`; empty for a remote directory."""
    return () if is_remote(directory) else tuple(_find(directory, basename))


def _find(directory: str, basename: str) -> Iterator[Leftover]:
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            match = _TEMPORARY.match(entry.name)
            if match and match["basename"] == basename:
                with contextlib.suppress(FileNotFoundError):
                    yield Leftover(
                        path=entry.path,
                        step=int(match["step"]),
                        size_bytes=_size(entry),
                        modified_seconds=entry.stat().st_mtime,
                    )


def _size(entry: os.DirEntry[str]) -> int:
    if not entry.is_dir():
        return entry.stat().st_size
    sizes = (os.path.getsize(os.path.join(parent, name)) for parent, _, names in os.walk(entry.path) for name in names)
    return sum(sizes)


def remove(leftover: Leftover) -> None:
    """Remove one; that it is gone already, or cannot be removed, is no error."""
    if os.path.isdir(leftover.path):
        shutil.rmtree(leftover.path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.remove(leftover.path)
