from __future__ import annotations

import logging
import shutil
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from prometheus_client.parser import text_string_to_metric_families
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.scalar.metadata import PLUGIN_NAME
from tensorboard.util.tensor_util import make_ndarray

from observed_hooks.errors import CheckpointDirectoryError, ConfigurationError
from observed_hooks.events import KINDS, OUTCOMES
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.hooks.model import CheckpointSaverHook
from observed_hooks.metrics import MIB
from observed_hooks.observation import Observed, observe
from observed_hooks.sinks.jsonl import read_jsonl
from tests.doubles import PATIENCE_SECONDS
from tests.training import event_files, graphs_in, input_steps, saved_steps, train

Labels = tuple[tuple[str, str], ...]


def scrape(observed: Observed) -> dict[tuple[str, Labels], float]:
    """What Prometheus would read, by name and labels other than run and task."""
    assert observed.exporter is not None
    assert observed.bus.flush(PATIENCE_SECONDS)
    with urllib.request.urlopen(observed.exporter.url, timeout=PATIENCE_SECONDS) as response:  # noqa: S310 - our own
        text = response.read().decode()
    return {
        (
            sample.name.removeprefix("observed_hooks_"),
            tuple(sorted((name, value) for name, value in sample.labels.items() if name not in {"run", "task"})),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def lines(directory: Path) -> list[dict[str, Any]]:
    return list(read_jsonl(directory / "observed_hooks" / "events.jsonl"))


def scalars(directory: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard reads, by tag."""
    found = EventAccumulator(str(directory / "observed_hooks" / "tensorboard")).Reload()
    return {
        tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in found.Tensors(tag)]
        for tag in found.PluginTagToContent(PLUGIN_NAME)
    }


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class TestObserve:
    def test_gives_a_pair_of_hooks_a_bus_and_an_exporter(self, tmp_path: Path) -> None:
        with observe(tmp_path, save_steps=3, prometheus_port=0) as observed:
            assert [type(hook) for hook in observed.hooks] == [CheckpointSaverHook, CheckpointInputPipelineHook]
            assert observed.exporter is not None
            assert not observed.bus.closed
            train(tmp_path, *observed.hooks, steps=4)
        assert observed.bus.closed
        assert saved_steps(tmp_path) == input_steps(tmp_path) == [0, 3, 4]

    def test_writes_its_own_files_to_its_own_directory_alone(self, tmp_path: Path) -> None:
        with observe(tmp_path, save_steps=3, prometheus_port=None) as observed:
            train(tmp_path, *observed.hooks, steps=4)
        assert observed.directory == str(tmp_path / "observed_hooks")
        foreign = [
            path.name
            for path in tmp_path.iterdir()
            if not path.name.startswith(("model.ckpt-", "input.ckpt-", "checkpoint"))
        ]
        assert foreign == ["observed_hooks"]
        assert sum(graphs_in(path) for path in event_files(tmp_path)) == 0

    def test_leaves_out_what_is_switched_off(self, tmp_path: Path) -> None:
        options = {"prometheus_port": None, "tensorboard": False, "jsonl": False, "input_pipeline": False}
        with observe(tmp_path, save_steps=3, **options) as observed:  # type: ignore[arg-type]
            train(tmp_path, *observed.hooks, steps=4, dataset=None)
        assert observed.exporter is None
        assert input_steps(tmp_path) == []
        assert event_files(tmp_path) == []
        assert not (tmp_path / "observed_hooks" / "events.jsonl").exists()

    def test_makes_the_checkpoint_directory(self, tmp_path: Path) -> None:
        with observe(tmp_path / "new", save_steps=3, prometheus_port=None) as observed:
            train(tmp_path / "new", *observed.hooks, steps=4)
        assert saved_steps(tmp_path / "new") == [0, 3, 4]
        assert lines(tmp_path / "new")

    def test_names_the_run_after_the_directory_unless_told(self, tmp_path: Path) -> None:
        with observe(tmp_path / "digits", save_steps=3, prometheus_port=None) as observed:
            assert observed.bus.run == "digits"
        with observe(tmp_path / "digits", save_steps=3, prometheus_port=None, run="mine") as observed:
            assert observed.bus.run == "mine"

    def test_serves_many_trainings_with_the_same_hooks(self, tmp_path: Path) -> None:
        threads = []
        with observe(tmp_path, save_steps=4, prometheus_port=0) as observed:
            for steps in range(3, 19, 3):
                train(tmp_path, *observed.hooks, steps=steps)
                threads.append(threading.active_count())
            found = scrape(observed)
        assert len(set(threads[1:])) == 1
        assert found["last_save_step", (("kind", "model"),)] == 18
        assert len(event_files(tmp_path)) == 1

    @pytest.mark.parametrize("arguments", [{}, {"save_steps": 1, "save_secs": 1}, {"save_steps": 0}])
    def test_arguments_that_the_hooks_refuse_leave_nothing_behind(
        self, tmp_path: Path, arguments: dict[str, Any]
    ) -> None:
        before = set(threading.enumerate())
        with pytest.raises(ConfigurationError):
            observe(tmp_path / "new", prometheus_port=0, **arguments)
        assert set(threading.enumerate()) <= before
        assert list(tmp_path.iterdir()) == []

    def test_a_directory_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(CheckpointDirectoryError):
            observe(tmp_path / "file", save_steps=3)


class TestWhatCannotBeSetUp:
    def test_a_port_in_use_costs_a_warning_that_names_the_one_taken_instead(
        self, tmp_path: Path, taken_port: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        with observe(tmp_path, save_steps=3, prometheus_port=taken_port) as observed:
            train(tmp_path, *observed.hooks, steps=4)
            assert observed.exporter is not None
            assert observed.exporter.port != taken_port
            assert scrape(observed)["last_save_step", (("kind", "model"),)] == 4
            port = str(observed.exporter.port)
        (warning,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
        assert str(taken_port) in warning
        assert port in warning

    def test_an_address_that_is_not_ours_costs_the_exporter_and_not_training(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with observe(tmp_path, save_steps=3, prometheus_port=0, prometheus_addr="192.0.2.1") as observed:
            train(tmp_path, *observed.hooks, steps=4)
        assert observed.exporter is None
        assert saved_steps(tmp_path) == [0, 3, 4]
        assert any("Training goes on without the exporter" in each.getMessage() for each in caplog.records)

    def test_an_own_directory_that_cannot_be_written_costs_those_files_and_not_training(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "observed_hooks").write_text("not a directory", encoding="utf-8")
        with observe(tmp_path, save_steps=3, prometheus_port=0) as observed:
            stream = train(tmp_path, *observed.hooks, steps=4)
            found = scrape(observed)
        assert max(stream) == 4
        assert saved_steps(tmp_path) == input_steps(tmp_path) == [0, 3, 4]
        assert found["last_save_step", (("kind", "model"),)] == 4
        warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
        assert any("without TensorBoard" in text for text in warnings)
        assert any("without JSON lines" in text for text in warnings)

    # TensorBoard's writer tells of it on a thread of its own as well.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_one_that_vanishes_during_training_costs_neither(self, tmp_path: Path) -> None:
        class TakesItAway(tf.compat.v1.train.SessionRunHook):
            def after_run(self, run_context: Any, run_values: Any) -> None:
                shutil.rmtree(tmp_path / "observed_hooks", ignore_errors=True)

        with observe(tmp_path, save_steps=3, prometheus_port=0) as observed:
            assert max(train(tmp_path, *observed.hooks, TakesItAway(), steps=10)) == 10
            assert scrape(observed)["last_save_step", (("kind", "model"),)] == 10


class TestOutcomes:
    @pytest.mark.parametrize(("kind", "basename"), [("model", "model.ckpt"), ("input_pipeline", "input.ckpt")])
    def test_each_is_there_as_zero_before_the_first_save(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, basename: str
    ) -> None:
        seen: list[dict[tuple[str, Labels], float]] = []
        save = tf.compat.v1.train.Saver.save

        def spy(self: Any, sess: Any, save_path: str, *args: Any, **options: Any) -> Any:
            if Path(save_path).name == basename:
                seen.append(scrape(observed))
            return save(self, sess, save_path, *args, **options)

        monkeypatch.setattr(tf.compat.v1.train.Saver, "save", spy)
        with observe(tmp_path, save_steps=3, prometheus_port=0) as observed:
            train(tmp_path, *observed.hooks, steps=4)
            after = scrape(observed)
        for outcome in OUTCOMES:
            assert seen[0]["saves_total", (("kind", kind), ("outcome", outcome))] == 0
        assert after["saves_total", (("kind", kind), ("outcome", "success"))] == 3


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One training, as a scrape, TensorBoard and events.jsonl tell it."""
    directory = tmp_path_factory.mktemp("story")
    with observe(directory, save_steps=3, prometheus_port=0) as observed:
        train(directory, *observed.hooks, steps=7)
        found = scrape(observed)
    last = {line["kind"]: line for line in lines(directory) if line["event"] == "CheckpointSaved"}
    return {"scrape": found, "scalars": scalars(directory), "lines": last}


class TestOneStory:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        ("series", "tag", "field"),
        [
            ("last_save_duration_seconds", "save_seconds", "duration_seconds"),
            ("last_save_stall_seconds", "stall_seconds", "stall_seconds"),
        ],
    )
    def test_of_how_long_the_last_save_took(
        self, told: dict[str, Any], kind: str, series: str, tag: str, field: str
    ) -> None:
        seconds = told["lines"][kind][field]
        assert told["scrape"][series, (("kind", kind),)] == seconds
        assert told["scalars"][f"checkpoint/{kind}/{tag}"][-1] == (7, pytest.approx(seconds, rel=1e-6))

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_what_the_last_checkpoint_weighs(self, told: dict[str, Any], kind: str) -> None:
        weighed = sum(told["lines"][kind]["size"].values())
        scraped = [
            told["scrape"]["checkpoint_size_bytes", (("kind", kind), ("part", part))]
            for part in ("data", "index", "meta")
        ]
        assert sum(scraped) == weighed > 0
        step, mebibytes = told["scalars"][f"checkpoint/{kind}/size_mib"][-1]
        assert step == 7
        assert mebibytes * MIB == pytest.approx(weighed, rel=1e-6)

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_its_step_and_of_what_is_kept(self, told: dict[str, Any], kind: str) -> None:
        assert told["scrape"]["last_save_step", (("kind", kind),)] == told["lines"][kind]["step"] == 7
        kept = told["lines"][kind]["retained"]
        assert told["scrape"]["retained_checkpoints", (("kind", kind),)] == kept["checkpoints"] == 4
        assert told["scrape"]["retained_bytes", (("kind", kind),)] == kept["size_bytes"]

    def test_of_every_save_once(self, told: dict[str, Any]) -> None:
        for kind in KINDS:
            assert [step for step, _ in told["scalars"][f"checkpoint/{kind}/save_seconds"]] == [0, 3, 6, 7]
            assert told["scrape"]["save_duration_seconds_count", (("kind", kind),)] == 4


class TestTwoInOneProcess:
    def test_have_each_its_own_port_values_and_files(self, tmp_path: Path) -> None:
        with (
            observe(tmp_path / "one", save_steps=3, prometheus_port=0, task="worker-0") as one,
            observe(tmp_path / "two", save_steps=3, prometheus_port=0, task="worker-1") as two,
        ):
            train(tmp_path / "one", *one.hooks, steps=4)
            train(tmp_path / "two", *two.hooks, steps=8)
            assert scrape(one)["last_save_step", (("kind", "model"),)] == 4
            assert scrape(two)["last_save_step", (("kind", "model"),)] == 8
            assert scrape(one)["saves_total", (("kind", "model"), ("outcome", "success"))] == 3
            assert one.exporter is not None
            assert two.exporter is not None
            assert one.exporter.port != two.exporter.port

    def test_on_one_port_the_second_takes_the_next(self, tmp_path: Path) -> None:
        with observe(tmp_path / "one", save_steps=3, prometheus_port=0) as one:
            assert one.exporter is not None
            with observe(tmp_path / "two", save_steps=3, prometheus_port=one.exporter.port) as two:
                assert two.exporter is not None
                assert two.exporter.port != one.exporter.port

    def test_one_after_the_other_may_watch_the_same_directory(self, tmp_path: Path) -> None:
        for steps in (4, 8):
            with observe(tmp_path, save_steps=3, prometheus_port=0) as observed:
                train(tmp_path, *observed.hooks, steps=steps)
        told = [
            line["step"] for line in lines(tmp_path) if line["event"] == "CheckpointSaved" and line["kind"] == "model"
        ]
        assert told == [0, 3, 4, 4, 7, 8]

    def test_closing_twice_is_harmless(self, tmp_path: Path) -> None:
        observed = observe(tmp_path, save_steps=3, prometheus_port=0)
        assert observed.close()
        assert observed.close()


class TestAJobOfSeveralWorkers:
    CLUSTER = '{"chief": ["a:1"], "worker": ["b:1"]}'

    def observed(self, directory: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Observed:
        monkeypatch.setenv("TF_CONFIG", f'{{"cluster": {self.CLUSTER}, "task": {{"type": "{kind}", "index": 0}}}}')
        return observe(directory, save_steps=2, prometheus_port=None)

    def test_has_its_model_saved_by_the_chief_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        hooks = {
            kind: [type(hook) for hook in self.observed(tmp_path, kind, monkeypatch).hooks]
            for kind in ("chief", "worker")
        }

        assert hooks == {
            "chief": [CheckpointSaverHook, CheckpointInputPipelineHook],
            "worker": [CheckpointInputPipelineHook],
        }

    def test_has_a_directory_of_its_own_for_each_observer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with self.observed(tmp_path, "worker", monkeypatch) as worker:
            train(tmp_path, *worker.hooks, steps=3)

        assert {line["task"] for line in read_jsonl(tmp_path / "observed_hooks" / "worker-0" / "events.jsonl")} == {
            "worker-0"
        }
        assert not (tmp_path / "observed_hooks" / "events.jsonl").exists()
