from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks.errors import ConfigurationError
from observed_hooks.events import BuffersSampled, IteratorStateMeasured
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.observation import observe
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.testing import FakeClock, RecordingBus
from tests.pipeline.pipelines import needs_live_buffers
from tests.training import pair, shuffled, train


def samples(
    directory: Path, *, clock: FakeClock | None = None, steps: int = 10, **options: Any
) -> list[BuffersSampled]:
    bus = RecordingBus()
    train(directory, *pair(directory, bus=bus, clock=clock, **options), steps=steps, dataset=shuffled)
    return bus.events(BuffersSampled)


class CountsRuns:
    """Counts the runs of the raw session, whoever asks for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = 0
        run = tf.compat.v1.Session.run

        def counted(session: Any, *args: Any, **options: Any) -> Any:
            self.runs += 1
            return run(session, *args, **options)

        monkeypatch.setattr(tf.compat.v1.Session, "run", counted)


class TestASample:
    def test_is_taken_at_the_start_on_every_tensorflow(self, tmp_path: Path) -> None:
        first = samples(tmp_path)[0]
        assert first.step == 0
        assert {each.transformation: each.capacity_elements for each in first.buffers}["Shuffle"] == 16

    @needs_live_buffers
    def test_is_taken_behind_each_save(self, tmp_path: Path) -> None:
        found = samples(tmp_path, clock=FakeClock(), save_steps=3)
        assert len(found) == 1 + len([3, 6, 9])
        assert all(0 <= each.step - saved <= 1 for each, saved in zip(found, (0, 3, 6, 9), strict=True))

    @needs_live_buffers
    def test_says_what_the_buffers_hold(self, tmp_path: Path) -> None:
        (shuffle,) = [each for each in samples(tmp_path)[-1].buffers if each.transformation == "Shuffle"]
        assert shuffle.elements == 15

    def test_can_be_switched_off(self, tmp_path: Path) -> None:
        assert samples(tmp_path, sample_buffers_secs=None) == []

    @pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
    def test_has_an_interval_that_makes_sense(self, tmp_path: Path, seconds: float) -> None:
        with pytest.raises(ConfigurationError, match="sample_buffers_secs"):
            CheckpointInputPipelineHook(
                checkpoint_dir=tmp_path, save_steps=3, bus=RecordingBus(), sample_buffers_secs=seconds
            )

    def test_does_not_change_what_is_trained_on(self, tmp_path: Path) -> None:
        streams = []
        for name, seconds in (("with", 1e-6), ("without", None)):
            directory = tmp_path / name
            hooks = pair(directory, bus=RecordingBus(), sample_buffers_secs=seconds)
            streams.append(train(directory, *hooks, steps=50, dataset=shuffled))
        assert streams[0] == streams[1]

    @needs_live_buffers
    def test_costs_no_run_of_the_session_but_one_at_its_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runs = []
        for name, seconds in (("with", 1e-6), ("without", None)):
            counter = CountsRuns(monkeypatch)
            samples(tmp_path / name, steps=40, sample_buffers_secs=seconds)
            runs.append(counter.runs)
        assert runs[0] - runs[1] == 1


class TestObserving:
    def test_tells_buffers_and_state_under_labels_that_join(self, tmp_path: Path) -> None:
        sink = MemorySink()
        with observe(tmp_path, save_steps=3, prometheus_port=None, tensorboard=False, jsonl=False) as observed:
            observed.bus.subscribe(sink.write)
            train(tmp_path, *observed.hooks, steps=7, dataset=shuffled)
        state = {(each.iterator, each.node) for event in sink.events(IteratorStateMeasured) for each in event.nodes}
        buffers = {(each.iterator, each.node) for event in sink.events(BuffersSampled) for each in event.buffers}
        assert buffers
        assert buffers <= state
