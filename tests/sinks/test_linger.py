from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping

import pytest

from observed_hooks.sinks._scrapes import Scrapes, scrape_interval_seconds
from observed_hooks.sinks.exporter import Exporter, _Application, serve
from observed_hooks.sinks.prometheus import PrometheusSink

INTERVAL_SECONDS = 0.2
LONG_SECONDS = 20.0


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with serve(PrometheusSink(), port=0) as running:
        yield running


AS_PROMETHEUS = {"X-Prometheus-Scrape-Timeout-Seconds": "10"}


def scrape(exporter: Exporter, times: int, headers: Mapping[str, str] = AS_PROMETHEUS) -> None:
    for _ in range(times):
        request = urllib.request.Request(exporter.url, headers=dict(headers))  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own
            response.read()
        time.sleep(INTERVAL_SECONDS)


def seconds_to_linger(exporter: Exporter, limit_seconds: float = LONG_SECONDS) -> float:
    start = time.monotonic()
    exporter.linger(limit_seconds)
    return time.monotonic() - start


class TestLingering:
    def test_takes_no_time_when_nobody_scrapes(self, exporter: Exporter) -> None:
        assert seconds_to_linger(exporter) < INTERVAL_SECONDS

    def test_takes_no_time_when_somebody_looked_once(self, exporter: Exporter) -> None:
        scrape(exporter, 1, headers={})

        assert seconds_to_linger(exporter) < INTERVAL_SECONDS

    def test_takes_no_time_when_the_scraper_has_gone(self, exporter: Exporter) -> None:
        scrape(exporter, 2)
        time.sleep(3 * INTERVAL_SECONDS)

        assert seconds_to_linger(exporter) < INTERVAL_SECONDS

    def test_takes_no_time_when_the_scraper_would_take_too_long(self, exporter: Exporter) -> None:
        scrape(exporter, 2)

        assert seconds_to_linger(exporter, limit_seconds=INTERVAL_SECONDS) < INTERVAL_SECONDS

    def test_waits_for_two_more_scrapes_of_whoever_scrapes_regularly(self, exporter: Exporter) -> None:
        scrape(exporter, 2)
        scraper = threading.Thread(target=scrape, args=(exporter, 3))
        scraper.start()

        assert exporter.linger(LONG_SECONDS)
        scraper.join()

    def test_waits_for_a_prometheus_that_has_come_once_to_a_short_run(self, exporter: Exporter) -> None:
        scrape(exporter, 1)
        scraper = threading.Thread(target=scrape, args=(exporter, 3))
        scraper.start()

        assert INTERVAL_SECONDS / 2 < seconds_to_linger(exporter) < LONG_SECONDS
        scraper.join()

    def test_gives_up_on_a_scraper_that_does_not_come_again(self, exporter: Exporter) -> None:
        scrape(exporter, 2)

        assert not exporter.linger(3 * INTERVAL_SECONDS)

    def test_is_over_once_the_exporter_is_closed(self, exporter: Exporter) -> None:
        scrape(exporter, 2)
        exporter.close()

        assert seconds_to_linger(exporter) < INTERVAL_SECONDS


class TestScrapes:
    def test_that_began_before_do_not_count(self) -> None:
        scrapes = Scrapes()
        before = scrapes.begin()

        def answer_both() -> None:
            scrapes.answered(before)
            scrapes.answered(scrapes.begin())

        answering = threading.Timer(INTERVAL_SECONDS, answer_both)
        answering.start()
        assert not scrapes.wait_for(2, 2 * INTERVAL_SECONDS)
        answering.join()

    def test_that_begin_later_count_once_they_are_answered(self) -> None:
        scrapes = Scrapes()

        def answer_two() -> None:
            for _ in range(2):
                scrapes.answered(scrapes.begin())

        answering = threading.Timer(INTERVAL_SECONDS, answer_two)
        answering.start()
        assert scrapes.wait_for(2, LONG_SECONDS)
        answering.join()

    def test_are_counted_however_many_are_waited_for(self) -> None:
        scrapes = Scrapes()

        def answer_twenty() -> None:
            for _ in range(20):
                scrapes.answered(scrapes.begin())

        answering = threading.Timer(INTERVAL_SECONDS, answer_twenty)
        answering.start()
        assert scrapes.wait_for(20, LONG_SECONDS)
        answering.join()


class TestAScrape:
    def answer(self, sink: PrometheusSink) -> tuple[Scrapes, Iterator[bytes]]:
        application = _Application(sink.registry)
        environment: dict[str, object] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "QUERY_STRING": ""}
        return application.scrapes, iter(application(environment, lambda *_: lambda _: None))

    def test_counts_once_the_server_has_sent_it(self) -> None:
        scrapes, body = self.answer(PrometheusSink())
        before = [len(scrapes._answered) for _ in body]

        assert before == [0]
        assert len(scrapes._answered) == 1

    def test_does_not_count_when_it_breaks_off(self) -> None:
        scrapes, body = self.answer(PrometheusSink())
        next(body)
        del body

        assert not scrapes._answered


class TestTheIntervalOfScrapes:
    """Times in seconds; the last argument is the longest pause that counts as regular."""

    def test_is_that_between_two(self) -> None:
        assert scrape_interval_seconds((0.0, 15.0), 20.0, 20.0) == 15.0

    def test_is_not_known_from_one(self) -> None:
        assert scrape_interval_seconds((0.0,), 1.0, 20.0) is None

    def test_is_not_mistaken_when_a_late_scrape_is_followed_by_a_punctual_one(self) -> None:
        assert scrape_interval_seconds((0.0, 15.0, 44.9, 45.0), 59.0, 30.0) == pytest.approx(29.9)

    def test_is_the_longest_of_two_servers_that_scrape_in_turn(self) -> None:
        assert scrape_interval_seconds((0.0, 3.0, 15.0, 18.0), 20.0, 20.0) == 12.0

    def test_leaves_out_an_outage(self) -> None:
        assert scrape_interval_seconds((0.0, 15.0, 3600.0, 3615.0), 3620.0, 20.0) == 15.0

    def test_is_not_known_of_whoever_comes_too_seldom(self) -> None:
        assert scrape_interval_seconds((0.0, 60.0, 120.0), 130.0, 20.0) is None

    def test_is_not_known_any_more_when_scrapes_have_stopped(self) -> None:
        assert scrape_interval_seconds((0.0, 15.0, 30.0), 75.0, 20.0) is None
