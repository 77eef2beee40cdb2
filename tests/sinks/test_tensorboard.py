from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG
from tensorboard.plugins.custom_scalar.metadata import PLUGIN_NAME as CUSTOM_SCALARS
from tensorboard.plugins.scalar import metadata
from tensorboard.util.tensor_util import make_ndarray

from observed_hooks.errors import SinkError
from observed_hooks.events import Record, RunEnded
from observed_hooks.samples import scalars
from observed_hooks.sinks._layout import LAYOUT
from observed_hooks.sinks.tensorboard import TensorBoardSink
from tests.sinks.examples import RECORDS, record, restored, saved
from tests.sinks.limits import run_with_small_files


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    return tmp_path / "observed_hooks" / "tensorboard"


def files(logdir: Path) -> list[Path]:
    return sorted(logdir.glob("*tfevents*")) if logdir.exists() else []


def events(logdir: Path) -> list[Any]:
    """Return the raw events of every file, without those that only tell the format or the layout."""
    return [event for event in raw_events(logdir) if not is_layout(event)]


def is_layout(event: Any) -> bool:
    return [value.tag for value in event.summary.value] == [CONFIG_SUMMARY_TAG]


def raw_events(logdir: Path) -> list[Any]:
    found = []
    for file in files(logdir):
        for raw in RawEventFileLoader(str(file)).Load():
            event = Event.FromString(raw)
            if event.WhichOneof("what") != "file_version":
                found.append(event)
    return found


def steps(logdir: Path) -> list[int]:
    return [event.step for event in events(logdir)]


def accumulated(logdir: Path) -> EventAccumulator:
    """Return what TensorBoard itself reads."""
    return EventAccumulator(str(logdir), size_guidance={"tensors": 0}).Reload()


def series(logdir: Path, tag: str) -> list[tuple[int, float]]:
    return [
        (event.step, struct.unpack("<f", event.tensor_proto.tensor_content)[0])
        if event.tensor_proto.tensor_content
        else (event.step, event.tensor_proto.float_val[0])
        for event in accumulated(logdir).Tensors(tag)
    ]


class TestTensorBoardSink:
    def test_writes_one_event_per_save_with_all_its_scalars(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        for step in (100, 200):
            sink.write(record(saved(step)))
        sink.close()
        assert steps(logdir) == [100, 200]
        for event in events(logdir):
            assert {value.tag for value in event.summary.value} == set(scalars(record(saved())))

    def test_writes_no_graph(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        for example in RECORDS:
            sink.write(example)
        sink.close()
        assert {event.WhichOneof("what") for event in raw_events(logdir)} == {"summary"}

    def test_puts_a_scalar_at_the_step_and_time_of_its_record(self, logdir: Path) -> None:
        TensorBoardSink(logdir).write(record(restored(), time_seconds=1234.5))
        (event,) = events(logdir)
        assert (event.step, event.wall_time) == (100, 1234.5)

    def test_is_read_by_tensorboard_as_scalars_with_their_values(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        for step, seconds in ((100, 1.5), (200, 2.5)):
            sink.write(record(saved(step, seconds=seconds)))
        sink.close()
        found = accumulated(logdir)
        assert set(found.PluginTagToContent(metadata.PLUGIN_NAME)) == set(scalars(record(saved())))
        assert series(logdir, "checkpoint/model/save_seconds") == [(100, 1.5), (200, 2.5)]

    def test_describes_each_tag_where_it_first_appears_and_only_there(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        for step in (100, 200):
            sink.write(record(saved(step)))
        first, second = events(logdir)
        assert all(value.metadata.summary_description for value in first.summary.value)
        assert not any(value.HasField("metadata") for value in second.summary.value)

    @pytest.mark.parametrize(
        ("tag", "description"),
        [
            ("save_seconds", "Duration of the newest successful save."),
            ("size_mib", "Size of the newest checkpoint on disk, by part. Here in MiB, all parts together."),
            ("retained_mib", "Bytes of the checkpoints that retention has left on disk. Here in MiB."),
        ],
    )
    def test_describes_a_tag_with_its_metrics_help_and_what_is_different_here(
        self, logdir: Path, tag: str, description: str
    ) -> None:
        TensorBoardSink(logdir).write(record(saved()))
        found = accumulated(logdir).SummaryMetadata(f"checkpoint/model/{tag}")
        assert found.summary_description == description

    def test_makes_nothing_before_the_first_record_with_scalars(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        sink.write(record(RunEnded()))
        sink.close()
        assert not logdir.exists()

    def test_has_the_scalars_on_disk_when_write_returns(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        sink.write(record(saved(7)))
        assert steps(logdir) == [7]

    @pytest.mark.parametrize("example", RECORDS, ids=lambda example: type(example.event).__name__)
    def test_writes_exactly_the_scalars_of_any_record(self, logdir: Path, example: Record) -> None:
        sink = TensorBoardSink(logdir)
        sink.write(example)
        sink.close()
        tags = [value.tag for event in events(logdir) for value in event.summary.value]
        assert tags == list(scalars(example))


class TestTheLayout:
    def test_is_one_event_at_the_start_of_the_file(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        for step in (100, 200):
            sink.write(record(saved(step)))
        assert [is_layout(event) for event in raw_events(logdir)] == [True, False, False]

    def test_is_read_by_tensorboards_custom_scalars_page(self, logdir: Path) -> None:
        TensorBoardSink(logdir).write(record(saved()))
        found = accumulated(logdir)
        assert list(found.PluginTagToContent(CUSTOM_SCALARS)) == [CONFIG_SUMMARY_TAG]
        (event,) = found.Tensors(CONFIG_SUMMARY_TAG)
        layout = Layout.FromString(make_ndarray(event.tensor_proto).item())
        assert [category.title for category in layout.category] == list(LAYOUT)

    def test_is_written_anew_to_a_file_that_takes_the_place_of_a_removed_one(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        sink.write(record(saved(1)))
        files(logdir)[0].unlink()
        sink.write(record(saved(2)))
        assert is_layout(raw_events(logdir)[0])

    def test_does_not_hide_what_an_earlier_run_wrote_to_the_directory(self, logdir: Path) -> None:
        for step in (100, 200):
            sink = TensorBoardSink(logdir)
            sink.write(record(saved(step, seconds=step)))
            sink.close()
        assert series(logdir, "checkpoint/model/save_seconds") == [(100, 100), (200, 200)]


class TestRecovery:
    def test_from_a_removed_directory_begins_a_new_file(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        sink.write(record(saved(1)))
        shutil.rmtree(logdir.parent)
        sink.write(record(saved(2)))
        assert steps(logdir) == [2]

    def test_from_a_removed_file_begins_a_new_one_that_describes_its_tags_again(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        sink.write(record(saved(1)))
        files(logdir)[0].unlink()
        sink.write(record(saved(2)))
        assert steps(logdir) == [2]
        assert events(logdir)[0].summary.value[0].metadata.plugin_data.plugin_name == "scalars"

    def test_from_a_directory_that_cannot_be_made_yet(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        logdir.parent.touch()
        with pytest.raises(Exception):  # noqa: B017, PT011 (the file system layer chooses its type)
            sink.write(record(saved(1)))
        logdir.parent.unlink()
        sink.write(record(saved(2)))
        assert steps(logdir) == [2]

    @staticmethod
    def fill(logdir: Path, limit_bytes: int) -> str:
        return run_with_small_files(
            f"""
            from observed_hooks.sinks.tensorboard import TensorBoardSink
            sink = TensorBoardSink({str(logdir)!r})
            """,
            limit_bytes=limit_bytes,
        )

    def test_from_a_disk_that_fills_up_begins_a_new_file(self, logdir: Path) -> None:
        error, threads = self.fill(logdir, limit_bytes=6000).split()
        assert error != "nothing"
        assert int(threads) <= 1
        assert len(files(logdir)) >= 2
        assert 999 in steps(logdir)

    def test_from_a_full_disk_leaves_neither_threads_nor_stumps_of_files(self, logdir: Path) -> None:
        error, threads = self.fill(logdir, limit_bytes=10).split()
        assert error != "nothing"
        assert int(threads) <= 0
        assert len(files(logdir)) == 1
        assert steps(logdir) == [999]

    def test_from_being_closed_too_early(self, logdir: Path) -> None:
        sink = TensorBoardSink(logdir)
        for step in (1, 2):
            sink.write(record(saved(step)))
            sink.close()
        assert steps(logdir) == [1, 2]

    def test_leaves_one_writer_thread_at_most(self, logdir: Path) -> None:
        before = set(threading.enumerate())
        sink = TensorBoardSink(logdir)
        for step in range(5):
            sink.write(record(saved(step)))
            files(logdir)[0].unlink()
        assert len(set(threading.enumerate()) - before) == 1
        sink.close()
        assert not set(threading.enumerate()) - before


class TestMisuse:
    @pytest.mark.parametrize("below", ["", "deeper/still"])
    def test_a_directory_that_is_a_file_is_refused_at_once(self, tmp_path: Path, below: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SinkError, match=f"needs a directory; '{tmp_path}/file' is a file"):
            TensorBoardSink(tmp_path / "file" / below)

    def test_a_remote_directory_is_left_to_the_file_system_layer(self) -> None:
        assert TensorBoardSink("gs://bucket/logs").logdir == "gs://bucket/logs"


def test_importing_the_sink_does_not_load_tensorflow() -> None:
    program = "import sys, observed_hooks.sinks.tensorboard; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
