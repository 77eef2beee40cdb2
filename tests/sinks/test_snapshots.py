from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from observed_hooks.clock import Clock, SystemClock
from observed_hooks.errors import SinkError
from observed_hooks.events import LeftoversRemoved
from observed_hooks.sinks._snapshots import Snapshots
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.testing import FakeClock
from tests.doubles import PATIENCE_SECONDS, Gate
from tests.sinks.examples import MIB, RECORDS, record, saved

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

LONG_SECONDS = 3600.0


@dataclass
class Deliveries:
    """What was handed over, as Prometheus would read it."""

    before: Callable[[], object] = lambda: None
    texts: list[str] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)

    def take(self, collector: Collector) -> None:
        text = generate_latest(collector).decode()
        self.before()
        with self.more:
            self.texts.append(text)
            self.more.notify_all()

    def wait_for(self, count: int) -> None:
        with self.more:
            there = self.more.wait_for(lambda: len(self.texts) >= count, PATIENCE_SECONDS)
        assert there, f"{len(self.texts)} of {count} were handed over"


def snapshots(
    deliveries: Deliveries,
    *,
    registry: CollectorRegistry | None = None,
    every_seconds: float = LONG_SECONDS,
    clock: Clock | None = None,
) -> Snapshots:
    return Snapshots(
        deliveries.take, name="test", registry=registry, every_seconds=every_seconds, clock=clock or FakeClock()
    )


def settle(sink: Snapshots) -> None:
    """Wait until what was asked for has been done, or has failed."""
    assert sink._worker.flush(PATIENCE_SECONDS)


def saves(text: str) -> int:
    (line,) = [line for line in text.splitlines() if 'outcome="success"' in line and "hooks_saves_total" in line]
    return round(float(line.rpartition(" ")[2]))


class TestSnapshots:
    def test_hand_over_the_first_record_at_once(self) -> None:
        deliveries = Deliveries()
        snapshots(deliveries).write(record(saved()))
        deliveries.wait_for(1)
        assert saves(deliveries.texts[0]) == 1

    def test_hand_over_what_a_scrape_would_see(self) -> None:
        deliveries, scraped = Deliveries(), PrometheusSink()
        sink = snapshots(deliveries)
        for example in RECORDS:
            sink.write(example)
            scraped.write(example)
        sink.close(PATIENCE_SECONDS)
        assert deliveries.texts[-1] == generate_latest(scraped.registry).decode()

    def test_hand_over_together_what_comes_in_a_pause_and_no_sooner_than_the_end(self) -> None:
        deliveries = Deliveries()
        sink = snapshots(deliveries)
        sink.write(record(saved(1)))
        deliveries.wait_for(1)
        for step in (2, 3, 4, 5):
            sink.write(record(saved(step)))
        assert not sink._worker.flush(0.1), "it was handed over in the pause"
        sink.close(PATIENCE_SECONDS)
        assert [saves(text) for text in deliveries.texts] == [1, 5]

    def test_hand_over_at_once_after_a_pause_without_records(self) -> None:
        deliveries, clock = Deliveries(), FakeClock()
        sink = snapshots(deliveries, clock=clock)
        sink.write(record(saved(1)))
        settle(sink)
        clock.advance(LONG_SECONDS)
        sink.write(record(saved(2)))
        deliveries.wait_for(2)
        assert saves(deliveries.texts[1]) == 2

    def test_do_not_wait_for_a_further_record_to_end_a_pause(self) -> None:
        deliveries = Deliveries()
        sink = snapshots(deliveries, every_seconds=0.05, clock=SystemClock())
        sink.write(record(saved(1)))
        deliveries.wait_for(1)
        sink.write(record(saved(2)))
        deliveries.wait_for(2)
        assert saves(deliveries.texts[1]) == 2

    def test_hand_nothing_over_for_a_record_that_changes_no_metric(self) -> None:
        deliveries = Deliveries()
        sink = snapshots(deliveries)
        sink.write(record(LeftoversRemoved(kind="model", checkpoint_dir="/checkpoints", leftovers=2, size_bytes=MIB)))
        sink.close(PATIENCE_SECONDS)
        assert not deliveries.texts

    def test_hand_nothing_over_twice(self) -> None:
        deliveries = Deliveries()
        sink = snapshots(deliveries)
        sink.write(record(saved()))
        settle(sink)
        sink.close(PATIENCE_SECONDS)
        assert len(deliveries.texts) == 1

    def test_start_no_thread_before_the_first_record_and_leave_none_behind(self) -> None:
        gc.collect()
        before = set(threading.enumerate())
        sink = snapshots(Deliveries())
        assert set(threading.enumerate()) == before
        sink.write(record(saved()))
        (thread,) = set(threading.enumerate()) - before
        sink.close(PATIENCE_SECONDS)
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


class TestARegistryOfTheUser:
    def test_has_its_metrics_handed_over_too(self) -> None:
        deliveries, registry = Deliveries(), CollectorRegistry()
        Gauge("loss", "Of the model.", registry=registry).set(0.5)
        snapshots(deliveries, registry=registry).write(record(saved()))
        deliveries.wait_for(1)
        assert "loss 0.5" in deliveries.texts[0]

    def test_may_be_the_one_of_a_prometheus_sink_and_nothing_counts_twice(self) -> None:
        deliveries, scraped = Deliveries(), PrometheusSink()
        sink = snapshots(deliveries, registry=scraped.registry)
        for each in (scraped, sink):
            each.write(record(saved()))
        deliveries.wait_for(1)
        assert deliveries.texts[0] == generate_latest(scraped.registry).decode()


class TestFailure:
    def test_is_raised_by_the_next_write_and_only_by_that(self) -> None:
        def fail() -> None:
            raise ConnectionRefusedError("nobody is there")

        deliveries = Deliveries(before=fail)
        sink = snapshots(deliveries)
        sink.write(record(saved(1)))
        settle(sink)
        with pytest.raises(ConnectionRefusedError, match="nobody is there"):
            sink.write(record(saved(2)))
        sink.write(record(saved(3)))

    def test_is_raised_by_close(self) -> None:
        def fail() -> None:
            raise ConnectionRefusedError("nobody is there")

        sink = snapshots(Deliveries(before=fail))
        sink.write(record(saved()))
        with pytest.raises(ConnectionRefusedError):
            sink.close(PATIENCE_SECONDS)

    def test_loses_no_record(self) -> None:
        failures = [OSError("the first"), OSError("the second")]

        def fail() -> None:
            if failures:
                raise failures.pop(0)

        deliveries = Deliveries(before=fail)
        sink = snapshots(deliveries, every_seconds=0.0)
        for step in (1, 2):
            with pytest.raises(OSError, match="the first") if step > 1 else nullcontext():
                sink.write(record(saved(step)))
            settle(sink)
        with pytest.raises(OSError, match="the second"):
            sink.close(PATIENCE_SECONDS)
        assert [saves(text) for text in deliveries.texts] == [2]

    def test_to_answer_holds_up_no_write(self) -> None:
        gate = Gate()
        deliveries = Deliveries(before=gate.pass_through)
        sink = snapshots(deliveries, every_seconds=0.0)
        sink.write(record(saved(0)))
        gate.wait_until_reached()
        for step in range(100):
            sink.write(record(saved(step)))
        assert not deliveries.texts
        gate.open()
        deliveries.wait_for(2)
        assert saves(deliveries.texts[1]) == 101

    def test_to_answer_holds_up_close_for_its_timeout_and_no_longer(self) -> None:
        gate = Gate()
        sink = snapshots(Deliveries(before=gate.pass_through))
        sink.write(record(saved()))
        with pytest.raises(SinkError, match=r"has not taken the last values within 0\.05 s"):
            sink.close(0.05)
        gate.open()
