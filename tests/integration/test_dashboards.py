"""Every query of every dashboard, answered by a real Prometheus that holds hours of history."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana import board_files
from observed_hooks.dashboards.queries import exported_names
from observed_hooks.metrics import CATALOGUE
from tests.integration.history import HOURS, RUNS, history_server
from tests.integration.servers import Prometheus
from tests.integration.variables import resolved

BOARDS: dict[str, Any] = {name: json.loads(text) for name, text in board_files(Config()).items()}


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield from panel.get("panels", [])
        if panel["type"] != "row":
            yield panel


QUERIES = [
    pytest.param(target, id=f"{name}: {panel['title']}: {target['legendFormat']}")
    for name, board in BOARDS.items()
    for panel in panels(board)
    for target in panel["targets"]
]


@pytest.fixture(scope="module")
def end_seconds() -> int:
    return int(time.time()) - 120


@pytest.fixture(scope="module")
def prometheus(
    program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, end_seconds: int
) -> Iterator[Prometheus]:
    for name in ("promtool", "prometheus"):
        program(name)
    with history_server(tmp_path_factory.mktemp("prometheus"), end_seconds) as running:
        yield running


class TestEveryPanel:
    @pytest.mark.parametrize("target", QUERIES)
    def test_gets_data(self, prometheus: Prometheus, end_seconds: int, target: dict[str, Any]) -> None:
        query = resolved(target["expr"])
        if target["instant"]:
            found = prometheus.ask(query, time=end_seconds)
        else:
            start = end_seconds - HOURS * 3600
            found = prometheus.ask(query, start=start, end=end_seconds, step=300)

        assert found
        assert any(number != "NaN" for series in found for _, number in series.get("values", [series.get("value")]))

    @pytest.mark.parametrize("target", QUERIES)
    def test_names_its_series_by_labels_that_they_have(
        self, prometheus: Prometheus, end_seconds: int, target: dict[str, Any]
    ) -> None:
        wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        found = prometheus.ask(resolved(target["expr"]), time=end_seconds)

        assert all(wanted <= series["metric"].keys() for series in found)


class TestTheVariables:
    @pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
    def test_offer_every_run(self, prometheus: Prometheus, end_seconds: int, board: dict[str, Any]) -> None:
        definitions = {each["name"]: each.get("definition") for each in board["templating"]["list"]}
        selector = resolved(re.sub(r"label_values\((.*), run\)", r"\1", definitions["run"]))

        assert {each["metric"]["run"] for each in prometheus.ask(selector, time=end_seconds)} == {
            run.name for run in RUNS
        }


class TestTheHistory:
    @pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
    def test_holds_every_metric(self, prometheus: Prometheus, end_seconds: int, metric: Any) -> None:
        assert all(prometheus.ask(name, time=end_seconds) for name in exported_names(metric))
