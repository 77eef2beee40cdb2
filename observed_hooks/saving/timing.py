"""One attempt to save, on the clock: how long it took, and how long training waited for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from observed_hooks.clock import Clock
from observed_hooks.errors import one_line
from observed_hooks.events import Event, Kind, SaveCompleted, SaveFailed


class Attempt:
    """Measures one save from its decision on. One thread at a time.

    Whatever a block raises is published as a `SaveFailed`, and goes on. A completed save is not published here: whoever
    saves does so once the directory is tidy, so that what is measured then is what stays.
    """

    def __init__(self, kind: Kind, step: int, *, clock: Clock, publish: Callable[[Event], None]) -> None:
        """Start the clock."""
        self._kind: Kind = kind
        self._step = step
        self._clock = clock
        self._publish = publish
        self._start_seconds = clock.monotonic()
        self._stall_seconds = 0.0
        self._write_seconds = 0.0

    @contextmanager
    def staging(self) -> Iterator[None]:
        """Time a block in which the training thread takes a copy, or waits until it may."""
        start = self._clock.monotonic()
        with self._reported():
            yield
        self._stall_seconds += self._clock.monotonic() - start

    @contextmanager
    def writing(self, *, background: bool) -> Iterator[None]:
        """Time a block in which files are written; training waits for it unless it runs in the background."""
        start = self._clock.monotonic()
        with self._reported():
            yield
        seconds = self._clock.monotonic() - start
        self._write_seconds += seconds
        self._stall_seconds += 0.0 if background else seconds

    def completed(self, prefix: str) -> SaveCompleted:
        """Return the save as it went; its files at `prefix` are complete."""
        return SaveCompleted(
            kind=self._kind,
            step=self._step,
            prefix=prefix,
            duration_seconds=self._clock.monotonic() - self._start_seconds,
            stall_seconds=self._stall_seconds,
            write_seconds=self._write_seconds,
        )

    @contextmanager
    def _reported(self) -> Iterator[None]:
        start = self._clock.monotonic()
        try:
            yield
        except BaseException as error:
            now = self._clock.monotonic()
            self._publish(
                SaveFailed(
                    kind=self._kind,
                    step=self._step,
                    duration_seconds=now - self._start_seconds,
                    stall_seconds=self._stall_seconds + now - start,
                    error=one_line(error),
                )
            )
            raise
