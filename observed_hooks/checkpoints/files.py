"""The files of V2 checkpoints in a directory: which belong to which step, and what they weigh.

A checkpoint with prefix `<dir>/<basename>-<step>` is the files `<prefix>.index`, `<prefix>.meta` (optional) and
`<prefix>.data-<shard>-of-<shards>`; it exists once its index does. Names are matched whole: step 1 never counts the
files of step 10. Local directories are read with the `os` module; a directory with a scheme (`gs://...`) is read
through the file systems of the TensorFlow that this process has already loaded to write it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from observed_hooks.events import CheckpointSize, Filesystem, Retained

_CHECKPOINT_FILE = re.compile(
    r"(?P<basename>.+)-(?P<step>\d+)\.(?:(?P<index>index)|(?P<meta>meta)|data-\d{5}-of-(?P<shards>\d{5}))\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFiles:
    """One whole checkpoint on disk."""

    prefix: str
    step: int
    size: CheckpointSize
    names: tuple[str, ...]
    """File names within the directory, the index first: removing in this order leaves no half checkpoint."""
    complete: bool
    """Whether every shard that the file names speak of is there."""


def join(directory: str, name: str) -> str:
    """Return the path of `name` in `directory`, which may be remote."""
    return f"{directory.rstrip('/')}/{name}" if is_remote(directory) else os.path.join(directory, name)


def is_remote(path: str) -> bool:
    """Tell whether `path` names a file system other than the machine's own."""
    return "://" in path


def list_sizes(directory: str) -> dict[str, int]:
    """Return the size in bytes of every plain file in `directory`; empty when there is no such directory.

    A file that vanishes while the directory is read is left out.
    """
    return dict(_remote_sizes(directory) if is_remote(directory) else _local_sizes(directory))


def _local_sizes(directory: str) -> Iterator[tuple[str, int]]:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file():
                    yield entry.name, entry.stat().st_size


def _remote_sizes(directory: str) -> Iterator[tuple[str, int]]:
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:  # nobody in this process can have written there
        return
    gfile, missing = tensorflow.io.gfile, tensorflow.errors.NotFoundError
    with contextlib.suppress(missing):
        for name in gfile.listdir(directory):
            with contextlib.suppress(missing):
                path = f"{directory.rstrip('/')}/{name}"
                if not gfile.isdir(path):
                    yield name, gfile.stat(path).length


def checkpoints(directory: str, basename: str) -> dict[int, CheckpointFiles]:
    """Return the whole checkpoints named `<basename>-<step>` in `directory` by step, ascending."""
    return all_checkpoints(directory).get(basename, {})


def all_checkpoints(directory: str) -> dict[str, dict[int, CheckpointFiles]]:
    """Return the whole checkpoints in `directory` by basename, then by step, ascending."""
    sizes = list_sizes(directory)
    groups: dict[tuple[str, int], list[re.Match[str]]] = {}
    for match in filter(None, map(_CHECKPOINT_FILE.match, sizes)):
        groups.setdefault((match["basename"], int(match["step"])), []).append(match)
    found: dict[str, dict[int, CheckpointFiles]] = {}
    for (basename, step), matches in sorted(groups.items()):
        if any(match["index"] for match in matches):
            found.setdefault(basename, {})[step] = _whole(matches, sizes, directory)
    return found


def _whole(matches: list[re.Match[str]], sizes: Mapping[str, int], directory: str) -> CheckpointFiles:
    matches = sorted(matches, key=lambda match: (not match["index"], match[0]))
    index = sum(sizes[match[0]] for match in matches if match["index"])
    meta = sum(sizes[match[0]] for match in matches if match["meta"])
    total = sum(sizes[match[0]] for match in matches)
    return CheckpointFiles(
        prefix=os.path.join(directory, f"{matches[0]['basename']}-{matches[0]['step']}"),
        step=int(matches[0]["step"]),
        size=CheckpointSize(data_bytes=total - index - meta, index_bytes=index, meta_bytes=meta),
        names=tuple(match[0] for match in matches),
        complete=_complete([match for match in matches if match["shards"]]),
    )


def _complete(data: list[re.Match[str]]) -> bool:
    return bool(data) and all(len(data) == int(match["shards"]) for match in data)


def split_prefix(prefix: str) -> tuple[str, str, int] | None:
    """Return directory, basename and step of `<dir>/<basename>-<step>`; None for any other prefix."""
    directory, name = os.path.split(prefix)
    basename, _, step = name.rpartition("-")
    return (directory, basename, int(step)) if basename and step.isdecimal() else None


def retained(found: Mapping[int, CheckpointFiles]) -> Retained:
    """Add up what is on disk of one kind."""
    return Retained(checkpoints=len(found), size_bytes=sum(files.size.total_bytes for files in found.values()))


def filesystem(directory: str) -> Filesystem | None:
    """Return the room on the file system that holds `directory`, None when that is remote or gone."""
    if is_remote(directory):
        return None
    try:
        stats = os.statvfs(directory)
    except OSError:
        return None
    return Filesystem(free_bytes=stats.f_bavail * stats.f_frsize, size_bytes=stats.f_blocks * stats.f_frsize)
