"""All metrics at one moment, handed over whole and now and then: what a Pushgateway and a text file have in common.

Thread: handing over has a thread of its own, which starts with the first record. Whoever writes a record never waits.
Pace: the first record is handed over at once; what follows, as soon as enough time has gone by since the last time,
with everything that came meanwhile. Nothing waits for a record yet to come: the next save may be hours away.
Failure: what handing over raises is raised by the next `write`, or by `close`, so that the bus counts it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector

from observed_hooks.clock import Clock
from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.samples import samples
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.worker import Worker

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric


class Snapshots:
    """Keeps the catalogue's metrics, and hands all of them to `hand_over` now and then."""

    def __init__(
        self,
        hand_over: Callable[[Collector], None],
        *,
        name: str,
        registry: CollectorRegistry | None,
        every_seconds: float,
        clock: Clock,
    ) -> None:
        """Name the thread `name`; hand over the metrics of `registry` too, at most every `every_seconds`."""
        self._hand_over = hand_over
        self._name = name
        self._metrics = PrometheusSink()
        self._collector = _Together(self._metrics.registry, registry)
        self._every_seconds = every_seconds
        self._clock = clock
        self._due_seconds = -math.inf
        self._news = threading.Event()
        self._closing = threading.Event()
        self._failure: BaseException | None = None
        # One may wait while another is handed over: it will hold all that comes until its turn.
        self._worker = Worker[None](self._serve, name=f"observed_hooks-{name}-out", capacity=1, on_error=self._failed)

    def write(self, record: Record) -> None:
        """Take over what `record` says, and have it handed over; takes microseconds.

        Raises:
            BaseException: Whatever was raised when the metrics were last handed over. This record is kept all the same.
        """
        failure = self._take_failure()
        self._metrics.write(record)
        if any(True for _ in samples(record)):
            self._news.set()
            self._worker.put(None)
        if failure is not None:
            raise failure

    def close(self, timeout_seconds: float) -> None:
        """Hand over now what has not been, and wait for it. Call it once, behind the last record.

        Raises:
            SinkError: It took longer than `timeout_seconds`.
            BaseException: Whatever was raised when the metrics were handed over.
        """
        self._closing.set()
        if self._news.is_set():
            self._worker.put(None)
        if not self._worker.close(timeout_seconds):
            raise SinkError(f"{self._name} has not taken the last values within {timeout_seconds:g} s.")
        if (failure := self._take_failure()) is not None:
            raise failure

    def _serve(self, _: None) -> None:
        self._closing.wait(max(0.0, self._due_seconds - self._clock.monotonic()))
        if not self._news.is_set():
            return
        self._news.clear()
        try:
            self._hand_over(self._collector)
        except BaseException:
            self._news.set()
            raise
        finally:
            self._due_seconds = self._clock.monotonic() + self._every_seconds

    def _failed(self, _: None, error: BaseException) -> None:
        self._failure = error

    def _take_failure(self) -> BaseException | None:
        failure, self._failure = self._failure, None
        return failure


class _Together(Collector):
    """The metrics of our registry and of the user's, each once: a user's registry may hold ours as well."""

    def __init__(self, ours: CollectorRegistry, theirs: CollectorRegistry | None) -> None:
        self._ours = ours
        self._theirs = theirs

    def collect(self) -> Iterable[Metric]:
        families = list(self._ours.collect())
        names = {family.name for family in families}
        others = () if self._theirs is None else self._theirs.collect()
        return [*families, *(family for family in others if family.name not in names)]
