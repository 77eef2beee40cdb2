from __future__ import annotations

import builtins
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from observed_hooks.compare import measures as m
from observed_hooks.compare.measures import MEASURES
from observed_hooks.compare.report import SECTIONS, content, page, spread_sentence, write_report
from observed_hooks.compare.result import Figure, Recommendation, Result
from observed_hooks.compare.wording import shown, spread
from observed_hooks.errors import ConfigurationError, MissingExtraError
from tests.compare.results import FAILED, FOUR_SERIES, HOSTILE, HOSTILE_NAME, MACHINE, NOTHING, ONE_SERIES, RUNS

EXAMPLES = {"one series": ONE_SERIES, "four series": FOUR_SERIES, "runs": RUNS, "hostile": HOSTILE, "nothing": NOTHING}
every_example = pytest.mark.parametrize("result", EXAMPLES.values(), ids=list(EXAMPLES))


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the text that people read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style" and data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(result: Result) -> Page:
    return Page(page(result))


def section(result: Result, title: str) -> dict[str, Any]:
    (found,) = (each for each in content(result)["sections"] if each["title"] == title)
    return dict(found)


class TestThePage:
    def test_says_what_was_read_and_what_to_take(self) -> None:
        text = read(ONE_SERIES).text

        assert ONE_SERIES.subject in text
        assert ONE_SERIES.recommendation is not None
        assert ONE_SERIES.recommendation.sentence in text

    def test_says_what_else_matters_in_a_sentence_of_its_own(self) -> None:
        told = Recommendation(name="shuffle-10k", sentence="10k: 80 % of the mixing of 40k; it takes 8.1 MiB; it lags")
        texts = read(replace(ONE_SERIES, recommendation=told)).texts

        assert "10k: 80 % of the mixing of 40k" in texts
        assert "It takes 8.1 MiB; it lags." in texts

    def test_says_why_nothing_is_recommended(self) -> None:
        assert "None: the mixing of no case is known." in read(RUNS).text

    def test_shows_every_figure_with_its_spread(self) -> None:
        texts = set(read(FOUR_SERIES).texts)

        for row in FOUR_SERIES.rows:
            assert row.name in texts
            for measure in MEASURES:
                if measure.name in row.figures:
                    figure = row.figures[measure.name]
                    assert shown(figure.median, measure.unit) in texts
                    assert not spread(figure, measure.unit) or spread(figure, measure.unit) in texts

    def test_says_of_a_failed_case_why(self) -> None:
        text = read(FOUR_SERIES).text

        assert "failed: see the remarks" in text
        assert FAILED.remarks[0] in text

    def test_says_how_each_measure_is_found_out(self) -> None:
        text = read(ONE_SERIES).text

        assert all(measure.method in text for measure in MEASURES)

    def test_says_where_when_and_how_it_was_measured(self) -> None:
        text = read(ONE_SERIES).text

        for fact in (MACHINE.cpu, "2 cores", "8.0 GiB", MACHINE.system, MACHINE.python, MACHINE.tensorflow):
            assert fact in text
        assert ONE_SERIES.date in text
        assert all(f"{name} {value}" in text for name, value in ONE_SERIES.settings.items())

    def test_says_when_repeats_are_missing(self) -> None:
        assert "not every case has all its repeats yet" in read(replace(ONE_SERIES, complete=False)).text
        assert "a run has not ended yet" in read(replace(RUNS, complete=False)).text
        assert "Not complete" not in read(ONE_SERIES).text

    def test_tells_series_apart_where_there_are_several(self) -> None:
        assert "after-decode, symbolic" in read(FOUR_SERIES).texts
        assert "shuffle buffer" not in read(ONE_SERIES).texts

    @every_example
    def test_has_a_place_for_every_figure(self, result: Result) -> None:
        found = read(result)
        (figures,) = (json.loads(each) for each in found.scripts if each.startswith("{"))

        assert {each["id"] for each in found.named("div") if each.get("class") == "plot"} == figures.keys()

    @every_example
    def test_asks_no_network_for_anything(self, result: Result) -> None:
        found = read(result)
        (policy,) = (each["content"] for each in found.named("meta") if "http-equiv" in each)

        assert policy is not None
        assert policy.startswith("default-src 'none';")
        assert not [attributes for _, attributes in found.elements if {"src", "href", "srcset"} & attributes.keys()]

    @every_example
    def test_holds_plotly_once(self, result: Result) -> None:
        assert page(result).count("plotly.js v") == 1


class TestPlots:
    def test_are_all_there_when_everything_was_measured(self) -> None:
        sections = content(ONE_SERIES)["sections"]

        assert [len(each["charts"]) for each in sections] == [1, 3, 3, 1, 3]
        assert not any(each["left_out"] for each in sections)

    def test_without_data_are_left_out_with_a_sentence_that_says_why(self) -> None:
        assert section(RUNS, "Cost against quality")["left_out"] == "Left out: no row has figures for mixing."
        assert section(RUNS, "Seconds")["left_out"] == "Left out: no row has figures for first batch."
        assert section(RUNS, "Mixing")["left_out"] == (
            "Left out: no row has figures for displacement, neighbours or labels."
        )

    def test_that_need_two_figures_of_one_row_say_so(self) -> None:
        apart = [
            replace(ONE_SERIES.rows[number], figures={name: ONE_SERIES.rows[number].figures[name]})
            for number, name in enumerate((m.CHECKPOINT.name, m.MIXING.name))
        ]

        assert section(replace(ONE_SERIES, rows=tuple(apart)), "Cost against quality")["left_out"] == (
            "Left out: no row has figures for checkpoint and mixing at once."
        )

    def test_are_all_left_out_when_nothing_was_measured(self) -> None:
        assert all(section(NOTHING, each.title)["left_out"] for each in SECTIONS)
        assert not content(NOTHING)["figures"]


class TestWhatComesFromOutside:
    def test_is_text_and_never_an_element(self) -> None:
        found = read(HOSTILE)

        assert HOSTILE_NAME in found.text
        assert not found.named("img")
        assert len(found.named("script")) == len(read(RUNS).named("script"))

    def test_cannot_end_the_script_that_holds_the_figures(self) -> None:
        text = page(HOSTILE)
        figures = re.search(r'<script id="figures" type="application/json">(.*?)</script>', text, re.DOTALL)

        assert figures is not None
        assert json.loads(figures[1])

    def test_may_be_anything_in_an_attribute_too(self) -> None:
        row = replace(ONE_SERIES.rows[0], name='" onmouseover="hostile()')
        found = read(replace(ONE_SERIES, rows=(row,)))

        assert not any("onmouseover" in attributes for _, attributes in found.elements)


class TestTheSpread:
    def rows(self, *repeats: int) -> Result:
        rows = tuple(
            replace(row, figures={m.MIXING.name: Figure(0.5, 0.5, 0.5, count)})
            for row, count in zip(ONE_SERIES.rows, repeats, strict=False)
        )
        return replace(ONE_SERIES, rows=rows)

    def test_is_explained_by_the_repeats(self) -> None:
        assert spread_sentence(self.rows(3, 3)).startswith("Each figure is the median of 3 repeats.")
        assert spread_sentence(self.rows(2, 3)).startswith("Each figure is the median of 2 to 3 repeats.")

    def test_of_a_run_is_that_of_what_it_published(self) -> None:
        assert spread_sentence(RUNS).startswith("Each figure is the median of 3 values that its run published.")

    def test_is_none_after_a_single_repeat(self) -> None:
        assert "there is no spread" in spread_sentence(self.rows(1, 1))

    def test_is_not_spoken_of_when_nothing_was_measured(self) -> None:
        assert spread_sentence(NOTHING) == "Nothing was measured."


class TestWriting:
    def test_puts_the_page_where_it_was_told(self, tmp_path: Path) -> None:
        write_report(ONE_SERIES, tmp_path / "report.html")

        assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(ONE_SERIES)
        assert os.listdir(tmp_path) == ["report.html"]

    def test_leaves_the_old_page_when_it_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "report.html").write_text("old")

        def full(source: str, target: str) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)

        with pytest.raises(ConfigurationError, match=r"cannot be written to .*report.html: No space left on device"):
            write_report(ONE_SERIES, tmp_path / "report.html")
        assert os.listdir(tmp_path) == ["report.html"]
        assert (tmp_path / "report.html").read_text() == "old"

    def test_into_a_directory_that_is_not_there_is_one_clear_line(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"cannot be written to .*: No such file or directory"):
            write_report(ONE_SERIES, tmp_path / "gone" / "report.html")

    @pytest.mark.parametrize("absent", ["jinja2", "plotly"])
    def test_names_the_extra_that_brings_what_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str
    ) -> None:
        real = builtins.__import__

        def missing(name: str, *args: Any, **kwargs: Any) -> Any:
            if name.partition(".")[0] == absent:
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", missing)

        with pytest.raises(MissingExtraError, match=r"pip install 'observed-hooks\[compare\]'"):
            write_report(ONE_SERIES, tmp_path / "report.html")
        assert not os.listdir(tmp_path)
