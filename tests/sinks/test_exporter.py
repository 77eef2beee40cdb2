from __future__ import annotations

import logging
import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families as parse

from observed_hooks.errors import SinkError
from observed_hooks.sinks.exporter import Exporter, serve
from observed_hooks.sinks.prometheus import PrometheusSink
from tests.sinks.examples import RECORDS


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    sink = PrometheusSink()
    for example in RECORDS:
        sink.write(example)
    with serve(sink, port=0) as exporter:
        yield exporter


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 (our own loopback address)
        return str(response.read().decode())


def can_bind(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class TestServe:
    def test_answers_a_scrape_that_the_clients_parser_reads(self, exporter: Exporter) -> None:
        families = {family.name for family in parse(get(exporter.url))}
        assert {"observed_hooks_saves", "observed_hooks_save_duration_seconds"} <= families

    def test_names_the_port_the_system_chose_in_its_url(self, exporter: Exporter) -> None:
        assert exporter.port > 0
        assert exporter.url == f"http://127.0.0.1:{exporter.port}/metrics"

    def test_serves_a_registry_as_well_as_a_sink(self) -> None:
        registry = CollectorRegistry()
        Gauge("loss", "Of the model.", registry=registry).set(0.5)
        with serve(registry, port=0) as exporter:
            assert "loss 0.5" in get(exporter.url)

    def test_listens_on_this_machine_alone_unless_told(self, exporter: Exporter) -> None:
        assert exporter._server.server_address[0] == exporter.addr == "127.0.0.1"

    def test_gives_a_url_that_can_be_opened_when_bound_to_every_interface(self) -> None:
        with serve(CollectorRegistry(), port=0, addr="0.0.0.0") as exporter:  # noqa: S104 (the point)
            assert exporter.url == f"http://127.0.0.1:{exporter.port}/metrics"
            assert get(exporter.url) == ""

    def test_speaks_ipv6(self) -> None:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        with serve(CollectorRegistry(), port=0, addr="::1") as exporter:
            assert exporter.url == f"http://[::1]:{exporter.port}/metrics"
            assert get(exporter.url) == ""

    def test_runs_on_named_daemon_threads(self, exporter: Exporter) -> None:
        (thread,) = [t for t in threading.enumerate() if t.name == f"observed-hooks-exporter-{exporter.port}"]
        assert thread.daemon

    def test_is_silent_about_scrapes(self, exporter: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
        get(exporter.url)
        assert capfd.readouterr() == ("", "")

    def test_answers_others_while_a_client_connects_and_says_nothing(self, exporter: Exporter) -> None:
        with socket.create_connection(("127.0.0.1", exporter.port)):
            assert get(exporter.url)

    @pytest.mark.parametrize("request_bytes", [b"\x16\x03\x01\r\n\r\n", b"GET /metr", b"GET /metrics HTTP/1.0\r\n"])
    def test_is_silent_about_clients_that_send_nonsense_or_hang_up(
        self, exporter: Exporter, capfd: pytest.CaptureFixture[str], request_bytes: bytes
    ) -> None:
        client = socket.create_connection(("127.0.0.1", exporter.port))
        client.sendall(request_bytes)
        reset_not_close = struct.pack("ii", 1, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_not_close)
        client.close()
        assert get(exporter.url)  # accepted after that client, whose thread has begun by now
        for thread in threading.enumerate():
            if thread.name == "observed-hooks-scrape":
                thread.join(10)
        assert capfd.readouterr() == ("", "")


class TestPortInUse:
    def test_takes_the_next_free_one_and_warns_once_with_both(
        self, taken: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING), serve(CollectorRegistry(), port=taken) as exporter:
            assert taken < exporter.port < taken + 20
            assert get(exporter.url) == ""
        (warning,) = caplog.records
        assert f"Port {taken} is in use" in warning.message
        assert exporter.url in warning.message

    def test_lets_two_jobs_on_one_machine_both_be_scraped(self) -> None:
        with serve(CollectorRegistry(), port=0) as first, serve(CollectorRegistry(), first.port) as second:
            assert first.port != second.port
            assert get(first.url) == get(second.url) == ""

    def test_says_nothing_when_the_port_is_free(self, caplog: pytest.LogCaptureFixture) -> None:
        with serve(CollectorRegistry(), port=0):
            assert not caplog.records

    def test_gives_up_after_so_many_tries_and_says_which(self, taken: int) -> None:
        with pytest.raises(SinkError, match=f"no free port on 127.0.0.1 .*{taken} to {taken}; give another"):
            serve(CollectorRegistry(), port=taken, tries=1)


class TestMisuse:
    @pytest.mark.parametrize(("port", "tries"), [(-1, 20), (65536, 20), (9464, 0)])
    def test_of_the_port_is_refused_with_what_came(self, port: int, tries: int) -> None:
        with pytest.raises(SinkError, match=f"port={port}, tries={tries}"):
            serve(CollectorRegistry(), port=port, tries=tries)

    @pytest.mark.parametrize("addr", ["192.0.2.1", "x" * 64])
    def test_of_the_address_is_refused_at_once(self, addr: str) -> None:
        with pytest.raises(SinkError, match=f"cannot serve metrics on .*{addr}"):
            serve(CollectorRegistry(), port=0, addr=addr)

    def test_of_the_registry_is_refused(self) -> None:
        with pytest.raises(SinkError, match=r"takes a PrometheusSink or a .*CollectorRegistry; got 'metrics'"):
            serve("metrics", port=0)  # type: ignore[arg-type]


class TestClose:
    def test_frees_the_port(self) -> None:
        exporter = serve(CollectorRegistry(), port=0)
        exporter.close()
        assert can_bind(exporter.port)

    def test_again_is_harmless(self) -> None:
        exporter = serve(CollectorRegistry(), port=0)
        exporter.close()
        exporter.close()

    def test_is_quick_even_while_a_client_hangs(self) -> None:
        exporter = serve(CollectorRegistry(), port=0)
        with socket.create_connection(("127.0.0.1", exporter.port)):
            before = time.monotonic()
            exporter.close()
            assert time.monotonic() - before < 5

    def test_leaves_no_thread_that_listens(self) -> None:
        exporter = serve(CollectorRegistry(), port=0)
        exporter.close()
        exporter._thread.join(5)
        assert not exporter._thread.is_alive()


class TestFailingCollector:
    class Broken:
        def collect(self) -> Iterator[None]:
            raise OSError("sensor unplugged")

    @pytest.fixture
    def broken(self) -> Iterator[Exporter]:
        registry = CollectorRegistry()
        registry.register(self.Broken())  # type: ignore[arg-type]
        with serve(registry, port=0) as exporter:
            yield exporter

    def test_turns_the_scrape_into_a_500_that_names_the_cause(self, broken: Exporter) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(broken.url)
        with caught.value as answer:
            assert answer.code == 500
            assert b"OSError: sensor unplugged" in answer.read()

    def test_is_logged_once_not_at_every_scrape(
        self, broken: Exporter, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        for _ in range(3):
            with pytest.raises(urllib.error.HTTPError) as caught:
                get(broken.url)
            caught.value.close()
        assert len(caplog.records) == 1
        assert capfd.readouterr().err == ""


class TestWaitForScrapes:
    def test_returns_when_the_last_values_were_seen(self, exporter: Exporter) -> None:
        stop = threading.Event()

        def scrape() -> None:
            while not stop.is_set():
                get(exporter.url)

        scraper = threading.Thread(target=scrape)
        scraper.start()
        assert exporter.wait_for_scrapes(2, timeout_seconds=30)
        stop.set()
        scraper.join()

    def test_gives_up_when_nobody_scrapes(self, exporter: Exporter) -> None:
        get(exporter.url)
        assert not exporter.wait_for_scrapes(1, timeout_seconds=0.01)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_keep_the_port() -> None:
    program = """
        import os, socket
        from prometheus_client import CollectorRegistry
        from observed_hooks.sinks.exporter import serve

        exporter = serve(CollectorRegistry(), port=0)
        ready, release = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            os.write(ready[1], b"1")
            os.read(release[0], 1)
            exporter.close()  # returns, although the thread that answers lives in the parent only
            os._exit(0)
        os.read(ready[0], 1)
        exporter.close()
        try:
            socket.create_server(("127.0.0.1", exporter.port)).close()
            print("free")
        finally:
            os.write(release[1], b"1")
            print(os.waitpid(child, 0)[1])
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "free\n0\n", done.stderr
