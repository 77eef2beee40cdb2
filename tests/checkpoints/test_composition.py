from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.checkpoints import composition as module
from observed_hooks.checkpoints.composition import MOST_NODES, LookingInside, composition, largest
from observed_hooks.events import (
    CheckpointSaved,
    ComponentsMeasured,
    IteratorStateMeasured,
    Kind,
    NodeBytes,
    ObserverReport,
    RunEnded,
    SaveCompleted,
)
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.testing import FakeClock
from tests.checkpoints.saves import as_configured, save_in_session, save_object
from tests.doubles import PATIENCE_SECONDS
from tests.sinks.examples import saved as example

Dataset = tf.data.Dataset


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """An input checkpoint with 9,999 elements in a shuffle buffer."""
    return str(save_in_session(tmp_path, lambda: as_configured(Dataset.range(20_000).shuffle(10_000)), 1))


def state(prefix: str) -> IteratorStateMeasured:
    found = composition("input_pipeline", 7, prefix)
    assert isinstance(found, IteratorStateMeasured)
    return found


class TestAnInputCheckpoint:
    def test_is_told_by_nodes_with_what_they_hold(self, prefix: str) -> None:
        found = state(prefix)
        assert (found.step, found.prefix, found.left_out) == (7, prefix, "")
        first = found.nodes[0]
        assert (first.iterator, first.node, first.transformation, first.elements) == (
            *("IteratorV2", "Shuffle", "Shuffle"),
            9_999,
        )
        assert first.size_bytes > 9_999

    def test_lets_the_training_thread_go_on_while_it_is_read(self, prefix: str) -> None:
        rests: list[None] = []
        composition("input_pipeline", 7, prefix, rest=lambda: rests.append(None))
        assert len(rests) == 10_003 // 128

    def test_with_too_many_elements_is_left_out_and_says_so(self, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_VARIANTS", 1000)
        assert (state(prefix).nodes, state(prefix).left_out) == (
            (),
            "the iterators have 10003 parts; the limit is 1000",
        )


class TestTrouble:
    def test_with_a_checkpoint_that_is_gone_is_told_and_not_raised(self, tmp_path: Path) -> None:
        assert state(str(tmp_path / "input.ckpt-7")).left_out.startswith("FileNotFoundError")

    def test_with_a_large_index_is_told_and_not_raised(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MAX_INDEX_BYTES", 10)
        found = composition("model", 7, str(save_object(tmp_path, weight=tf.Variable(1.0))))
        assert isinstance(found, ComponentsMeasured)
        assert found.components == ()
        assert found.left_out.startswith("the index has")

    def test_is_avoided_on_remote_file_systems(self) -> None:
        assert state("gs://bucket/input.ckpt-7").left_out == "the checkpoint is on a remote file system"


def saved(step: int, prefix: str = "/checkpoints/model.ckpt-1", *, known: bool = True) -> CheckpointSaved:
    return replace(example(step, known=known), prefix=prefix)


class TestLookingInside:
    def test_tells_what_a_saved_checkpoint_is_made_of(self, tmp_path: Path) -> None:
        prefix = str(save_object(tmp_path, weight=tf.Variable([1.0, 2.0])))
        (found,) = LookingInside()(saved(7, prefix))
        assert isinstance(found, ComponentsMeasured)
        assert found.step == 7
        assert {str(each.component): each.size_bytes for each in found.components}["weights"] == 8

    def test_has_nothing_to_say_of_a_checkpoint_that_was_pruned(self) -> None:
        assert list(LookingInside()(saved(7, known=False))) == []

    def test_has_nothing_to_say_of_other_events(self) -> None:
        assert list(LookingInside()(RunEnded())) == []

    def test_takes_a_fifth_of_the_time_at_most_where_it_takes_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = FakeClock()

        def slow(kind: Kind, step: int, prefix: str) -> ComponentsMeasured:
            clock.advance(1.0)
            return ComponentsMeasured(kind=kind, step=step, prefix=prefix, components=(), left_out="")

        monkeypatch.setattr(module, "composition", slow)
        look = LookingInside(clock.monotonic)
        looked = []
        for step in range(6):
            looked.append(bool(list(look(saved(step)))))
            clock.advance(2.0)
        assert looked == [True, False, True, False, True, False]

    def test_on_a_bus_is_told_behind_the_save_and_before_the_bus_is_closed(self, tmp_path: Path) -> None:
        prefix = save_in_session(tmp_path, lambda: Dataset.range(99).shuffle(9), 1)
        sink = MemorySink()
        bus = CheckpointBus([sink])
        bus.publish(
            SaveCompleted(
                kind="input_pipeline",
                step=1,
                prefix=str(prefix),
                duration_seconds=1.0,
                stall_seconds=1.0,
                write_seconds=1.0,
            )
        )
        assert bus.close(PATIENCE_SECONDS)
        told = [type(record.event) for record in sink.records if not isinstance(record.event, ObserverReport)]
        assert told == [CheckpointSaved, IteratorStateMeasured]


class TestTheLargest:
    def test_are_told_by_name_and_the_rest_as_one_that_loses_no_byte(self) -> None:
        nodes = [
            NodeBytes(iterator="it", node=f"Node{size}", transformation="Map", elements=1, size_bytes=size)
            for size in range(30)
        ]
        found = largest(nodes)
        assert [each.size_bytes for each in found[:-1]] == list(range(29, 29 - MOST_NODES, -1))
        assert (found[-1].node, found[-1].elements, found[-1].size_bytes) == ("other", None, sum(range(10)))
