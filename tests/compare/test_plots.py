from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from observed_hooks.compare import measures as m
from observed_hooks.compare.plots import (
    FRONT,
    RECOMMENDED,
    Chart,
    bytes_by_size,
    cost_against_quality,
    mixing_by_size,
    seconds_by_size,
    throughput_by_size,
)
from observed_hooks.compare.recommend import front
from observed_hooks.compare.result import Figure, Recommendation, Result
from observed_hooks.compare.wording import told
from observed_hooks.errors import MissingExtraError
from tests.compare.results import FAILED, FOUR_SERIES, HOSTILE, HOSTILE_NAME, NOTHING, ONE_SERIES, RUNS

ALL: tuple[Callable[[Result], tuple[Chart, ...]], ...] = (
    *(cost_against_quality, bytes_by_size, seconds_by_size, throughput_by_size, mixing_by_size),
)
BY_SIZE = {
    bytes_by_size: (m.CHECKPOINT, m.BUFFER_BYTES, m.MEMORY),
    seconds_by_size: (m.FIRST_BATCH, m.STALL, m.RESUME),
    throughput_by_size: (m.THROUGHPUT,),
    mixing_by_size: (m.DISPLACEMENT, m.NEIGHBOURS, m.LABELS),
}
every_plot = pytest.mark.parametrize("draw", ALL, ids=lambda draw: draw.__name__)
every_plot_by_size = pytest.mark.parametrize(
    ("draw", "measures"), [pytest.param(draw, measures, id=draw.__name__) for draw, measures in BY_SIZE.items()]
)


def fields(chart: Chart) -> dict[str, Any]:
    """The figure as plotly.js gets it."""
    found: dict[str, Any] = json.loads(chart.figure.to_json())
    return found


def traces(chart: Chart) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in fields(chart)["data"]}


def medians(measure: m.Measure, result: Result = ONE_SERIES) -> list[float]:
    return [figure.median for row in result.rows if (figure := row.figures.get(measure.name))]


class TestCostAgainstQuality:
    def test_has_checkpoint_bytes_across_and_mixing_up(self) -> None:
        (chart,) = cost_against_quality(ONE_SERIES)
        line = traces(chart)["shuffle buffer"]

        assert (line["x"], line["y"]) == (medians(m.CHECKPOINT), medians(m.MIXING))

    def test_has_a_line_for_each_series(self) -> None:
        (chart,) = cost_against_quality(FOUR_SERIES)

        assert [len(trace["x"]) for trace in list(traces(chart).values())[2:]] == [5, 5, 5, 5]

    def test_rings_and_names_the_recommended_row(self) -> None:
        (chart,) = cost_against_quality(ONE_SERIES)
        ring, line = traces(chart)[RECOMMENDED], traces(chart)["shuffle buffer"]

        assert (ring["x"], ring["y"]) == ([line["x"][3]], [line["y"][3]])
        assert [text.strip() for text in line["text"]] == ["0", "100", "1k", "<b>10k recommended</b>", "37.5k"]

    def test_rings_nothing_without_a_recommendation(self) -> None:
        (chart,) = cost_against_quality(replace(ONE_SERIES, recommendation=None))

        assert list(traces(chart)) == [FRONT, "shuffle buffer"]

    def test_puts_labels_where_they_stand_in_nobodys_way(self) -> None:
        (chart,) = cost_against_quality(FOUR_SERIES)
        before, after = (traces(chart)[name] for name in ("before-decode, plain", "after-decode, plain"))

        assert set(before["textposition"]) == {"top left"}
        assert set(after["textposition"]) == {"bottom right"}
        assert (bool(before["text"][0]), bool(after["text"][0])) == (True, False), "no buffer is labelled once"

    def test_puts_the_long_label_beside_a_point_that_is_near_the_axis(self) -> None:
        smallest = Recommendation(name="shuffle-100", sentence="")
        (chart,) = cost_against_quality(replace(ONE_SERIES, rows=ONE_SERIES.rows[1:], recommendation=smallest))

        assert traces(chart)["shuffle buffer"]["textposition"] == ["bottom right", *["top left"] * 3]

    def test_joins_the_cases_that_no_other_beats(self) -> None:
        (chart,) = cost_against_quality(FOUR_SERIES)
        best, line = front(FOUR_SERIES.rows), traces(chart)[FRONT]

        assert line["x"] == [row.figures[m.CHECKPOINT.name].median for row in best]
        assert line["y"] == [row.figures[m.MIXING.name].median for row in best]
        assert not any(row.placement == "after-decode" and row.buffer_size for row in best)

    def test_labels_symbolic_points_only_where_no_plain_ones_are(self) -> None:
        symbolic = replace(FOUR_SERIES, rows=tuple(row for row in FOUR_SERIES.rows if row.symbolic))
        (both,), (alone,) = cost_against_quality(FOUR_SERIES), cost_against_quality(symbolic)

        assert not any(traces(both)["before-decode, symbolic"]["text"])
        assert all(traces(alone)["before-decode, symbolic"]["text"])

    def test_shows_the_spread_both_ways(self) -> None:
        (chart,) = cost_against_quality(ONE_SERIES)
        line, figure = traces(chart)["shuffle buffer"], ONE_SERIES.rows[1].figures[m.CHECKPOINT.name]

        assert line["error_x"]["array"][1] == pytest.approx(figure.high - figure.median)
        assert line["error_x"]["arrayminus"][1] == pytest.approx(figure.median - figure.low)
        assert line["error_x"]["visible"]
        assert line["error_y"]["visible"]

    def test_is_left_out_where_mixing_is_not_known(self) -> None:
        assert cost_against_quality(RUNS) == ()


class TestPlotsBySize:
    @every_plot_by_size
    def test_have_a_figure_for_each_measure_with_the_rows_medians(
        self, draw: Callable[[Result], tuple[Chart, ...]], measures: tuple[m.Measure, ...]
    ) -> None:
        charts = draw(ONE_SERIES)

        assert len(charts) == len(measures)
        for chart, measure in zip(charts, measures, strict=True):
            line, floor = traces(chart)["shuffle buffer"], min(fields(chart)["layout"]["yaxis"]["tickvals"])
            assert line["x"] == ["0", "100", "1k", "10k", "37.5k"]
            assert line["y"] == [value if value > 0 else floor for value in medians(measure)]

    @every_plot_by_size
    def test_of_several_measures_share_one_scale(
        self, draw: Callable[[Result], tuple[Chart, ...]], measures: tuple[m.Measure, ...]
    ) -> None:
        assert len({json.dumps(fields(chart)["layout"]["yaxis"]) for chart in draw(FOUR_SERIES)}) == 1

    @every_plot_by_size
    def test_have_a_line_for_each_series_that_was_measured(
        self, draw: Callable[[Result], tuple[Chart, ...]], measures: tuple[m.Measure, ...]
    ) -> None:
        assert all([len(trace["x"]) for trace in traces(chart).values()] == [5, 5, 5, 5] for chart in draw(FOUR_SERIES))

    def test_give_zero_a_place_on_the_axis_of_sizes(self) -> None:
        (chart,) = throughput_by_size(ONE_SERIES)
        axis = fields(chart)["layout"]["xaxis"]

        assert axis["type"] == "category"
        assert axis["categoryarray"][0] == "0"

    def test_say_below_the_axis_which_size_failed(self) -> None:
        (chart,) = throughput_by_size(FOUR_SERIES)
        assert fields(chart)["layout"]["xaxis"]["ticktext"][-2:] == ["37.5k", "1m<br>failed"]

    def test_put_less_than_no_memory_where_zero_is(self) -> None:
        memory = bytes_by_size(FOUR_SERIES)[2]
        axis, line = fields(memory)["layout"]["yaxis"], traces(memory)["before-decode, plain"]

        assert axis["ticktext"][0] == "0 or less"
        assert line["y"][0] == line["y"][1] == axis["tickvals"][0]

    def test_show_the_spread_as_error_bars(self) -> None:
        (chart,) = throughput_by_size(ONE_SERIES)
        bars, figure = traces(chart)["shuffle buffer"]["error_y"], ONE_SERIES.rows[0].figures[m.THROUGHPUT.name]

        assert (bars["array"][0], bars["arrayminus"][0]) == (figure.high - figure.median, figure.median - figure.low)

    def test_show_no_error_bars_for_a_single_repeat(self) -> None:
        once = replace(ONE_SERIES.rows[0], figures={m.THROUGHPUT.name: Figure.of([41_000.0])})
        (chart,) = throughput_by_size(replace(ONE_SERIES, rows=(once,)))

        assert traces(chart)["shuffle buffer"]["error_y"]["visible"] is False

    def test_of_runs_have_a_point_for_each_by_name(self) -> None:
        (chart,) = throughput_by_size(RUNS)
        points = traces(chart)["runs"]

        assert (points["x"], points["mode"]) == (["digits", "letters", "speech"], "markers")

    def test_shorten_long_names_of_runs_below_the_axis(self) -> None:
        long = replace(RUNS, rows=(replace(RUNS.rows[0], name="a-very-long-name-of-a-run-of-2026-03-01"),))
        (chart,) = throughput_by_size(long)

        assert fields(chart)["layout"]["xaxis"]["ticktext"] == ["a-very-long\u2026-2026-03-01"]

    def test_leave_out_measures_that_no_row_knows(self) -> None:
        assert [chart.title for chart in seconds_by_size(RUNS)] == ["Stall of a save", "Resume to first batch"]
        assert mixing_by_size(RUNS) == ()


class TestEveryPlot:
    @every_plot
    def test_tells_all_figures_of_a_point_to_whoever_hovers(self, draw: Callable[[Result], tuple[Chart, ...]]) -> None:
        row = ONE_SERIES.rows[1]
        for chart in draw(ONE_SERIES):
            hover = traces(chart)["shuffle buffer"]["hovertext"][1]
            lines = hover.split("<br>")
            assert lines[0] == f"<b>{row.name}</b>"
            assert lines[1:] == [told(row.figures[each.name], each) for each in m.MEASURES]

    @every_plot
    def test_is_left_out_where_every_case_failed(self, draw: Callable[[Result], tuple[Chart, ...]]) -> None:
        assert draw(NOTHING) == ()
        assert draw(replace(NOTHING, rows=())) == ()

    @every_plot
    def test_shows_names_as_they_are(self, draw: Callable[[Result], tuple[Chart, ...]]) -> None:
        for chart in draw(HOSTILE):
            assert HOSTILE_NAME not in json.dumps(fields(chart))
            assert "<img" not in json.dumps(fields(chart))

    @every_plot
    def test_draws_with_one_case_too(self, draw: Callable[[Result], tuple[Chart, ...]]) -> None:
        assert all(fields(chart)["data"] for chart in draw(replace(ONE_SERIES, rows=(ONE_SERIES.rows[0], FAILED))))

    def test_names_the_extra_that_brings_plotly_when_it_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = builtins.__import__

        def missing(name: str, *args: Any, **kwargs: Any) -> Any:
            if name.startswith("plotly"):
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", missing)

        with pytest.raises(MissingExtraError, match=r"pip install 'observed-hooks\[compare\]'"):
            throughput_by_size(ONE_SERIES)
