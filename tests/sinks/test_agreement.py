"""One story, told three times: what a save cost must not depend on where one looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.scalar.metadata import PLUGIN_NAME
from tensorboard.util.tensor_util import make_ndarray

from observed_hooks.metrics import MIB
from observed_hooks.sinks.jsonl import JsonlSink, read_jsonl
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.sinks.tensorboard import TensorBoardSink
from tests.sinks.examples import record, saved

RECORD = record(saved(4242, seconds=3.25))


@pytest.fixture
def prometheus() -> dict[str, float]:
    """What a scrape says, by name; parts of a size are added up."""
    sink = PrometheusSink()
    sink.write(RECORD)
    found: dict[str, float] = {}
    for family in sink.registry.collect():
        for sample in family.samples:
            name = sample.name.removeprefix("observed_hooks_")
            found[name] = found.get(name, 0.0) + sample.value
    return found


@pytest.fixture
def tensorboard(tmp_path: Path) -> dict[str, tuple[int, float]]:
    """What TensorBoard reads: step and value, by the last part of the tag."""
    sink = TensorBoardSink(tmp_path / "logs")
    sink.write(RECORD)
    sink.close()
    found = EventAccumulator(str(tmp_path / "logs")).Reload()
    return {
        tag.rpartition("/")[2]: (event.step, float(make_ndarray(event.tensor_proto)))
        for tag in found.PluginTagToContent(PLUGIN_NAME)
        for event in found.Tensors(tag)
    }


@pytest.fixture
def line(tmp_path: Path) -> dict[str, float]:
    """What events.jsonl says, with a size's parts added up and nested values beside the others."""
    JsonlSink(tmp_path / "events.jsonl").write(RECORD)
    (fields,) = read_jsonl(tmp_path / "events.jsonl")
    retained, size = fields.pop("retained"), fields.pop("size")
    return {**fields, "retained_bytes": retained["size_bytes"], "checkpoint_bytes": sum(size.values())}


@dataclass(frozen=True)
class Told:
    """What each place says about one record."""

    prometheus: dict[str, float]
    tensorboard: dict[str, tuple[int, float]]
    line: dict[str, float]


@pytest.fixture
def told(prometheus: dict[str, float], tensorboard: dict[str, tuple[int, float]], line: dict[str, float]) -> Told:
    return Told(prometheus, tensorboard, line)


@pytest.mark.parametrize(
    ("series", "tag", "field", "divisor"),
    [
        ("last_save_duration_seconds", "save_seconds", "duration_seconds", 1.0),
        ("save_duration_seconds_sum", "save_seconds", "duration_seconds", 1.0),
        ("last_save_stall_seconds", "stall_seconds", "stall_seconds", 1.0),
        ("checkpoint_size_bytes", "size_mib", "checkpoint_bytes", MIB),
        ("checkpoint_written_bytes_total", "size_mib", "checkpoint_bytes", MIB),
        ("checkpoint_baseline_size_bytes", "baseline_mib", "baseline_bytes", MIB),
        ("retained_bytes", "retained_mib", "retained_bytes", MIB),
    ],
)
def test_prometheus_tensorboard_and_json_lines_agree(
    told: Told, series: str, tag: str, field: str, divisor: float
) -> None:
    assert told.prometheus[series] == told.line[field] == told.tensorboard[tag][1] * divisor


def test_they_agree_on_the_step_and_the_time(told: Told) -> None:
    assert told.prometheus["last_save_step"] == told.line["step"] == 4242
    assert {step for step, _ in told.tensorboard.values()} == {4242}
    assert told.prometheus["last_save_timestamp_seconds"] == told.line["time_seconds"]
