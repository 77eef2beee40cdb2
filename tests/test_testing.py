from __future__ import annotations

import threading

from observed_hooks.clock import Clock, SystemClock
from observed_hooks.events import RunEnded, SaveSkipped
from observed_hooks.testing import FakeClock, RecordingBus

SKIPPED = SaveSkipped(kind="model", step=1, reason="an example")


class TestFakeClock:
    def test_stands_still_until_it_is_told_to_go_on(self) -> None:
        clock = FakeClock(time_seconds=100.0)
        assert (clock.monotonic(), clock.time()) == (0.0, 100.0)
        assert (clock.monotonic(), clock.time()) == (0.0, 100.0)

    def test_advancing_moves_both_clocks(self) -> None:
        clock = FakeClock(time_seconds=100.0)
        clock.advance(2.5)
        clock.advance(0.5)
        assert (clock.monotonic(), clock.time()) == (3.0, 103.0)

    def test_a_jump_moves_the_calendar_alone(self) -> None:
        clock = FakeClock(time_seconds=100.0)
        clock.jump(-50.0)
        assert (clock.monotonic(), clock.time()) == (0.0, 50.0)

    def test_can_stand_in_for_the_system_s(self) -> None:
        clocks: list[Clock] = [FakeClock(), SystemClock()]
        assert [clock.monotonic() <= clock.monotonic() for clock in clocks] == [True, True]


class TestRecordingBus:
    def test_keeps_every_event_in_order_and_at_once(self) -> None:
        bus = RecordingBus()
        bus.publish(SKIPPED)
        bus.publish(RunEnded())
        assert bus.published == [SKIPPED, RunEnded()]

    def test_makes_at_once_what_is_to_be_published_later(self) -> None:
        bus = RecordingBus()
        bus.publish_later(RunEnded)
        bus.publish_later(lambda: None)
        assert bus.published == [RunEnded()]

    def test_picks_events_by_type(self) -> None:
        bus = RecordingBus()
        bus.publish(SKIPPED)
        bus.publish(RunEnded())
        assert bus.events(SaveSkipped) == [SKIPPED]

    def test_starts_no_thread(self) -> None:
        before = set(threading.enumerate())
        bus = RecordingBus()
        bus.publish(RunEnded())
        bus.close()
        assert set(threading.enumerate()) == before
