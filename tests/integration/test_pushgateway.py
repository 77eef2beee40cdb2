"""A short job tells the real Pushgateway what a scrape would have seen."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.registry import Collector

from observed_hooks.bus import CheckpointBus
from observed_hooks.errors import SinkError
from observed_hooks.events import RunEnded, RunStarted
from observed_hooks.metrics import PREFIX
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.sinks.pushgateway import PushgatewaySink
from tests.integration.servers import LOOPBACK, Server, free_port
from tests.sinks.examples import RECORDS, record, saved

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def gateway(program: Callable[[str], Path], tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    command = [
        str(program("prometheus-pushgateway")),
        f"--web.listen-address={LOOPBACK}:{port}",
        "--persistence.file=",  # Debian's would outlive the test
        "--log.level=warn",
    ]
    server = Server(command, port, tmp_path)
    yield server
    server.close()


def series(families: Iterable[Metric], **group: str) -> Series:
    """Our series with their values; as a gateway shows them that keeps them in `group`."""

    def labels(of: dict[str, str]) -> frozenset[tuple[str, str]]:
        bound = {"le": str(float(of["le"]))} if "le" in of else {}  # the gateway writes 300 for 300.0
        return frozenset({**of, **bound, **group}.items())

    return {
        (sample.name, labels(sample.labels)): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(PREFIX)
    }


def pushed(gateway: Server) -> Series:
    with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=10) as response:  # noqa: S310 - a server of ours
        return series(parse(response.read().decode()))


def value(found: Series, name: str) -> list[float]:
    return [number for (full, _), number in found.items() if full == PREFIX + name]


class TestThePushgateway:
    def test_shows_what_a_scrape_would_have_seen(self, gateway: Server) -> None:
        sink, scraped = PushgatewaySink(gateway.url), PrometheusSink()
        for example in RECORDS:
            sink.write(example)
            scraped.write(example)
        sink.close()
        assert pushed(gateway) == series(scraped.registry.collect(), job="training", instance="digits/chief-0")

    def test_forgets_what_a_later_push_leaves_out(self, gateway: Server) -> None:
        for examples in (RECORDS, RECORDS[:2]):
            sink = PushgatewaySink(gateway.url)
            for example in examples:
                sink.write(example)
            sink.close()
        assert not value(pushed(gateway), "iterator_state_bytes")

    def test_keeps_runs_apart_that_are_one_job(self, gateway: Server) -> None:
        for run, step in (("digits", 1), ("letters", 2)):
            sink = PushgatewaySink(gateway.url)
            sink.write(record(saved(step), run=run))
            sink.close()
        assert sorted(value(pushed(gateway), "last_save_step")) == [1, 2]

    def test_shows_that_a_job_on_a_bus_has_ended(self, gateway: Server) -> None:
        bus = CheckpointBus([PushgatewaySink(gateway.url)], run="digits", task="chief-0")
        bus.publish(RunStarted(version="0.1.0", tensorflow_version="2.21.0", mode="graph"))
        bus.publish(RunEnded())
        assert bus.close()
        assert value(pushed(gateway), "run_active") == [0]

    def test_is_quoted_when_it_refuses_the_metrics(self, gateway: Server) -> None:
        class Twice(Collector):
            def collect(self) -> Iterable[Metric]:
                return [GaugeMetricFamily("loss", "Of the model.", value=1) for _ in range(2)]

        registry = CollectorRegistry()
        registry.register(Twice())
        sink = PushgatewaySink(gateway.url, registry=registry)
        sink.write(record(saved()))
        with pytest.raises(SinkError, match=r"400 Bad Request: .*loss"):
            sink.close()
