"""Records as JSON lines: the file that reports are made from, and that `jq` and pandas read as it is."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.sinks._paths import blocking_file, is_remote


class JsonlSink:
    """Appends one line per record to the file at `path`.

    The file is opened for each record and closed again, so there is nothing to lose, and nothing to repair,
    when the process is killed, the disk was full for a while, or somebody moved the file away. A line that a
    killed process left half-written is ended first: it cannot swallow the next record.

    Numbers that JSON does not know (NaN, infinities) become null.

    Args:
        path: A local file. It and its directory are made by the first record.

    Raises:
        SinkError: `path` is a directory, lies below a file, or is on a remote file system, where nothing
            can be appended.
    """

    name = "jsonl"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = _local_path(os.fspath(path))

    def write(self, record: Record) -> None:
        """Append `record`; it has reached the operating system when this returns.

        Raises:
            OSError: The file cannot be written. The next record tries afresh.
        """
        line = json_line(record.as_dict())
        with _open_for_append(self.path) as file:
            file.write(line if _ends_a_line(file) else b"\n" + line)

    def close(self) -> None:
        """Do nothing: every record is on disk already."""


def json_line(fields: dict[str, Any]) -> bytes:
    """Return `fields` as one line of strict JSON, newline included; non-finite numbers become null."""
    try:
        text = json.dumps(fields, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(fields), allow_nan=False)
    return text.encode("ascii") + b"\n"


def read_jsonl(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Yield the records in the file at `path`, oldest first, as the dicts of `Record.as_dict`.

    Torn lines, which killed processes leave at the end of their output, are skipped. Safe to call while a
    job writes.

    Raises:
        OSError: The file cannot be read.
    """
    with Path(path).open("rb") as file:
        for line in file:
            try:
                fields = json.loads(line)
            except ValueError:  # cut off half-way, perhaps inside a character
                continue
            if isinstance(fields, dict):
                yield fields


def _local_path(name: str) -> Path:
    if is_remote(name):
        raise SinkError(f"JsonlSink appends to a local file; {name!r} is remote. Give it a local path.")
    path = Path(name)
    if path.is_dir():
        raise SinkError(f"JsonlSink needs the path of a file; {name!r} is a directory. Add a file name to it.")
    blocking = blocking_file(path.parent)
    if blocking is not None:
        raise SinkError(f"JsonlSink cannot write {name!r}: {blocking!r} is a file, not a directory.")
    return path


def _open_for_append(path: Path) -> BinaryIO:
    try:
        return path.open("ab+")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab+")


def _ends_a_line(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
