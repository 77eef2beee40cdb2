"""The state behind a scrape: one collector that holds every metric of the catalogue.

A collector of our own, rather than the client's Counter, Gauge and Histogram objects, because then

- a registry takes the whole catalogue or none of it,
- a scrape sees all of a record or nothing of it, never a save counted whose size is still missing,
- there are no `_created` series, which nothing here needs and which would double every counter,

and because no label lookup is left to be cached: a child is a value in a dict.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

from observed_hooks.metrics import CATALOGUE, Metric, MetricType
from observed_hooks.samples import Sample

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

LabelValues: TypeAlias = tuple[str, ...]


class _Children(Protocol):
    """The children of one metric, by label values."""

    def add(self, sample: Sample) -> None: ...
    def forget(self, origin: LabelValues) -> None: ...
    def family(self) -> Family: ...


def _forget(children: dict[LabelValues, Any], origin: LabelValues) -> None:
    for values in [values for values in children if values[: len(origin)] == origin]:
        del children[values]


class _Counters:
    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._totals: dict[LabelValues, float] = {}

    def add(self, sample: Sample) -> None:
        self._totals[sample.values] = self._totals.get(sample.values, 0.0) + sample.value

    def forget(self, origin: LabelValues) -> None:
        _forget(self._totals, origin)

    def family(self) -> Family:
        metric = self._metric
        family = CounterMetricFamily(metric.name, metric.help, labels=metric.all_labels, unit=_unit(metric))
        for values, total in self._totals.items():
            family.add_metric(values, total)
        return family


class _Gauges:
    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[LabelValues, float] = {}

    def add(self, sample: Sample) -> None:
        self._values[sample.values] = sample.value

    def forget(self, origin: LabelValues) -> None:
        _forget(self._values, origin)

    def family(self) -> Family:
        metric = self._metric
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.all_labels, unit=_unit(metric))
        for values, value in self._values.items():
            family.add_metric(values, value)
        return family


class _Histogram:
    """One child: observations per bucket, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        bounds = (*map(str, self._bounds), "+Inf")
        return list(zip(bounds, accumulate(self._counts), strict=True))


class _Histograms:
    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._children: dict[LabelValues, _Histogram] = {}

    def add(self, sample: Sample) -> None:
        if sample.values not in self._children:
            self._children[sample.values] = _Histogram(self._metric.buckets)
        self._children[sample.values].observe(sample.value)

    def forget(self, origin: LabelValues) -> None:
        _forget(self._children, origin)

    def family(self) -> Family:
        metric = self._metric
        family = HistogramMetricFamily(metric.name, metric.help, labels=metric.all_labels, unit=_unit(metric))
        for values, child in self._children.items():
            family.add_metric(values, child.buckets(), child.total)
        return family


class _Infos:
    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._texts: dict[LabelValues, dict[str, str]] = {}

    def add(self, sample: Sample) -> None:
        # One child per origin: a run resumed under another TensorFlow replaces what it said before.
        self._texts[sample.values] = dict(sample.info)

    def forget(self, origin: LabelValues) -> None:
        _forget(self._texts, origin)

    def family(self) -> Family:
        family = InfoMetricFamily(self._metric.name, self._metric.help, labels=self._metric.all_labels)
        for values, texts in self._texts.items():
            family.add_metric(values, texts)
        return family


_CHILDREN: dict[MetricType, type[_Counters | _Gauges | _Histograms | _Infos]] = {
    "counter": _Counters,
    "gauge": _Gauges,
    "histogram": _Histograms,
    "info": _Infos,
}


def _unit(metric: Metric) -> str:
    """Return the unit for the client, which appends it to any name that does not end in it."""
    stem = metric.name.removesuffix("_total")
    return metric.unit if metric.unit and stem.endswith(f"_{metric.unit}") else ""


class CatalogueCollector:
    """Every metric of the catalogue with its children: what a registry collects from.

    Any thread may apply records and scrape; each waits for the other for the time of a few dict operations.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[str, _Children] = {metric.name: _CHILDREN[metric.type](metric) for metric in CATALOGUE}

    def apply(self, samples: Iterable[Sample], renewed: Iterable[Metric] = (), origin: LabelValues = ()) -> None:
        """Take over what one record says, as one step.

        Args:
            samples: what the record says.
            renewed: metrics of which it names every child: a node of a pipeline that is gone must not be exported
                for ever.
            origin: run and task of the record; the children of others stay.
        """
        with self._lock:
            for metric in renewed:
                self._children[metric.name].forget(origin)
            for sample in samples:
                self._children[sample.metric.name].add(sample)

    def describe(self) -> Iterator[Family]:
        """Yield every family without its samples: how a registry learns which names are taken."""
        return (_CHILDREN[metric.type](metric).family() for metric in CATALOGUE)

    def collect(self) -> list[Family]:
        """Return every family with its samples, as they stood at one moment."""
        with self._lock:
            return [children.family() for children in self._children.values()]
