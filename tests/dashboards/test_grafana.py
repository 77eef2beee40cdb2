from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from observed_hooks.dashboards.grafana import board_files
from observed_hooks.dashboards.queries import exported_names
from observed_hooks.metrics import CATALOGUE
from tests.dashboards.names import CONFIG, EXPORTED, series_in

BOARDS: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in board_files(CONFIG).items()}

NOT_SHOWN: dict[str, str] = {}
"""Metrics that are on no panel, each with its reason."""


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    nested = [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]
    return [panel for panel in nested if panel["type"] != "row"]


PANELS = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]

every_board = pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
every_panel = pytest.mark.parametrize(
    "panel", [panel for _, panel in PANELS], ids=[f"{name}: {panel['title']}" for name, panel in PANELS]
)


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


class TestDashboards:
    def test_are_the_three_and_link_to_each_other(self) -> None:
        links = {board["uid"]: {link["url"] for link in board["links"]} for board in BOARDS.values()}

        assert {board["title"] for board in BOARDS.values()} == {
            "Training checkpoints",
            "Checkpoint fleet",
            "Shuffle buffers",
        }
        assert all(urls == {f"/d/{other}" for other in links if other != uid} for uid, urls in links.items())

    @every_board
    def test_are_not_edited_in_the_browser(self, board: dict[str, Any]) -> None:
        assert board["editable"] is False
        assert board["schemaVersion"] == 42

    @every_board
    def test_take_their_data_source_from_a_variable(self, board: dict[str, Any]) -> None:
        found = [variable for variable in board["templating"]["list"] if variable["type"] == "datasource"]

        assert [variable["name"] for variable in found] == ["datasource"]

    @pytest.mark.parametrize("name", ["job", "instance", "run"])
    @every_board
    def test_let_the_reader_choose(self, board: dict[str, Any], name: str) -> None:
        variable = variables(board)[name]

        assert (variable["allValue"], variable["refresh"], variable["includeAll"]) == (".+", 2, True)
        assert series_in(variable["definition"]) <= EXPORTED.keys()

    @every_board
    def test_mark_saves_and_firing_alerts(self, board: dict[str, Any]) -> None:
        saves, alerts = (each["expr"] for each in board["annotations"]["list"])

        assert series_in(saves) <= EXPORTED.keys()
        assert 'ALERTS{alertstate="firing"' in alerts

    @every_board
    def test_number_their_panels(self, board: dict[str, Any]) -> None:
        everything = [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]
        numbers = [panel["id"] for panel in everything]

        assert len(numbers) == len(set(numbers))

    @every_board
    def test_have_no_panels_one_over_the_other_or_beyond_the_edge(self, board: dict[str, Any]) -> None:
        shown = board["panels"]
        for row in [shown, *(panel["panels"] for panel in shown if panel.get("panels"))]:
            places = [panel["gridPos"] for panel in row]
            assert all(place["x"] + place["w"] <= 24 for place in places)
            assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


class TestPanels:
    @every_panel
    def test_say_what_they_show_and_in_which_unit(self, panel: dict[str, Any]) -> None:
        assert panel["title"]
        assert re.search(r"[.?]$", panel["description"])
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"

    @every_panel
    def test_ask_with_the_variables(self, panel: dict[str, Any]) -> None:
        for target in panel["targets"]:
            selectors = re.findall(r"observed_hooks_\w+\{([^}]*)\}", target["expr"])

            assert len(selectors) == len(re.findall(r"observed_hooks_\w+", target["expr"]))
            assert all(each.startswith('job=~"$job", instance=~"$instance", run=~"$run"') for each in selectors)

    @every_panel
    def test_ask_only_for_metrics_of_the_catalogue(self, panel: dict[str, Any]) -> None:
        for target in panel["targets"]:
            assert series_in(target["expr"]) <= EXPORTED.keys()

    @every_panel
    def test_take_rates_over_a_window_that_fits_the_screen(self, panel: dict[str, Any]) -> None:
        for target in panel["targets"]:
            windows = set(re.findall(r"\[([^\]]+)\]", target["expr"]))

            assert windows <= {"$__rate_interval", "$__range"}
            if "histogram_quantile" in target["expr"]:
                assert windows == {"$__range"}

    @every_panel
    def test_name_their_series(self, panel: dict[str, Any]) -> None:
        letters = [target["refId"] for target in panel["targets"]]

        assert letters == sorted(set(letters))
        assert all(target["legendFormat"] for target in panel["targets"])

    def test_have_a_title_each_within_a_dashboard(self) -> None:
        titles = [(name, panel["title"]) for name, panel in PANELS]

        assert len(titles) == len(set(titles))


COMPARED = [panel for _, panel in PANELS if any("last_over_time" in target["expr"] for target in panel["targets"])]


class TestRunsOfAComparison:
    def test_are_side_by_side_in_what_only_a_comparison_measures(self) -> None:
        asked = set().union(*(series_in(target["expr"]) for panel in COMPARED for target in panel["targets"]))

        assert asked == {metric.name for metric in CATALOGUE if "from a comparison" in metric.help}

    @pytest.mark.parametrize("panel", COMPARED, ids=lambda panel: panel["title"])
    def test_are_shown_after_their_processes_have_ended(self, panel: dict[str, Any]) -> None:
        assert all("[$__range])" in target["expr"] for target in panel["targets"])

    @pytest.mark.parametrize("panel", COMPARED, ids=lambda panel: panel["title"])
    def test_say_what_feeds_them(self, panel: dict[str, Any]) -> None:
        assert "`observed-hooks compare`" in panel["description"]


class TestTheCatalogue:
    @pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
    def test_is_on_panels_or_excused_by_name(self, metric: Any) -> None:
        asked = set().union(*(series_in(target["expr"]) for _, panel in PANELS for target in panel["targets"]))
        shown = bool(asked & set(exported_names(metric)))

        assert shown != (metric.name in NOT_SHOWN)
