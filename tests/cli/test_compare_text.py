from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from observed_hooks.cli.compare_text import COLUMNS, COLUMNS_OF_RUNS, print_result
from observed_hooks.compare.result import Figure, Result
from observed_hooks.compare.workspace import Workspace
from tests.compare.results import FAILED, FOUR_SERIES, HOSTILE, HOSTILE_NAME, NOTHING, ONE_SERIES, RUNS

Show = Callable[..., str]


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    """What a result looks like in a terminal of 100 columns, from the directory above the comparison's."""
    monkeypatch.chdir(tmp_path)

    def perform(result: Result, *notes: str, width: int = 100) -> str:
        screen = io.StringIO()
        print_result(Console(file=screen, width=width), result, Workspace(str(tmp_path / "out")), notes)
        return screen.getvalue()

    return perform


def cells(text: str, label: str) -> list[str]:
    """The cells of the row that begins with `label`, units kept apart."""
    return next(line.split() for line in text.splitlines() if line.startswith(f" {label} "))


class TestTheTable:
    @pytest.mark.parametrize("result", [ONE_SERIES, FOUR_SERIES, RUNS, NOTHING])
    def test_fits_100_columns_with_every_heading_whole(self, show: Show, result: Result) -> None:
        lines = show(result).splitlines()

        assert max(map(len, lines)) <= 100
        columns = COLUMNS if result.machine else COLUMNS_OF_RUNS
        assert any(all(measure.title in line for measure in columns) for line in lines)

    def test_is_whole_in_a_narrower_terminal_and_in_a_pipe_too(self, show: Show) -> None:
        assert any(
            all(measure.title in line for measure in COLUMNS) for line in show(ONE_SERIES, width=60).splitlines()
        )

    def test_has_sizes_and_durations_as_people_read_them(self, show: Show) -> None:
        assert cells(show(ONE_SERIES), "10k") == [
            *("10k", "151", "ms", "40,000", "35.9", "MiB", "10,000", "12.0", "MiB"),
            *("61.1", "ms", "124", "ms", "0.962"),
        ]

    def test_shows_the_spread_where_it_is_telling_and_says_what_it_means(self, show: Show) -> None:
        text = show(ONE_SERIES)

        assert " ± 8 % " in text
        assert "± is half the distance from the lowest to the highest" in " ".join(text.split())

    def test_says_of_how_many_repeats_the_medians_are(self, show: Show) -> None:
        def of(repeats: int) -> Result:
            rows = [
                replace(row, figures={name: replace(each, repeats=repeats) for name, each in row.figures.items()})
                for row in ONE_SERIES.rows
            ]
            return replace(ONE_SERIES, rows=tuple(rows))

        uneven = replace(ONE_SERIES, rows=(*of(3).rows[:1], *of(2).rows[1:]))

        assert "Medians of 3 repeats" in show(of(3))
        assert "Medians of up to 3 repeats" in show(uneven)

    def test_shows_no_spread_where_there_is_next_to_none(self, show: Show) -> None:
        def narrow(figure: Figure) -> Figure:
            return replace(figure, low=figure.median * 0.99, high=figure.median * 1.01)

        rows = [
            replace(row, figures={name: narrow(figure) for name, figure in row.figures.items()})
            for row in ONE_SERIES.rows
        ]

        table = show(replace(ONE_SERIES, rows=tuple(rows))).partition("Medians")[0]

        assert "±" not in table

    def test_names_place_and_way_to_save_where_they_tell_cases_apart(self, show: Show) -> None:
        assert "before-decode" in show(FOUR_SERIES).partition("Medians")[0]
        assert "decode" not in show(ONE_SERIES)

    def test_of_runs_has_their_names_and_what_production_tells(self, show: Show) -> None:
        text = show(RUNS)

        assert any(all(measure.title in line for measure in COLUMNS_OF_RUNS) for line in text.splitlines())
        assert cells(text, "speech")[0] == "speech"
        assert "mixing" not in text.partition("Medians")[0]
        assert "saves, samples and resumptions of a run" in " ".join(text.split())


class TestTheRest:
    def test_is_the_recommendation_first_of_all(self, show: Show) -> None:
        assert "Recommended: 10k: 96 % of the mixing of 37.5k for 27 % of the checkpoint bytes\n" in show(ONE_SERIES)

    def test_says_why_nothing_is_recommended(self, show: Show) -> None:
        assert "No recommendation: nothing was measured" in show(NOTHING)

    def test_says_what_went_wrong_under_the_name_of_the_case(self, show: Show) -> None:
        text = " ".join(show(NOTHING).split())

        assert "failed" in text
        assert "1m: 3 of 3 repeats failed: the process was killed by signal 9" in text

    def test_says_once_what_is_true_of_all_that_were_measured(self, show: Show) -> None:
        rows = [replace(row, remarks=("no labels", "odd")[: 1 + (row.buffer_size == 100)]) for row in ONE_SERIES.rows]
        text = show(replace(ONE_SERIES, rows=(*rows, FAILED)))

        assert text.count("no labels") == 1
        assert "Each: no labels\n100: odd\n1m: 3 of 3 repeats failed" in text

    def test_passes_on_notes_and_foreign_text_as_they_are(self, show: Show) -> None:
        text = show(HOSTILE, "run: pip install 'observed-hooks[compare]'")

        assert "run: pip install 'observed-hooks[compare]'" in text
        assert HOSTILE_NAME in text.replace("\n", "")

    def test_names_only_files_that_are_there(self, show: Show, tmp_path: Path) -> None:
        without = show(ONE_SERIES)
        (tmp_path / "out" / "tensorboard").mkdir(parents=True)
        for name in ("report.html", "result.json"):
            (tmp_path / "out" / name).write_text("")
        text = show(ONE_SERIES)

        assert "result.json" not in without
        assert "Figures  out/result.json, result.csv" in text
        assert "report.html" not in without
        assert "tensorboard" not in without
        assert "Report   out/report.html" in text
        assert f"tensorboard --logdir {os.path.join('out', 'tensorboard')}\n" in text
