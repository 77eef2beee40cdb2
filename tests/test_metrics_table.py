from __future__ import annotations

from observed_hooks.metrics import CATALOGUE, PREFIX
from tools.metrics_table import README, table, with_table


def test_the_readmes_table_is_that_of_the_catalogue() -> None:
    text = README.read_text(encoding="utf-8")

    assert text == with_table(text), "stale: run python tools/metrics_table.py"


def test_the_table_has_a_row_for_every_metric() -> None:
    rows = table().splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == [
        metric.name.removeprefix(PREFIX) + ("_info" if metric.type == "info" else "") for metric in CATALOGUE
    ]
