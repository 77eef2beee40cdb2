from __future__ import annotations

import gc
import re
import subprocess
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from observed_hooks.errors import SinkError
from observed_hooks.events import RunStarted
from observed_hooks.metrics import CATALOGUE, SAVE_BUCKETS_SECONDS, Metric
from observed_hooks.sinks.prometheus import PrometheusSink
from tests.sinks.examples import EVENTS, RECORDS, measured, record, sampled, saved, started

ORIGIN = {"run": "digits", "task": "chief-0"}


@pytest.fixture
def sink() -> PrometheusSink:
    return PrometheusSink()


@pytest.fixture
def full() -> PrometheusSink:
    """A sink that has seen one record of every kind."""
    sink = PrometheusSink()
    for example in RECORDS:
        sink.write(example)
    return sink


def value(sink: PrometheusSink, name: str, **labels: str) -> float | None:
    return sink.registry.get_sample_value(f"observed_hooks_{name}", {**ORIGIN, **labels})


def scrape(sink: PrometheusSink) -> str:
    return generate_latest(sink.registry).decode()


class TestPrometheusSink:
    def test_adds_up_counters(self, sink: PrometheusSink) -> None:
        for step in (1, 2, 3):
            sink.write(record(saved(step)))
        assert value(sink, "saves_total", kind="model", outcome="success") == 3
        assert value(sink, "checkpoint_written_bytes_total", kind="model") == 12 * 1024 * 1024

    def test_forgets_a_node_that_the_newest_sample_leaves_out(self, sink: PrometheusSink) -> None:
        sink.write(record(sampled("Shuffle", "Cache")))
        sink.write(record(sampled("Shuffle", capacity=None)))
        place = {"iterator": "train", "transformation": "Shuffle"}
        assert value(sink, "buffer_elements", node="Shuffle", **place) == 9_999
        assert value(sink, "buffer_elements", node="Cache", **place) is None
        assert value(sink, "buffer_capacity_elements", node="Shuffle", **place) is None

    def test_keeps_the_nodes_of_other_runs_and_of_other_metrics(self, sink: PrometheusSink) -> None:
        sink.write(record(measured("Shuffle")))
        sink.write(record(sampled("Shuffle"), run="letters"))
        sink.write(record(sampled("Cache")))
        place = {"iterator": "train", "node": "Shuffle", "transformation": "Shuffle"}
        assert value(sink, "iterator_state_bytes", **place) == 4 * 1024 * 1024
        assert value(sink, "buffer_elements", **place, run="letters") == 9_999

    def test_shows_the_newest_value_of_a_gauge(self, sink: PrometheusSink) -> None:
        for step in (1, 2, 3):
            sink.write(record(saved(step), time_seconds=1000.0 + step))
        assert value(sink, "last_save_step", kind="model") == 3
        assert value(sink, "last_save_timestamp_seconds", kind="model") == 1003.0

    @pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3, 30.0, 1800.0, 7200.0])
    def test_counts_an_observation_in_every_bucket_that_holds_it(self, sink: PrometheusSink, seconds: float) -> None:
        sink.write(record(saved(seconds=seconds)))
        name = "save_duration_seconds"
        for bound in SAVE_BUCKETS_SECONDS:
            found = value(sink, f"{name}_bucket", kind="model", le=str(bound))
            assert found == (1 if seconds <= bound else 0)
        assert value(sink, f"{name}_bucket", kind="model", le="+Inf") == 1
        assert value(sink, f"{name}_count", kind="model") == 1
        assert value(sink, f"{name}_sum", kind="model") == seconds

    def test_shows_every_outcome_as_zero_before_the_first_save(self, sink: PrometheusSink) -> None:
        sink.write(record(started()))
        for outcome in ("success", "failure", "skipped"):
            assert value(sink, "saves_total", kind="model", outcome=outcome) == 0

    def test_does_not_reset_a_counter_when_a_session_is_made_again(self, sink: PrometheusSink) -> None:
        for event in (started(), saved(), started()):
            sink.write(record(event))
        assert value(sink, "saves_total", kind="model", outcome="success") == 1

    def test_tells_the_versions_of_a_run_and_forgets_those_before_a_restart(self, sink: PrometheusSink) -> None:
        for version in ("2.15.1", "2.21.0"):
            sink.write(record(RunStarted(version="0.1.0", tensorflow_version=version, mode="graph")))
        lines = [line for line in scrape(sink).splitlines() if line.startswith("observed_hooks_run_info{")]
        assert len(lines) == 1
        assert value(sink, "run_info", version="0.1.0", tensorflow_version="2.21.0", mode="graph") == 1

    def test_keeps_runs_apart(self, sink: PrometheusSink) -> None:
        sink.write(record(saved(1)))
        sink.write(record(saved(2), run="another"))
        assert value(sink, "last_save_step", kind="model") == 1
        assert value(sink, "last_save_step", run="another", kind="model") == 2

    def test_survives_a_label_value_with_quotes_newlines_and_backslashes(self, sink: PrometheusSink) -> None:
        odd = 'a"b\nc\\d'
        sink.write(record(saved(), run=odd))
        (family,) = [f for f in parse(scrape(sink)) if f.name == "observed_hooks_global_step"]
        assert family.samples[0].labels["run"] == odd

    def test_shows_a_record_whole_or_not_at_all(self, sink: PrometheusSink) -> None:
        stop = threading.Event()

        def save() -> None:
            step = 0
            while not stop.is_set():
                step += 1
                sink.write(record(saved(step)))

        thread = threading.Thread(target=save)
        thread.start()
        seen = [self._steps_told(sink) for _ in range(50)]
        stop.set()
        thread.join()
        assert any(seen)
        assert all(len(steps) <= 1 for steps in seen)

    @staticmethod
    def _steps_told(sink: PrometheusSink) -> set[float]:
        """Return what one scrape says the step is, by three metrics that must agree."""
        names = {"last_save_step", "global_step", "save_duration_seconds_count"}
        return {
            sample.value
            for family in sink.registry.collect()
            for sample in family.samples
            if sample.name.removeprefix("observed_hooks_") in names
        }


class TestScrape:
    @pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
    def test_holds_every_metric_of_the_catalogue_with_its_help_type_and_labels(
        self, full: PrometheusSink, metric: Metric
    ) -> None:
        stem = metric.name.removesuffix("_total")
        (family,) = [family for family in full.registry.collect() if family.name == stem]
        assert (family.type, family.documentation) == (metric.type, metric.help)
        assert family.samples
        for sample in family.samples:
            assert list(sample.labels)[: len(metric.all_labels)] == list(metric.all_labels)

    def test_parses_with_the_clients_own_parser(self, full: PrometheusSink) -> None:
        families = {family.name: family for family in parse(scrape(full))}
        assert families["observed_hooks_saves"].type == "counter"
        assert families["observed_hooks_save_duration_seconds"].type == "histogram"
        assert sum(len(family.samples) for family in families.values()) > 60

    def test_parses_as_openmetrics(self, full: PrometheusSink) -> None:
        text = generate_openmetrics(full.registry).decode()  # type: ignore[no-untyped-call]
        families = {family.name: family for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
        assert families["observed_hooks_save_stall_seconds"].unit == "seconds"
        assert families["observed_hooks_run"].type == "info"

    def test_has_no_created_series(self, full: PrometheusSink) -> None:
        assert "_created" not in scrape(full)

    def test_explains_every_metric_before_anything_happened(self, sink: PrometheusSink) -> None:
        assert len(re.findall(r"^# HELP ", scrape(sink), re.MULTILINE)) == len(CATALOGUE)

    @pytest.mark.integration
    @pytest.mark.parametrize("count", [0, 2, len(EVENTS)])
    def test_satisfies_promtools_linter(self, sink: PrometheusSink, program: Callable[[str], Path], count: int) -> None:
        for example in RECORDS[:count]:
            sink.write(example)
        done = subprocess.run(
            [program("promtool"), "check", "metrics"], input=scrape(sink), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


class TestRegistry:
    def test_is_its_own_unless_given(self) -> None:
        assert PrometheusSink().registry is not PrometheusSink().registry

    def test_given_is_used_even_while_empty(self) -> None:
        registry = CollectorRegistry()
        assert PrometheusSink(registry).registry is registry

    def test_is_shared_by_sinks_without_duplicated_series(self) -> None:
        registry = CollectorRegistry(auto_describe=True)
        first, second = PrometheusSink(registry), PrometheusSink(registry)
        first.write(record(saved()))
        second.write(record(saved()))
        assert value(first, "saves_total", kind="model", outcome="success") == 2
        lines = scrape(first).splitlines()
        assert len(lines) == len(set(lines))

    def test_may_hold_other_metrics_beside_ours(self) -> None:
        registry = CollectorRegistry()
        Gauge("loss", "Of the model.", registry=registry).set(0.5)
        sink = PrometheusSink(registry)
        sink.write(record(saved()))
        assert "loss 0.5" in scrape(sink)

    def test_with_a_taken_name_is_refused_by_that_name_and_left_as_it_was(self) -> None:
        registry = CollectorRegistry()
        Counter("observed_hooks_saves", "Somebody else's.", registry=registry)
        before = generate_latest(registry)
        with pytest.raises(SinkError, match=r"observed_hooks_saves_total.*Unregister that collector"):
            PrometheusSink(registry)
        assert generate_latest(registry) == before

    def test_is_taken_once_the_conflict_is_gone(self) -> None:
        registry = CollectorRegistry()
        other = Gauge("observed_hooks_global_step", "Somebody else's.", registry=registry)
        with pytest.raises(SinkError):
            PrometheusSink(registry)
        registry.unregister(other)
        PrometheusSink(registry).write(record(saved()))

    def test_is_not_kept_alive(self) -> None:
        registry = CollectorRegistry()
        gone = weakref.ref(registry)
        PrometheusSink(registry)
        del registry
        gc.collect()
        assert gone() is None
