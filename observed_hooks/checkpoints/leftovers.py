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
from collections.abc import Container, Iterator
from dataclasses import dataclass

from observed_hooks.checkpoints.files import checkpoints, is_remote

_TEMPORARY = re.compile(
    r"(?P<basename>.+)-(?P<step>\d+)(?:_temp(?:_[0-9a-f]+)?|\.(?:index|data-\d{5}-of-\d{5})\.tempstate\d+)\Z", re.DOTALL
)
_DATA = re.compile(r"(?P<basename>.+)-(?P<step>\d+)\.data-\d{5}-of-\d{5}\Z", re.DOTALL)
NO_STEP = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One temporary file, or directory of such."""

    path: str
    step: int
    """`NO_STEP` for what belongs to no one checkpoint."""
    size_bytes: int


def leftovers(directory: str, basename: str) -> tuple[Leftover, ...]:
    """Return the temporary files of saves to `<directory>/<basename>-<step>`; empty for a remote directory."""
    return () if is_remote(directory) else tuple(_find(directory, basename))


def orphans(directory: str, basename: str, state_file: str) -> tuple[Leftover, ...]:
    """Return what only a process that died leaves: data without an index, and state files half written.

    To be asked before the first save of a run: while one is being written, its data have no index either.
    """
    if is_remote(directory):
        return ()
    half_written = re.compile(re.escape(state_file) + r"\.tmp[0-9a-f]*\Z")
    whole = checkpoints(directory, basename)
    found = []
    for name, path, size in _files(directory):
        step = NO_STEP if half_written.match(name) else _step_of_data(name, basename, whole)
        if step is not None:
            found.append(Leftover(path=path, step=step, size_bytes=size))
    return tuple(found)


def _step_of_data(name: str, basename: str, whole: Container[int]) -> int | None:
    match = _DATA.match(name)
    if match is None or match["basename"] != basename or int(match["step"]) in whole:
        return None
    return int(match["step"])


def _files(directory: str) -> Iterator[tuple[str, str, int]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file():
                    yield entry.name, entry.path, entry.stat().st_size


def _find(directory: str, basename: str) -> Iterator[Leftover]:
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            match = _TEMPORARY.match(entry.name)
            if match and match["basename"] == basename:
                with contextlib.suppress(FileNotFoundError):
                    yield Leftover(path=entry.path, step=int(match["step"]), size_bytes=_size(entry))


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
