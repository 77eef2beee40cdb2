"""What sinks that write files ask of a path before training starts."""

from __future__ import annotations

from pathlib import Path


def is_remote(path: str) -> bool:
    """Return whether `path` is an address such as gs://bucket/logs rather than a place on this machine."""
    return "://" in path


def blocking_file(directory: str | Path) -> str | None:
    """Return the file that stands where `directory` or a parent of it has to be; None when nothing does."""
    path = Path(directory).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return None if path.is_dir() else str(path)
