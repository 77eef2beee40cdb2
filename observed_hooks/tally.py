"""What watching costs, and where it failed: the counts behind `ObserverReport`."""

from __future__ import annotations

import threading
from collections import Counter

from observed_hooks.events import ObserverReport

ALL_SINKS = "all"
"""Stands for every sink in the count of drops: the record never came as far as being handed out."""
MEASURE_STAGE = "measure"
INSIDE_STAGE = "inside"
"""Looking into checkpoints: seconds of the processor, not of the clock."""


class Tally:
    """Running counts. Any thread may add to them and read them."""

    def __init__(self) -> None:
        """Start at zero, with nothing reported."""
        self._lock = threading.Lock()
        self._total = _Counts()
        self._reported = _Counts()
        self._total.dropped[ALL_SINKS] = 0
        self._total.failed[MEASURE_STAGE] = 0
        self._total.seconds[MEASURE_STAGE] = 0.0
        self._total.seconds[INSIDE_STAGE] = 0.0

    def expect(self, sink: str) -> None:
        """Count `sink` from 0, so that a rate sees its first failure."""
        with self._lock:
            self._total.dropped[sink] += 0
            self._total.failed[sink] += 0
            self._total.seconds[sink] = self._total.seconds.get(sink, 0.0)

    def dropped(self, sink: str) -> int:
        """Count a record that `sink` never got; return how many there were."""
        with self._lock:
            self._total.dropped[sink] += 1
            return self._total.dropped[sink]

    def failed(self, sink: str) -> int:
        """Count a failure of `sink`; return how many it has had."""
        with self._lock:
            self._total.failed[sink] += 1
            return self._total.failed[sink]

    def spent(self, stage: str, seconds: float) -> None:
        """Add to the time that `stage` took on a thread of the observer."""
        with self._lock:
            self._total.seconds[stage] = self._total.seconds.get(stage, 0.0) + seconds

    def total(self) -> ObserverReport:
        """Return everything counted so far."""
        with self._lock:
            return self._total.less(_Counts())

    def unreported(self) -> ObserverReport:
        """Return what was counted since the last call of this method."""
        with self._lock:
            news = self._total.less(self._reported)
            self._reported = self._total.copy()
            return news


class _Counts:
    """Three tables of counts, by sink or stage."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}

    def copy(self) -> _Counts:
        twin = _Counts()
        twin.dropped, twin.failed, twin.seconds = self.dropped.copy(), self.failed.copy(), self.seconds.copy()
        return twin

    def less(self, other: _Counts) -> ObserverReport:
        return ObserverReport(
            dropped=tuple((sink, count - other.dropped[sink]) for sink, count in self.dropped.items()),
            failed=tuple((sink, count - other.failed[sink]) for sink, count in self.failed.items()),
            seconds=tuple((at, spent - other.seconds.get(at, 0.0)) for at, spent in self.seconds.items()),
        )
