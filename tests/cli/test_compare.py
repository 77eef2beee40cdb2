from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from observed_hooks.cli import compare_run
from observed_hooks.cli.main import main
from observed_hooks.compare import comparison, gather, machine
from observed_hooks.errors import ConfigurationError, MissingExtraError
from tests.compare.children import SUBJECT, Children
from tests.compare.examples import events

Run = Callable[..., Result]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    made = Children()
    monkeypatch.setattr(comparison, "run", made.run)
    return made


@pytest.fixture
def run(tmp_path: Path, children: Children, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls the command on one TFRecord file that no one reads, in a directory that is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gather, "_write_for_people", lambda result, workspace: None)
    (tmp_path / "a.tfrecord").write_bytes(b"")

    def invoke(*options: str, source: tuple[str, ...] = ("--tfrecord", "a.tfrecord")) -> Result:
        return CliRunner().invoke(main, ["compare", *source, *options], prog_name="observed-hooks")

    return invoke


SMALL = ("--buffer-sizes", "100,1k", "--repeats", "2", "--dir", "out")


class TestAComparison:
    def test_measures_every_case_and_prints_table_recommendation_and_files(self, run: Run, children: Children) -> None:
        result = run(*SMALL)

        assert result.exit_code == 0
        assert children.calls[0] == "survey"
        assert sorted(children.calls[1:]) == [
            *("shuffle-0 1", "shuffle-0 2", "shuffle-100 1", "shuffle-100 2", "shuffle-1k 1", "shuffle-1k 2"),
        ]
        assert SUBJECT in result.stdout
        assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith((" 0", " 1"))] == [
            *("0", "100", "1k"),
        ]
        assert "Recommended: " in result.stdout
        assert "Figures  out/result.json, result.csv" in result.stdout

    def test_that_cannot_be_written_down_is_shown_all_the_same(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(result: object, workspace: object) -> None:
            raise ConfigurationError("the report cannot be written to report.html: No space left on device")

        monkeypatch.setattr(gather, "_write_for_people", full)
        result = run(*SMALL)

        assert result.exit_code == 2
        assert "Recommended: " in result.stdout
        assert result.stderr.splitlines()[-1].endswith("report.html: No space left on device")

    def test_leaves_results_for_programs(self, run: Run, tmp_path: Path) -> None:
        run(*SMALL)
        fields = json.loads((tmp_path / "out" / "result.json").read_text())

        assert [row["name"] for row in fields["rows"]] == ["shuffle-0", "shuffle-100", "shuffle-1k"]
        assert fields["complete"] is True
        assert fields["machine"]["tensorflow"]
        assert fields["settings"] == {
            "tfrecord": "a.tfrecord",
            "buffer-sizes": "0,100,1k",
            "symbolic": "no",
            "repeats": 2,
            "batch-size": 32,
            "save-interval": 600.0,
        }
        assert (tmp_path / "out" / "result.csv").read_text().startswith("name,")

    def test_prints_one_json_object_for_programs_and_nothing_else(self, run: Run) -> None:
        result = run(*SMALL, "--json")

        assert result.stderr == ""
        assert [row["buffer_size"] for row in json.loads(result.stdout)["rows"]] == [0, 100, 1000]

    def test_of_everything_has_a_case_for_each_size_place_and_way_to_save(self, run: Run, children: Children) -> None:
        places = ("--placement", "before-decode,after-decode", "--element-bytes", "64", "--symbolic", "both")
        result = run(*places, "--buffer-sizes", "100", "--repeats", "1", "--dir", "out")

        assert result.exit_code == 0
        assert len(children.calls[1:]) == 6
        assert "shuffle-100-before-decode-symbolic 1" in children.calls

    def test_gives_a_case_the_budget_and_most_of_the_memory(
        self, run: Run, children: Children, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine, "available_memory_bytes", lambda: 1000)
        run(*SMALL, "--budget", "500")
        run(*SMALL, "--budget", "1", "--restart", "--max-memory", "1.5K")

        assert (children.limits[0].seconds, children.limits[0].memory_bytes) == (500.0, 800)
        assert (children.limits[-1].seconds, children.limits[-1].memory_bytes) == (120.0, 1536)

    @pytest.mark.parametrize("option", ["--budget", "--save-interval"])
    def test_refuses_seconds_that_are_no_number(self, run: Run, option: str) -> None:
        result = run(*SMALL, option, "nan")

        assert result.exit_code == 2
        assert "expected seconds, got nan" in result.output

    def test_measures_each_case_once_within_no_budget_and_says_what_is_missing(
        self, run: Run, children: Children
    ) -> None:
        result = run(*SMALL, "--budget", "0")

        assert result.exit_code == 0
        assert sorted(children.calls[1:]) == ["shuffle-0 1", "shuffle-100 1", "shuffle-1k 1"]
        assert "The budget is used up: 3 of 6 repeats are done." in result.stderr

    def test_without_the_extra_names_it_in_a_line_and_goes_without_report(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(result: object, workspace: object) -> None:
            raise MissingExtraError("the report needs jinja2: pip install 'observed-hooks[compare]'")

        monkeypatch.setattr(gather, "_write_for_people", refuse)
        result = run(*SMALL)

        assert result.exit_code == 0
        assert "the report needs jinja2: pip install 'observed-hooks[compare]'" in result.stdout
        assert "report.html" not in result.stdout


class TestACaseThatFails:
    def test_is_a_row_that_says_so_and_exit_code_1(self, run: Run, children: Children) -> None:
        children.failures["shuffle-1k 1"] = (1, "ran out of memory")
        result = run(*SMALL)

        assert result.exit_code == 1
        assert "shuffle-1k, 1 of 2, failed: ran out of memory" in result.stderr
        assert "1k: 1 of 1 repeat failed: ran out of memory" in result.stdout
        assert "shuffle-1k 2" not in children.calls

    def test_without_a_word_is_told_by_exit_code_last_words_and_log(self, run: Run, children: Children) -> None:
        children.failures["shuffle-1k 1"] = (-11, "")
        told = " ".join(run(*SMALL).stderr.split())

        assert "its process ended with exit code -11: its last words (all it said is in " in told
        assert "out/cases/shuffle-1k/1/process.log)" in told

    def test_is_tried_again_by_the_same_command(self, run: Run, children: Children) -> None:
        children.failures["shuffle-1k 1"] = (1, "ran out of memory")
        run(*SMALL)
        children.failures.clear()

        assert run(*SMALL).exit_code == 0
        assert children.calls[-2:] == ["shuffle-1k 1", "shuffle-1k 2"]


class TestAnInterruptedComparison:
    @pytest.fixture
    def interrupted(self, run: Run, children: Children) -> Result:
        def interrupt(call: str) -> None:
            if len(children.calls) == 5:  # the survey, a round, and one more
                raise KeyboardInterrupt

        children.before = interrupt
        result = run(*SMALL)
        children.before = lambda call: None
        return result

    def test_keeps_what_is_done_shows_it_and_says_how_to_continue(self, interrupted: Result, tmp_path: Path) -> None:
        assert interrupted.exit_code == 130
        assert "4 of 6 repeats are done. The same command, without --restart, continues." in (interrupted.stderr)
        assert "Recommended: " in interrupted.stdout
        assert json.loads((tmp_path / "out" / "result.json").read_text())["complete"] is False

    def test_is_continued_by_the_same_command(self, interrupted: Result, run: Run, children: Children) -> None:
        before = list(children.calls)
        result = run(*SMALL)

        assert result.exit_code == 0
        assert len(children.calls) == len(before) + 2
        assert len(set(children.calls)) == 7
        assert "An earlier comparison of the same is continued" in " ".join(result.stderr.split())

    def test_is_given_up_with_restart(self, interrupted: Result, run: Run, children: Children) -> None:
        children.calls.clear()
        run(*SMALL, "--restart")

        assert len(children.calls) == 7

    def test_is_not_mixed_with_another(self, interrupted: Result, run: Run) -> None:
        result = run(*SMALL, "--batch-size", "64")

        assert result.exit_code == 2
        assert "holds another comparison: batch size 32 there, 64 here; pass --restart" in result.stderr

    def test_before_anything_was_measured_leaves_nothing(self, run: Run, children: Children, tmp_path: Path) -> None:
        def interrupt(call: str) -> None:
            raise KeyboardInterrupt

        children.before = interrupt
        result = run(*SMALL)

        assert result.exit_code == 130
        assert not (tmp_path / "out").exists()


class TestTrainings:
    @pytest.fixture(autouse=True)
    def trainings(self, tmp_path: Path, run: Run) -> None:
        """Two of them, `a` and `b`, and `b` saves ten times as much."""
        for number, name in enumerate("ab"):
            path = tmp_path / name / "observed_hooks" / "events.jsonl"
            path.parent.mkdir(parents=True)
            published = [{**each, "run": name} for each in events(size_bytes=10**number * 100_000)]
            path.write_text("".join(json.dumps(each) + "\n" for each in published))

    @pytest.mark.parametrize("source", [("--runs", "a", "b"), ("--runs", "a", "--runs", "b")])
    def test_are_rows_of_the_same_table(
        self, run: Run, children: Children, tmp_path: Path, source: tuple[str, ...]
    ) -> None:
        result = run(source=source)

        assert result.exit_code == 0
        assert children.calls == []
        assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith((" a ", " b "))] == ["a", "b"]
        written = json.loads((tmp_path / "observed_hooks_compare_runs" / "result.json").read_text())
        assert [row["figures"]["checkpoint_bytes"]["high"] for row in written["rows"]] == [100_000, 1_000_000]

    def test_are_one_json_object_for_programs(self, run: Run) -> None:
        fields = json.loads(run(source=("--runs", "a", "b", "--json")).stdout)

        assert [row["name"] for row in fields["rows"]] == ["a", "b"]
        assert fields["machine"] is None

    def test_that_are_not_there_are_misuse_and_leave_nothing(self, run: Run, tmp_path: Path) -> None:
        result = run("--dir", "out", source=("--runs", "a", "c"))

        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()

    def test_do_not_overwrite_what_was_measured(self, run: Run) -> None:
        run(*SMALL)
        result = run("--dir", "out", source=("--runs", "a"))

        assert result.exit_code == 2
        assert "holds a comparison of cases" in result.stderr

    @pytest.mark.parametrize("option", [("--repeats", "3"), ("--tfrecord", "a.tfrecord"), ("--serve",)])
    def test_take_no_option_of_a_measurement(self, run: Run, option: tuple[str, ...]) -> None:
        result = run(*option, source=("--runs", "a"))

        assert result.exit_code == 2
        assert f"{option[0]} cannot be given with --runs" in result.stderr


class TestServing:
    def test_shows_each_case_as_a_run_while_others_are_measured_and_until_ctrl_c(
        self, run: Run, children: Children, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pages: list[str] = []
        urls: list[str] = []
        real = compare_run.Export.add

        def look(call: str) -> None:
            with urllib.request.urlopen(urls[0]) as answer:  # noqa: S310 - our own
                pages.append(answer.read().decode())

        def add(export: compare_run.Export, repeats: object) -> None:
            urls.append(export.exporter.url)
            children.before = look
            real(export, repeats)  # type: ignore[arg-type] # passed on

        def stay(export: compare_run.Export) -> None:
            look("")

        monkeypatch.setattr(compare_run.Export, "add", add)
        monkeypatch.setattr(compare_run, "_stay", stay)
        result = run(*SMALL, "--serve", "--port", "0")

        assert result.exit_code == 0
        assert 'run="shuffle-0"' in pages[1]
        assert 'run="shuffle-1k"' not in pages[0]
        for name in ("shuffle-0", "shuffle-100", "shuffle-1k"):
            assert f'observed_hooks_last_save_stall_seconds{{kind="input_pipeline",run="{name}"' in pages[-1]

    def test_stays_until_ctrl_c_and_then_ends_well(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(compare_run, "_wait", interrupt)
        result = run(*SMALL, "--serve", "--port", "0")

        assert result.exit_code == 0
        assert result.stderr.endswith("Stopped.\n")


class TestMisuse:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--buffer-sizes", "10x"), "expected buffer sizes such as 0,1k,10k,2.5m"),
            (("--placement", "before-decode"), "does not apply to --tfrecord without --element-bytes"),
            (("--pipeline", "a:b"), "expected one source"),
            (("--batch-size", "0"), "only a --pipeline makes batches itself"),
            (("--max-memory", "much"), "expected bytes such as 800M or 4G"),
            (("--symbolic", "maybe"), "Invalid value for '--symbolic'"),
            (("--repeats", "0"), "Invalid value for '--repeats'"),
            (("stray",), "expected directories of trainings behind --runs"),
        ],
    )
    def test_is_refused_before_anything_is_made_or_started(
        self, run: Run, children: Children, tmp_path: Path, options: tuple[str, ...], message: str
    ) -> None:
        result = run("--dir", "out", *options)

        assert result.exit_code == 2
        assert message in result.stderr
        assert children.calls == []
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            (("--tfrecord", "no-such-*"), "no file matches 'no-such-*'"),
            (("--pipeline", "my_input.dataset"), "expected --pipeline module:function"),
            (("--element-bytes", "64"), "it needs --tfrecord"),
        ],
    )
    def test_of_a_source_is_refused_before_anything_is_made_or_started(
        self, run: Run, children: Children, tmp_path: Path, source: tuple[str, ...], message: str
    ) -> None:
        result = run("--dir", "out", source=source)

        assert result.exit_code == 2
        assert message in result.stderr
        assert children.calls == []
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("code", [1, 2])
    def test_that_only_the_survey_finds_leaves_one_line_and_nothing_else(
        self, run: Run, children: Children, tmp_path: Path, code: int
    ) -> None:
        children.failures["survey"] = (code, "'a.tfrecord' holds no examples")
        result = run(*SMALL, "--json")

        assert result.exit_code == 2
        assert result.stderr.endswith("'a.tfrecord' holds no examples\n")
        assert len(result.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()

    def test_of_a_directory_that_holds_something_else_is_refused(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.tex").write_text("")
        result = run(*SMALL)

        assert result.exit_code == 2
        assert "was not made by a comparison" in result.stderr

    def test_without_scikit_learn_names_the_extra_when_its_digits_are_asked_for(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        result = run("--dir", "out", source=())

        assert result.exit_code == 2
        assert "pip install 'observed-hooks[demo]'" in result.stderr
        assert not (tmp_path / "out").exists()
