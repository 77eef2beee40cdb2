from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from observed_hooks.testing import FakeClock
from observed_hooks.worker import Worker
from tests.doubles import PATIENCE_SECONDS, Gate


def refuse_errors(item: object, error: BaseException) -> None:
    raise AssertionError(item) from error


def refuse(item: object) -> None:
    raise AssertionError(item)


def worker_of(
    handle: Callable[[int], None],
    *,
    capacity: int = 100,
    on_error: Callable[[int, BaseException], None] = refuse_errors,
    clock: FakeClock | None = None,
) -> Worker[int]:
    monotonic = (clock or FakeClock()).monotonic
    return Worker(handle, name="under-test", capacity=capacity, on_error=on_error, monotonic=monotonic)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


def guarded(gate: Gate, handled: list[int]) -> Callable[[int], None]:
    """A handler that stands before `gate` with each item."""

    def handle(item: int) -> None:
        gate.pass_through()
        handled.append(item)

    return handle


class TestOrder:
    def test_items_are_handled_in_the_order_in_which_they_were_put(self) -> None:
        handled: list[int] = []
        worker = worker_of(handled.append)
        for item in range(50):
            assert worker.put(item)
        assert worker.flush(PATIENCE_SECONDS)
        assert handled == list(range(50))

    def test_flush_returns_only_when_what_was_put_is_handled(self, gate: Gate) -> None:
        handled: list[int] = []
        worker = worker_of(guarded(gate, handled))
        worker.put(1)
        assert not worker.flush(0.0)
        gate.open()
        assert worker.flush(PATIENCE_SECONDS)
        assert handled == [1]


class TestThread:
    def test_there_is_none_before_the_first_item(self) -> None:
        before = set(threading.enumerate())
        worker_of(lambda _: None)
        assert set(threading.enumerate()) == before

    def test_it_is_another_than_the_caller_s_and_never_keeps_the_process_alive(self) -> None:
        threads: list[threading.Thread] = []
        worker = worker_of(lambda _: threads.append(threading.current_thread()))
        worker.put(1)
        worker.flush(PATIENCE_SECONDS)
        assert threads[0] is not threading.current_thread()
        assert threads[0].daemon
        assert threads[0].name == "under-test"

    def test_it_is_one_however_many_put_the_first_item_at_once(self) -> None:
        threads: set[int] = set()
        worker = worker_of(lambda _: threads.add(threading.get_ident()))
        together = threading.Barrier(8)

        def put() -> None:
            together.wait(PATIENCE_SECONDS)
            worker.put(1)

        callers = [threading.Thread(target=put) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(PATIENCE_SECONDS)
        worker.flush(PATIENCE_SECONDS)
        assert len(threads) == 1

    def test_closing_ends_it_behind_the_last_item(self) -> None:
        handled: list[int] = []
        threads: list[threading.Thread] = []

        def handle(item: int) -> None:
            threads.append(threading.current_thread())
            handled.append(item)

        worker = worker_of(handle)
        worker.put(1)
        worker.put(2)
        assert worker.close(PATIENCE_SECONDS)
        threads[0].join(PATIENCE_SECONDS)
        assert not threads[0].is_alive()
        assert handled == [1, 2]

    def test_after_closing_nothing_is_taken_and_nobody_waits(self) -> None:
        handled: list[int] = []
        worker = worker_of(handled.append)
        worker.put(1)
        assert worker.close(PATIENCE_SECONDS)
        assert not worker.put(2)
        assert worker.flush(PATIENCE_SECONDS)
        assert worker.close(PATIENCE_SECONDS)
        assert handled == [1]

    def test_one_that_was_never_used_takes_nothing_after_closing_either(self) -> None:
        worker = worker_of(refuse)
        assert worker.close(0.0)
        assert not worker.put(1)
        assert worker.flush(0.0)

    def test_closing_ends_it_also_when_the_queue_was_full_and_nobody_could_wait(self, gate: Gate) -> None:
        threads: list[threading.Thread] = []

        def handle(_: int) -> None:
            threads.append(threading.current_thread())
            gate.pass_through()

        worker = worker_of(handle, capacity=1)
        worker.put(0)
        gate.wait_until_reached()
        worker.put(1)
        assert not worker.close(0.0)
        gate.open()
        threads[0].join(PATIENCE_SECONDS)
        assert not threads[0].is_alive()
        assert len(threads) == 2

    def test_a_worker_that_was_never_used_is_flushed_and_closed_at_once(self) -> None:
        worker = worker_of(lambda _: None)
        assert worker.flush(0.0)
        assert worker.close(0.0)

    def test_one_that_cannot_be_started_costs_the_caller_nothing_and_is_started_with_the_next_item(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        handled: list[int] = []
        worker = worker_of(handled.append)
        with monkeypatch.context() as exhausted:
            exhausted.setattr(threading.Thread, "start", refuse)
            worker.put(1)
            assert not worker.flush(0.0)
        worker.put(2)
        assert worker.flush(PATIENCE_SECONDS)
        assert handled == [1, 2]


class TestCapacity:
    def test_a_full_queue_refuses_the_newest_item_at_once(self, gate: Gate) -> None:
        handled: list[int] = []
        worker = worker_of(guarded(gate, handled), capacity=2)
        worker.put(0)
        gate.wait_until_reached()
        assert [worker.put(item) for item in (1, 2, 3)] == [True, True, False]
        gate.open()
        worker.flush(PATIENCE_SECONDS)
        assert handled == [0, 1, 2]

    def test_flush_and_close_give_up_in_time_when_the_queue_stays_full(self, gate: Gate) -> None:
        worker = worker_of(gate.pass_through, capacity=1)
        worker.put(0)
        gate.wait_until_reached()
        worker.put(1)
        assert not worker.flush(0.01)
        assert not worker.close(0.01)

    def test_flushing_again_and_again_in_vain_does_not_fill_the_queue(self, gate: Gate) -> None:
        handled: list[int] = []
        worker = worker_of(guarded(gate, handled), capacity=3)
        worker.put(1)
        gate.wait_until_reached()
        for _ in range(100):
            assert not worker.flush(0.0)
        assert worker._queue.qsize() <= 4

    def test_a_negative_timeout_is_no_timeout(self, gate: Gate) -> None:
        worker = worker_of(gate.pass_through)
        worker.put(0)
        assert not worker.flush(-1.0)


class TestFailure:
    @pytest.mark.parametrize("error", [ValueError("no"), StopIteration(), SystemExit(3), KeyboardInterrupt()])
    def test_whatever_the_handler_raises_goes_to_on_error_and_the_next_item_follows(self, error: BaseException) -> None:
        handled: list[int] = []
        failed: list[tuple[int, BaseException]] = []

        def handle(item: int) -> None:
            if item == 1:
                raise error
            handled.append(item)

        worker = worker_of(handle, on_error=lambda item, error: failed.append((item, error)))
        for item in range(3):
            worker.put(item)
        worker.flush(PATIENCE_SECONDS)
        assert handled == [0, 2]
        assert failed == [(1, error)]

    def test_an_on_error_that_raises_itself_does_not_end_the_thread(self) -> None:
        handled: list[int] = []

        def handle(item: int) -> None:
            handled.append(item)
            raise ValueError(item)

        worker = worker_of(handle, on_error=refuse_errors)
        worker.put(1)
        worker.put(2)
        assert worker.flush(PATIENCE_SECONDS)
        assert handled == [1, 2]


class TestBusySeconds:
    def test_it_is_how_long_the_item_in_hand_has_been_in_hand(self, gate: Gate) -> None:
        clock = FakeClock()
        worker = worker_of(gate.pass_through, clock=clock)
        worker.put(1)
        gate.wait_until_reached()
        clock.advance(7.0)
        assert worker.busy_seconds == 7.0

    def test_it_is_zero_before_between_and_behind_items_that_fail_or_not(self) -> None:
        clock = FakeClock()

        def handle(item: int) -> None:
            clock.advance(5.0)
            raise ValueError(item)

        worker = worker_of(handle, on_error=lambda *_: None, clock=clock)
        assert worker.busy_seconds == 0.0
        worker.put(1)
        worker.flush(PATIENCE_SECONDS)
        assert worker.busy_seconds == 0.0
