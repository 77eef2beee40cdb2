from __future__ import annotations

import re
from string import Formatter

import pytest

from observed_hooks.metrics import CATALOGUE, MIB, ORIGIN_LABELS, PREFIX, SAVE_BUCKETS_SECONDS, Metric

LABELS = {
    *("kind", "component", "outcome", "part", "iterator", "node", "transformation", "sink", "stage"),
    *("start", "measure"),
}
RESERVED_SUFFIXES = ("_total", "_info", "_created", "_bucket", "_count", "_sum")
SUFFIX = re.compile(r"_(seconds|bytes)(_total)?$")

every_metric = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
every_scalar = pytest.mark.parametrize(
    "metric", [metric for metric in CATALOGUE if metric.scalar is not None], ids=lambda metric: metric.name
)


def exported_names(metric: Metric) -> set[str]:
    """Return every name that the metric takes in an exposition."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}.get(metric.type, ("",))
    return {metric.name + suffix for suffix in suffixes}


class TestNames:
    @every_metric
    def test_begin_with_the_prefix_and_are_plain_snake_case(self, metric: Metric) -> None:
        assert re.fullmatch(PREFIX + r"[a-z]+(_[a-z]+)*", metric.name)

    def test_are_unique_also_in_the_exposition(self) -> None:
        names = [name for metric in CATALOGUE for name in exported_names(metric)]
        assert len(names) == len(set(names))

    @every_metric
    def test_end_in_total_for_counters_and_in_no_reserved_suffix_otherwise(self, metric: Metric) -> None:
        stem = metric.name.removesuffix("_total") if metric.type == "counter" else metric.name
        assert (stem != metric.name) == (metric.type == "counter")
        assert not stem.endswith(RESERVED_SUFFIXES)

    @every_metric
    def test_do_not_repeat_the_type(self, metric: Metric) -> None:
        assert not re.search(r"_(gauge|counter|histogram)(_|$)", metric.name)


class TestUnits:
    @every_metric
    def test_are_base_units(self, metric: Metric) -> None:
        assert metric.unit in {"", "seconds", "bytes", "steps"}

    @every_metric
    def test_of_time_and_size_end_the_name(self, metric: Metric) -> None:
        found = SUFFIX.search(metric.name)
        assert (found[1] if found else "") == (metric.unit if metric.unit != "steps" else "")


class TestLabels:
    @every_metric
    def test_come_from_a_closed_set_without_step_path_pid_or_error(self, metric: Metric) -> None:
        assert set(metric.labels) <= LABELS

    @every_metric
    def test_begin_with_run_and_task(self, metric: Metric) -> None:
        assert metric.all_labels == (*ORIGIN_LABELS, *metric.labels)
        assert ORIGIN_LABELS == ("run", "task")

    @every_metric
    def test_are_named_once(self, metric: Metric) -> None:
        assert len(metric.all_labels) == len(set(metric.all_labels))


class TestHelp:
    @every_metric
    def test_is_one_sentence_on_one_line(self, metric: Metric) -> None:
        assert re.fullmatch(r"[A-Z0-9][^\n]{10,150}\.", metric.help)


class TestBuckets:
    @every_metric
    def test_belong_to_histograms_alone(self, metric: Metric) -> None:
        assert bool(metric.buckets) == (metric.type == "histogram")

    def test_rise_from_ten_milliseconds_to_half_an_hour(self) -> None:
        assert list(SAVE_BUCKETS_SECONDS) == sorted(set(SAVE_BUCKETS_SECONDS))
        assert (SAVE_BUCKETS_SECONDS[0], SAVE_BUCKETS_SECONDS[-1]) == (0.01, 1800.0)


class TestScalars:
    @every_scalar
    def test_are_grouped_by_the_text_before_a_slash(self, metric: Metric) -> None:
        assert metric.scalar is not None
        assert re.fullmatch(r"[a-z_]+(/(\{[a-z]+\}|[a-z_]+))+", metric.scalar.tag)

    @every_scalar
    def test_take_their_placeholders_from_the_labels(self, metric: Metric) -> None:
        assert metric.scalar is not None
        placeholders = {name for _, name, _, _ in Formatter().parse(metric.scalar.tag) if name}
        assert placeholders <= set(metric.labels)

    @every_scalar
    def test_are_mib_where_the_metric_is_bytes_because_they_are_float32(self, metric: Metric) -> None:
        assert metric.scalar is not None
        in_mib = metric.scalar.tag.endswith("_mib")
        assert in_mib == (metric.unit == "bytes")
        assert metric.scalar.divisor == (MIB if in_mib else 1.0)

    @every_scalar
    def test_are_neither_time_stamps_nor_counters(self, metric: Metric) -> None:
        assert metric.type == "gauge"
        assert "timestamp" not in metric.name

    def test_have_a_tag_each(self) -> None:
        tags = [metric.scalar.tag for metric in CATALOGUE if metric.scalar is not None]
        assert len(tags) == len(set(tags))
