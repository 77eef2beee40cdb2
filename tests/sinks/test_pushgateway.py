from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.error import HTTPError

import pytest
from prometheus_client import generate_latest

from observed_hooks.bus import CheckpointBus
from observed_hooks.errors import SinkError
from observed_hooks.events import CheckpointSaved, ObserverReport, RunEnded
from observed_hooks.metrics import CATALOGUE
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.sinks.pushgateway import PushgatewaySink
from tests.doubles import PATIENCE_SECONDS, AwaitedSink
from tests.sinks.examples import RECORDS, record, saved

URL = "http://127.0.0.1:9091"


@dataclass
class Gateway:
    """Stands in for the request that prometheus_client makes."""

    fail: Callable[[], Exception] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, **request: Any) -> Callable[[], None]:
        def send() -> None:
            self.requests.append(request)
            if self.fail is not None:
                raise self.fail()

        return send


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class TestPushgatewaySink:
    def test_pushes_what_a_scrape_would_see(self) -> None:
        gateway, scraped = Gateway(), PrometheusSink()
        sink = PushgatewaySink(URL, handler=gateway)
        for example in RECORDS:
            sink.write(example)
            scraped.write(example)
        sink.close()
        assert gateway.requests[-1]["data"] == generate_latest(scraped.registry)

    def test_replaces_a_group_of_its_own_for_each_run_and_task(self) -> None:
        gateway = Gateway()
        for run in ("digits", "letters"):
            sink = PushgatewaySink(URL, "nightly", handler=gateway)
            sink.write(record(saved(), run=run))
            sink.close()
        assert {request["method"] for request in gateway.requests} == {"PUT"}
        assert [request["url"] for request in gateway.requests] == [
            f"{URL}/metrics/job/nightly/instance@base64/{group}"
            for group in ("ZGlnaXRzL2NoaWVmLTA=", "bGV0dGVycy9jaGllZi0w")  # digits/chief-0, letters/chief-0
        ]

    def test_takes_further_labels_for_the_group(self) -> None:
        gateway = Gateway()
        sink = PushgatewaySink(URL, handler=gateway, grouping_key={"team": "vision", "instance": "here"})
        sink.write(record(saved()))
        sink.close()
        assert gateway.requests[0]["url"] == f"{URL}/metrics/job/training/instance/here/team/vision"

    def test_gives_the_gateway_five_seconds_unless_told_otherwise(self) -> None:
        gateway = Gateway()
        for sink in (PushgatewaySink(URL, handler=gateway), PushgatewaySink(URL, handler=gateway, timeout_seconds=0.5)):
            sink.write(record(saved()))
            sink.close()
        assert [request["timeout"] for request in gateway.requests] == [5.0, 0.5]

    def test_pushes_nothing_when_it_was_told_nothing(self) -> None:
        gateway = Gateway()
        PushgatewaySink(URL, handler=gateway).close()
        assert not gateway.requests


class TestFailure:
    def test_says_why_the_gateway_refused(self) -> None:
        def refusal() -> HTTPError:
            return HTTPError(URL, 400, "Bad Request", Message(), io.BytesIO(b"label run is inconsistent\n"))

        sink = PushgatewaySink(URL, handler=Gateway(fail=refusal))
        sink.write(record(saved()))
        with pytest.raises(SinkError, match=f"{URL} did not take .*: 400 Bad Request: label run is inconsistent$"):
            sink.close()

    def test_names_a_gateway_that_is_not_there(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            sink = PushgatewaySink(f"127.0.0.1:{unused.getsockname()[1]}")
            sink.write(record(saved()))
            with pytest.raises(SinkError, match=r"http://127\.0\.0\.1:\d+ did not take the metrics: .*refused"):
                sink.close()

    def test_of_a_push_is_counted_by_the_bus(self) -> None:
        sink, told = PushgatewaySink(URL, handler=Gateway(fail=OSError), every_seconds=0.0), AwaitedSink()
        bus = CheckpointBus([sink, told], run="digits", task="chief-0")
        for _ in range(3):
            bus.publish(saved())
            assert bus.flush(PATIENCE_SECONDS)
            assert sink._snapshots._worker.flush(PATIENCE_SECONDS)
        bus.close()
        assert any(dict(report.failed).get("pushgateway") for report in told.events(ObserverReport))


class TestABlackHole:
    def test_costs_the_timeout_at_the_end_and_nothing_before(self, black_hole: str) -> None:
        sink = PushgatewaySink(black_hole, timeout_seconds=0.3)
        start = time.monotonic()
        for step in range(100):
            sink.write(record(saved(step)))
        assert time.monotonic() - start < 0.3
        with pytest.raises(SinkError):
            sink.close()
        assert time.monotonic() - start < 3

    def test_costs_the_other_sinks_of_the_bus_no_record(self, black_hole: str) -> None:
        told = AwaitedSink()
        bus = CheckpointBus([PushgatewaySink(black_hole), told], run="digits", task="chief-0")
        for step in range(100):
            bus.publish(saved(step))
        bus.publish(RunEnded())
        told.wait_for(RunEnded, 1)
        assert len(told.events(CheckpointSaved)) == 100
        bus.close(0.1)


class TestMisuse:
    @pytest.mark.parametrize("url", ["", "http://", "ftp://gateway:9091", "gs://bucket/metrics"])
    def test_an_address_that_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(SinkError, match="needs an address such as"):
            PushgatewaySink(url)

    def test_a_password_in_the_address_is_refused_and_not_repeated(self) -> None:
        with pytest.raises(SinkError, match="give a handler") as refusal:
            PushgatewaySink("http://me:secret@gateway:9091")
        assert "secret" not in str(refusal.value)

    @pytest.mark.parametrize("label", sorted({"job", *(label for m in CATALOGUE for label in m.all_labels)}))
    def test_a_group_that_would_overwrite_a_label_of_the_metrics_is_refused(self, label: str) -> None:
        with pytest.raises(SinkError, match=f"would overwrite .*: {label}"):
            PushgatewaySink(URL, grouping_key={label: "mine"})

    @pytest.mark.parametrize("timeout_seconds", [0.0, -1.0, 5.5, float("nan"), float("inf")])
    def test_a_timeout_of_more_than_five_seconds_or_none_at_all_is_refused(self, timeout_seconds: float) -> None:
        with pytest.raises(SinkError, match="at most 5"):
            PushgatewaySink(URL, timeout_seconds=timeout_seconds)

    def test_a_job_without_a_name_is_refused(self) -> None:
        with pytest.raises(SinkError, match="without a job"):
            PushgatewaySink(URL, "")
