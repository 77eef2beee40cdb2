"""Records as Prometheus metrics, ready to be scraped, pushed or written to a file."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry

from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.samples import renewed, samples
from observed_hooks.sinks._families import CatalogueCollector

_collectors: WeakKeyDictionary[CollectorRegistry, CatalogueCollector] = WeakKeyDictionary()
_collectors_lock = threading.Lock()


class PrometheusSink:
    """Keeps the catalogue's metrics up to date in a registry.

    Sinks on one registry share its metrics, so a second bus in the process, or a job set up twice, adds to
    them instead of failing; the labels `run` and `task` keep their series apart. A scrape may come from any
    thread at any time and sees each record whole. Nothing here waits for a scraper.

    Args:
        registry: Where the metrics are registered; None makes a registry of the sink's own. Give
            `prometheus_client.REGISTRY` to have them beside the metrics the process already exports.

    Attributes:
        registry: The registry, for `serve`, `generate_latest` or `push_to_gateway`.

    Raises:
        SinkError: Another collector in `registry` holds one of the names. The registry is left as it was.
    """

    name = "prometheus"

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._collector = _collector_of(self.registry)

    def write(self, record: Record) -> None:
        """Take over what `record` says; takes microseconds and does no input or output."""
        self._collector.apply(samples(record), renewed(record.event), (record.run, record.task))

    def close(self) -> None:
        """Do nothing: the last values stay for the scrapes to come."""


def _collector_of(registry: CollectorRegistry) -> CatalogueCollector:
    with _collectors_lock:
        collector = _collectors.get(registry)
        if collector is None:
            collector = CatalogueCollector()
            _register(registry, collector)
            _collectors[registry] = collector
        return collector


def _register(registry: CollectorRegistry, collector: CatalogueCollector) -> None:
    try:
        registry.register(collector)
    except ValueError as error:
        raise SinkError(
            f"another collector holds names that PrometheusSink needs: {error}. Unregister that collector, "
            "or leave out the registry argument to give the sink a registry of its own."
        ) from error
