"""A bounded queue and the one thread that empties it.

Putting an item is what training pays for, so it is little: a `SimpleQueue`, which needs one lock where `Queue` needs
two and a condition, all of them in Python.

Order: items are handled in the order in which they were put.
Thread: `handle` runs on the worker's own daemon thread, which starts with the first item; never on the caller's.
Failure: whatever `handle` raises goes to `on_error` and the next item follows, also when `on_error` raises. A full
queue refuses the newest item. Items wait while the process cannot start a thread; the next one put tries again.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Marker:
    """Passed through the queue behind the items, to learn that they have been handled."""

    reached: threading.Event = field(default_factory=threading.Event)


class Worker(Generic[Item]):
    """Hands items to `handle`, one at a time, without holding up whoever puts them."""

    def __init__(
        self,
        handle: Callable[[Item], None],
        *,
        name: str,
        capacity: int,
        on_error: Callable[[Item, BaseException], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the thread `name`; let at most `capacity` items wait. No thread is started yet."""
        self._handle = handle
        self._name = name
        self._on_error = on_error
        self._monotonic = monotonic
        self._capacity = capacity
        self._queue: queue.SimpleQueue[Item | _Marker] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ended = threading.Event()
        self._busy_since: float | None = None

    def put(self, item: Item) -> bool:
        """Queue `item`; return False, at once, when the queue is full or the worker is closed."""
        with self._lock:
            if self._closed or self._queue.qsize() >= self._capacity:
                return False
            self._queue.put(item)
            if self._thread is None:
                self._start()
        return True

    @property
    def busy_seconds(self) -> float:
        """How long the item in hand has been in hand; 0 when there is none."""
        since = self._busy_since
        return 0.0 if since is None else self._monotonic() - since

    def flush(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until all that was put is handled; tell whether it was."""
        if self._thread is None:
            return self._queue.empty()
        if self._closed:
            return self._ended.wait(max(timeout, 0.0))
        if self._queue.qsize() > self._capacity:  # full, and somebody waits already: markers must not pile up
            return False
        marker = _Marker()
        self._queue.put(marker)
        return marker.reached.wait(max(timeout, 0.0))

    def close(self, timeout: float) -> bool:
        """Take no more items; do as `flush`. The thread ends behind the last item, however late that is."""
        with self._lock:
            self._closed = True
        if self._thread is not None:
            self._queue.put(_Marker())  # wakes a thread that waits for items
        return self.flush(timeout)

    def _start(self) -> None:
        # A daemon: a sink that hangs for ever must not keep the process from ending.
        thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        with contextlib.suppress(RuntimeError):  # no thread to be had, or the interpreter is shutting down
            thread.start()
            self._thread = thread

    def _serve(self) -> None:
        while not (self._closed and self._queue.empty()):
            item = self._queue.get()
            if isinstance(item, _Marker):
                item.reached.set()
            else:
                self._handle_one(item)
        self._ended.set()

    def _handle_one(self, item: Item) -> None:
        self._busy_since = self._monotonic()
        try:
            self._handle(item)
        except BaseException as error:  # noqa: BLE001 - a handler may raise SystemExit; the thread must go on
            with contextlib.suppress(Exception):
                self._on_error(item, error)
        finally:
            self._busy_since = None
