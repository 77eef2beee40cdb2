"""Records as TensorBoard scalars: one event per save, with all its values, behind a layout for Custom Scalars.

TensorBoard's writer reaches local and remote directories through TensorFlow's file system layer, so that
making a writer loads TensorFlow where it is installed. Importing this module does not.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.metrics import MIB, Metric
from observed_hooks.samples import samples, scalars, step_of
from observed_hooks.sinks._layout import layout_summary
from observed_hooks.sinks._paths import blocking_file, is_remote


class TensorBoardSink:
    """Writes an event file to `logdir` that holds scalars, and first of all how the Custom Scalars page groups them.

    Give it a directory of its own: two writers in one directory confuse TensorBoard. The file is made by the
    first record that has scalars and flushed after each, so a killed process loses none. After a failure
    (disk full, directory removed) the next record begins a new file.

    Args:
        logdir: A local or remote directory; made when the file is.

    Raises:
        SinkError: `logdir`, or one of its parents, is a file.
    """

    name = "tensorboard"

    def __init__(self, logdir: str | os.PathLike[str]) -> None:
        self.logdir = os.fspath(logdir)
        if not is_remote(self.logdir) and (blocking := blocking_file(self.logdir)) is not None:
            raise SinkError(f"TensorBoardSink needs a directory; {blocking!r} is a file. Choose another logdir.")
        self._file: _EventFile | None = None

    def write(self, record: Record) -> None:
        """Write the scalars of `record`, if it has any, as one event at its step; they are on disk after.

        Raises:
            Exception: Whatever TensorFlow's file system raises. The next record tries a new file.
        """
        values = scalars(record)
        if not values:
            return
        try:
            self._current_file().add(record, values)
        except Exception:
            self._drop_file()
            raise

    def close(self) -> None:
        """Close the event file; a record that comes later begins a new one."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _current_file(self) -> _EventFile:
        if self._file is not None and self._file.is_gone():
            self._drop_file()
        if self._file is None:
            self._file = _EventFile(self.logdir)
        return self._file

    def _drop_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.discard()


class _Writer(EventFileWriter):  # type: ignore[misc]  # tensorboard ships no types
    """TensorBoard's writer, without the thread that it leaves behind when its file cannot be begun."""

    def __init__(self, logdir: str, suffix: str) -> None:
        try:
            super().__init__(logdir, filename_suffix=suffix)
        except Exception:
            with contextlib.suppress(Exception):
                self.close()
            raise


_numbers = itertools.count()


class _EventFile:
    """One event file, begun by its first record, and the tags it has described so far."""

    def __init__(self, logdir: str) -> None:
        self._logdir = logdir
        self._suffix = f".observed_hooks.{next(_numbers)}"
        self._writer: _Writer | None = None
        self._described: set[str] = set()
        self._holds_records = False

    def add(self, record: Record, values: dict[str, float]) -> None:
        if self._writer is None:
            self._writer = _Writer(self._logdir, self._suffix)
            self._writer.add_event(Event(wall_time=record.time_seconds, step=0, summary=layout_summary()))
        summary = Summary()
        for tag, value in values.items():
            summary.MergeFrom(scalar_pb(tag, value))
        self._describe(summary, record)
        self._writer.add_event(Event(wall_time=record.time_seconds, step=step_of(record.event) or 0, summary=summary))
        self._writer.flush()
        self._holds_records = True

    def _describe(self, summary: Any, record: Record) -> None:
        """Keep a tag's metadata where it first appears, which is where TensorBoard reads it."""
        descriptions = _descriptions(record)
        for value in summary.value:
            if value.tag in self._described:
                value.ClearField("metadata")
            else:
                value.metadata.summary_description = descriptions[value.tag]
                self._described.add(value.tag)

    def is_gone(self) -> bool:
        """Return whether somebody removed the file: writing to it would succeed, and be lost."""
        return not is_remote(self._logdir) and not self._paths()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """Close after a failure; a file without a record goes, lest a full disk collects one per save."""
        # The writer's thread may be dead already: closing then fails for the reason already on its way up.
        with contextlib.suppress(Exception):
            self.close()
        if not self._holds_records and not is_remote(self._logdir):
            for path in self._paths():
                path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        # A name of its own, because TensorBoard's writer does not tell how it called its file.
        return list(Path(self._logdir).glob(f"*{self._suffix}"))


def _descriptions(record: Record) -> dict[str, str]:
    """Return what TensorBoard says about each tag of `record`."""
    return {
        sample.metric.scalar.tag.format(**sample.labels): _description(sample.metric)
        for sample in samples(record)
        if sample.metric.scalar is not None
    }


def _description(metric: Metric) -> str:
    if metric.scalar is None or metric.scalar.divisor != MIB:
        return metric.help
    return f"{metric.help} Here in MiB{', all parts together' if 'part' in metric.labels else ''}."
