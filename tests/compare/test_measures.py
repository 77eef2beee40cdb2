from __future__ import annotations

import re

from observed_hooks.compare.measures import MEASURES
from tools.measures_table import BEGIN, DOCUMENT, END, table, with_table


class TestMeasures:
    def test_have_names_of_their_own(self) -> None:
        assert len({measure.name for measure in MEASURES}) == len(MEASURES)
        assert len({measure.title for measure in MEASURES}) == len(MEASURES)

    def test_have_names_that_need_no_quotes_in_any_file(self) -> None:
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", measure.name) for measure in MEASURES)

    def test_name_no_column_that_would_pass_for_a_spread(self) -> None:
        assert not [measure.name for measure in MEASURES if measure.name.endswith(("_low", "_high"))]

    def test_say_how_they_are_found_out_in_sentences(self) -> None:
        assert all(measure.method[0].isupper() and measure.method.endswith(".") for measure in MEASURES)


class TestTheDocumentation:
    def test_has_the_table_of_the_measures(self) -> None:
        text = DOCUMENT.read_text(encoding="utf-8")

        assert text == with_table(text), "stale: run python tools/measures_table.py"

    def test_has_a_row_for_every_measure(self) -> None:
        rows = table().splitlines()[2:]

        assert [row.split("`")[1] for row in rows] == [measure.name for measure in MEASURES]

    def test_has_its_table_between_markers_and_keeps_what_stands_around(self) -> None:
        assert with_table(f"before {BEGIN} old {END} after") == f"before {BEGIN}\n{table()}\n{END} after"
