from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from observed_hooks.compare.files import as_fields, load_result, write_csv, write_json
from observed_hooks.compare.measures import MEASURES
from observed_hooks.errors import ConfigurationError
from tests.compare.examples import RESULT


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class TestJson:
    @pytest.mark.parametrize(
        "result", [RESULT, replace(RESULT, machine=None, recommendation=None, rows=(), complete=False)]
    )
    def test_is_read_back_as_it_was(self, tmp_path: Path, result: object) -> None:
        write_json(result, tmp_path / "result.json")  # type: ignore[arg-type]

        assert load_result(tmp_path / "result.json") == result

    def test_tells_median_spread_repeats_and_unit_of_each_figure(self, tmp_path: Path) -> None:
        write_json(RESULT, tmp_path / "result.json")

        read = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))

        assert read["rows"][1]["figures"] == {
            "save_seconds": {"median": 0.25, "low": 0.2, "high": 0.5, "repeats": 3, "unit": "seconds"}
        }

    def test_says_what_each_measure_is(self) -> None:
        assert [each["name"] for each in as_fields(RESULT)["measures"]] == [each.name for each in MEASURES]

    def test_for_programs_is_the_same_as_in_the_file(self, tmp_path: Path) -> None:
        write_json(RESULT, tmp_path / "result.json")

        read = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))

        assert read == json.loads(json.dumps(as_fields(RESULT)))


class TestCsv:
    def test_has_a_line_for_each_case(self, tmp_path: Path) -> None:
        write_csv(RESULT, tmp_path / "result.csv")

        lines = lines_of(tmp_path / "result.csv")

        assert [line["name"] for line in lines] == [row.name for row in RESULT.rows]
        assert [line["failed"] for line in lines] == ["False", "False", "True"]

    def test_has_the_spread_beside_the_median_and_nothing_for_what_is_not_known(self, tmp_path: Path) -> None:
        write_csv(RESULT, tmp_path / "result.csv")

        line = lines_of(tmp_path / "result.csv")[1]

        assert (line["save_seconds"], line["save_seconds_low"], line["save_seconds_high"]) == ("0.25", "0.2", "0.5")
        assert (line["mixing"], line["mixing_low"]) == ("", "")

    def test_has_three_columns_for_each_measure(self, tmp_path: Path) -> None:
        write_csv(replace(RESULT, rows=()), tmp_path / "result.csv")

        (head,) = (tmp_path / "result.csv").read_text(encoding="utf-8").splitlines()

        assert head.split(",")[5:-1] == [
            f"{each.name}{suffix}" for each in MEASURES for suffix in ("", "_low", "_high")
        ]

    def test_keeps_remarks_with_commas_in_one_field(self, tmp_path: Path) -> None:
        write_csv(RESULT, tmp_path / "result.csv")

        assert lines_of(tmp_path / "result.csv")[1]["remarks"] == "; ".join(RESULT.rows[1].remarks)


class TestWriting:
    def test_replaces_an_older_file_and_leaves_nothing_else(self, tmp_path: Path) -> None:
        (tmp_path / "result.json").write_text("old", encoding="utf-8")

        write_json(RESULT, tmp_path / "result.json")

        assert load_result(tmp_path / "result.json") == RESULT
        assert [path.name for path in tmp_path.iterdir()] == ["result.json"]

    def test_that_fails_keeps_the_old_file_and_leaves_nothing_half_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(source: str, target: object) -> None:
            raise PermissionError(13, "Permission denied")

        (tmp_path / "result.csv").write_text("old", encoding="utf-8")
        monkeypatch.setattr("os.replace", refuse)

        with pytest.raises(ConfigurationError, match=r"cannot be written to .*result\.csv: Permission denied"):
            write_csv(RESULT, tmp_path / "result.csv")

        assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]

    def test_into_a_directory_that_is_not_there_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="No such file or directory"):
            write_json(RESULT, tmp_path / "none" / "result.json")


class TestLoading:
    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"rows": 1}', '{"machine": {"a": 1}}', "\x00"])
    def test_of_something_else_says_what_was_expected(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "result.json").write_text(text, encoding="utf-8")

        with pytest.raises(ConfigurationError, match="expected the result of a comparison"):
            load_result(tmp_path / "result.json")

    def test_of_nothing_says_where_it_looked(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"result\.json cannot be read: No such file"):
            load_result(tmp_path / "result.json")
