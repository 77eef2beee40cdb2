"""The floor under every save: writing the same bytes to as many files, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def sizes(directory: str) -> list[int]:
    """Return the sizes of the files in `directory`, largest first."""
    return sorted((path.stat().st_size for path in Path(directory).iterdir()), reverse=True)


def clear(directory: str) -> None:
    """Remove the files in `directory`, before the system begins to carry them to the disk."""
    for path in Path(directory).iterdir():
        path.unlink()


def clear_data(directory: str) -> None:
    """Remove what checkpoints in `directory` weigh; what names them stays."""
    for path in Path(directory).glob("*.data-*"):
        path.unlink(missing_ok=True)


def write_plainly(directory: str, parts: Sequence[Sequence[Any]], further: Sequence[int]) -> None:
    """Write and close one file for each of `parts`, each by a thread of its own; then small files, one by one.

    No fsync, since TensorFlow calls none either (seen with `strace -f -e trace=fsync,fdatasync`).

    Args:
        directory: where to write.
        parts: the buffers of each file.
        further: sizes of the small files.
    """
    names = [Path(directory) / f"plain-{number}" for number in range(len(parts))]
    threads = [threading.Thread(target=_write, args=pair) for pair in zip(names, parts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, size in enumerate(further):
        _write(Path(directory) / f"further-{number}", [bytes(size)])


def _write(path: Path, buffers: Sequence[Any]) -> None:
    with path.open("wb", buffering=0) as file:
        for buffer in buffers:
            file.write(buffer)
