"""A comparison in TensorBoard's HParams pages: a run for each row, its case as hyperparameters, its figures as metrics.

Like `sinks.tensorboard` this writes with TensorBoard's own writer, which loads TensorFlow's file system where it is
installed. Scalars are float32: bytes stand there as MiB.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from observed_hooks.compare.measures import MEASURES, Measure
from observed_hooks.compare.result import Result, Row
from observed_hooks.errors import ConfigurationError
from observed_hooks.metrics import MIB

_SUFFIX = ".observed_hooks.compare"
_HYPERPARAMETERS = {
    "buffer_size": "Elements of the shuffle buffer; 0 is no shuffle.",
    "placement": "Where the buffer stands: before or after decoding.",
    "symbolic": "Whether tf.data.Options.experimental_symbolic_checkpoint is on.",
}
_UNITS = {"seconds": " s", "bytes": " MiB", "bytes per element": " B"}


def write_hparams(result: Result, logdir: str | os.PathLike[str]) -> None:
    """Write `result` below `logdir`, in place of what this has written there before.

    Raises:
        ConfigurationError: the directory cannot be written.
    """
    directory = os.fspath(logdir)
    try:
        for path in glob.glob(os.path.join(glob.escape(directory), "**", f"*{_SUFFIX}"), recursive=True):
            os.remove(path)
        seconds = _seconds(result.date)
        _write(directory, [_experiment(result, seconds)], seconds)
        for row, name in zip(result.rows, _directories(result), strict=True):
            _write(os.path.join(directory, name), list(_session(row, seconds)), seconds)
    except OSError as error:
        raise ConfigurationError(f"HParams cannot be written to {directory}: {error.strerror}") from error


def tag(measure: Measure) -> str:
    """Return a measure's tag, which names its unit: `compare/checkpoint_mib`, `compare/save_seconds`."""
    mib = measure.unit == "bytes"
    return f"compare/{measure.name.replace('_bytes', '_mib') if mib else measure.name}"


def value(measure: Measure, median: float) -> float:
    """Return what a measure's tag holds."""
    return median / MIB if measure.unit == "bytes" else median


def _write(directory: str, summaries: list[Any], seconds: float) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    # Made here, not by the writer: that one would leave a thread behind when it cannot.
    os.makedirs(directory, exist_ok=True)
    writer = EventFileWriter(directory, filename_suffix=_SUFFIX)
    try:
        for summary in summaries:
            writer.add_event(Event(wall_time=seconds, step=0, summary=summary))
    finally:
        writer.close()


def _experiment(result: Result, seconds: float) -> Any:
    from tensorboard.plugins.hparams import summary_v2

    names = {name for row in result.rows for name in _hyperparameters(row)}
    known = {name for row in result.rows for name in row.figures}
    return summary_v2.hparams_config_pb(
        hparams=[summary_v2.HParam(name, description=text) for name, text in _HYPERPARAMETERS.items() if name in names],
        metrics=[
            summary_v2.Metric(
                tag(each), display_name=f"{each.title}{_UNITS.get(each.unit, '')}", description=each.method
            )
            for each in MEASURES
            if each.name in known
        ],
        time_created_secs=seconds,
    )


def _session(row: Row, seconds: float) -> Iterator[Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb

    # Named by the row: two runs of one kind are two trials, and not repeats of one.
    yield summary_v2.hparams_pb(_hyperparameters(row), trial_id=row.name, start_time_secs=seconds)
    for each in MEASURES:
        median = row.median(each.name)
        if median is not None:
            yield scalar_pb(tag(each), value(each, median))
    status = api_pb2.STATUS_FAILURE if row.failed else api_pb2.STATUS_SUCCESS
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=seconds)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    summary = Summary()
    summary.value.add(
        tag=metadata.SESSION_END_INFO_TAG, metadata=metadata.create_summary_metadata(data), tensor=metadata.NULL_TENSOR
    )
    yield summary


def _hyperparameters(row: Row) -> dict[str, bool | int | str]:
    known: dict[str, bool | int | str | None] = {
        "buffer_size": row.buffer_size,
        "placement": row.placement,
        "symbolic": row.symbolic if row.buffer_size is not None else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _directories(result: Result) -> list[str]:
    """Return a directory's name for each row, which stays below the log directory whatever the row is called."""
    names: list[str] = []
    for row in result.rows:
        name = re.sub(r"[^\w.-]", "_", row.name).lstrip(".") or "_"
        taken = sum(each == name or each.startswith(f"{name}~") for each in names)
        names.append(f"{name}~{taken + 1}" if taken else name)
    return names


def _seconds(date: str) -> float:
    """Return an ISO 8601 date in seconds since the epoch."""
    # Python 3.10 does not know the Z.
    return datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp()
