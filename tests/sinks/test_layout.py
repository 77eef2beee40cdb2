from __future__ import annotations

import re

import pytest

from observed_hooks.metrics import CATALOGUE, SAVES, Metric
from observed_hooks.samples import samples
from observed_hooks.sinks._layout import LAYOUT, Chart, layout_summary
from tests.sinks.examples import RECORDS

CHARTS = [chart for charts in LAYOUT.values() for chart in charts]
TAGS = {
    (sample.metric.name, sample.metric.scalar.tag.format(**sample.labels))
    for record in RECORDS
    for sample in samples(record)
    if sample.metric.scalar is not None
}
"""Every metric that has a scalar, with the tags it takes in the examples."""


def shown(chart: Chart) -> set[tuple[str, str]]:
    """What TensorBoard puts on a chart: it matches a pattern from the start of a tag."""
    return {(name, tag) for name, tag in TAGS if any(re.match(pattern, tag) for pattern in chart.patterns)}


class TestTheLayout:
    @pytest.mark.parametrize("metric", [m for m in CATALOGUE if m.scalar is not None], ids=lambda metric: metric.name)
    def test_shows_every_scalar_of_the_catalogue(self, metric: Metric) -> None:
        tags = {tag for name, tag in TAGS if name == metric.name}
        assert tags
        assert tags <= {tag for chart in CHARTS for _, tag in shown(chart)}

    @pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
    def test_shows_nothing_on_a_chart_but_its_own_metrics(self, chart: Chart) -> None:
        assert {name for name, _ in shown(chart)} == {metric.name for metric in chart.metrics}

    @pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.title)
    def test_shows_no_tag_that_only_begins_like_one_of_its_own(self, chart: Chart) -> None:
        assert not any(re.match(pattern, f"{tag}_more") for pattern in chart.patterns for _, tag in shown(chart))

    @pytest.mark.parametrize("kind", ["model", "input_pipeline"])
    def test_shows_one_kind_where_a_chart_is_about_one(self, kind: str) -> None:
        own = [chart for chart in CHARTS if chart.kind == kind]
        assert own
        assert all(f"checkpoint/{kind}/" in tag for chart in own for _, tag in shown(chart))

    def test_names_each_chart_and_category_once(self) -> None:
        titles = [chart.title for chart in CHARTS]
        assert len(titles) == len(set(titles))

    def test_is_the_same_text_each_time(self) -> None:
        assert layout_summary() == layout_summary()

    def test_refuses_a_metric_without_a_scalar_by_name(self) -> None:
        with pytest.raises(ValueError, match="observed_hooks_saves_total has no scalar"):
            _ = Chart("Saves", (SAVES,)).patterns
