"""Metrics in a file for the textfile collector of Prometheus' node_exporter: for machines that it watches already."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest

from observed_hooks.clock import Clock, SystemClock
from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.sinks._paths import blocking_file, is_remote
from observed_hooks.sinks._snapshots import Snapshots

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

CLOSE_TIMEOUT_SECONDS = 5.0
READABLE_BY_ALL = 0o644


class TextfileSink:
    """Keeps the file at `path` in step with the catalogue's metrics: soon after each record, and at the end.

    Start node_exporter with `--collector.textfile.directory` naming the file's directory. The file stays when the job
    has ended. It is replaced as a whole, so that no reader sees half of it, and every user may read it: node_exporter
    runs as another one. Two jobs need two files.

    Writing has a thread of its own; a dead network disk holds up nobody. The bus counts every failure it hears of, and
    the next try writes what the failed one did not.

    Args:
        path: A local file whose name ends in `.prom`; node_exporter reads no other. Its directory is made.
        registry: More metrics to write along, such as `prometheus_client.REGISTRY`. Nothing is registered there.
        every_seconds: Write at most so often, the end excepted.
        clock: For `every_seconds`.

    Raises:
        SinkError: `path` is remote, has another ending, is a directory, or lies below a file.
    """

    name = "textfile"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        registry: CollectorRegistry | None = None,
        every_seconds: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self.path = _local_path(os.fspath(path))
        self._snapshots = Snapshots(
            self._replace, name=self.name, registry=registry, every_seconds=every_seconds, clock=clock or SystemClock()
        )

    def write(self, record: Record) -> None:
        """Take over what `record` says, and have it written; never waits for the disk.

        Raises:
            OSError: The file could not be written the last time.
        """
        self._snapshots.write(record)

    def close(self) -> None:
        """Write the last values, without a pause; takes 5 s at most.

        Raises:
            OSError: The file cannot be written.
            SinkError: The disk does not answer.
        """
        self._snapshots.close(CLOSE_TIMEOUT_SECONDS)

    def _replace(self, collector: Collector) -> None:
        text = generate_latest(collector)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Hidden, and without the ending: node_exporter must not read it half-written.
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".tmp")
        try:
            with open(descriptor, "wb") as file:
                file.write(text)
                os.fchmod(file.fileno(), READABLE_BY_ALL)
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise


def _local_path(name: str) -> Path:
    if is_remote(name):
        raise SinkError(f"TextfileSink replaces a local file; {name!r} is remote. Give it a local path.")
    path = Path(name)
    if path.suffix != ".prom":
        raise SinkError(
            f"TextfileSink needs a file name that ends in .prom, or node_exporter passes it by; got {name!r}."
        )
    if path.is_dir():
        raise SinkError(f"TextfileSink needs the path of a file; {name!r} is a directory. Add a file name to it.")
    blocking = blocking_file(path.parent)
    if blocking is not None:
        raise SinkError(f"TextfileSink cannot write {name!r}: {blocking!r} is a file, not a directory.")
    return path
