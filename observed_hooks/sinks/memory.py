"""Records kept in memory: for tests, notebooks, and a look at the end of a run."""

from __future__ import annotations

import threading
from collections import deque
from typing import TypeVar

from observed_hooks.errors import SinkError
from observed_hooks.events import Record

E = TypeVar("E")


class MemorySink:
    """Keeps every record, or the newest `max_records` of them.

    Any thread may read while the bus writes: what is handed out is a copy, which does not grow.

    Raises:
        SinkError: `max_records` is not positive.
    """

    name = "memory"

    def __init__(self, max_records: int | None = None) -> None:
        if max_records is not None and max_records < 1:
            raise SinkError(f"max_records must be at least 1, or None to keep all; got {max_records}")
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=max_records)

    def write(self, record: Record) -> None:
        """Keep `record`; when full, forget the oldest."""
        with self._lock:
            self._records.append(record)

    def close(self) -> None:
        """Do nothing: what was recorded stays readable."""

    @property
    def records(self) -> list[Record]:
        """The records so far, oldest first."""
        with self._lock:
            return list(self._records)

    def events(self, event_type: type[E]) -> list[E]:
        """Return the events of `event_type` so far, oldest first."""
        return [record.event for record in self.records if isinstance(record.event, event_type)]
