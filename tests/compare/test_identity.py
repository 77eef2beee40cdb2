from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from observed_hooks.compare.case import Case
from observed_hooks.compare.identity import identity_of
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.workspace import claimed, establish
from observed_hooks.errors import ConfigurationError

FILES = Source(kind="tfrecord", text="data/*.tfrecord")
PIPELINE = Source(kind="pipeline", text="an_input_of_tests:dataset")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with two files of records and a module."""
    (tmp_path / "data").mkdir()
    for name in ("a.tfrecord", "b.tfrecord"):
        (tmp_path / "data" / name).write_bytes(b"records")
    (tmp_path / "an_input_of_tests.py").write_text("raise RuntimeError('it was imported')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestFiles:
    def test_are_the_same_while_nobody_touches_them(self, here: Path) -> None:
        before = identity_of(FILES)
        (here / "data" / "notes.txt").write_text("not one of them")

        assert before
        assert identity_of(FILES) == before

    @pytest.mark.parametrize("change", ["larger", "newer", "one more", "one less", "another name"])
    def test_are_others_when_one_of_them_changes(self, here: Path, change: str) -> None:
        before = identity_of(FILES)
        first = here / "data" / "a.tfrecord"
        status = first.stat()
        if change == "larger":
            first.write_bytes(b"more records")
            os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns))
        elif change == "newer":
            os.utime(first, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
        elif change == "one more":
            (here / "data" / "c.tfrecord").write_bytes(b"records")
        elif change == "one less":
            first.unlink()
        else:
            first.rename(here / "data" / "c.tfrecord")

        assert identity_of(FILES) != before

    def test_that_are_not_there_have_no_identity(self) -> None:
        assert identity_of(Source(kind="tfrecord", text="nowhere/*")) == ""


class TestAModule:
    def test_is_known_by_its_content_without_being_imported(self, here: Path) -> None:
        before = identity_of(PIPELINE)
        (here / "an_input_of_tests.py").touch()

        assert before
        assert identity_of(PIPELINE) == before
        assert PIPELINE.text.partition(":")[0] not in sys.modules

    def test_is_another_one_once_it_was_edited(self, here: Path) -> None:
        before = identity_of(PIPELINE)
        (here / "an_input_of_tests.py").write_text("raise RuntimeError('it was edited')\n")

        assert identity_of(PIPELINE) != before

    def test_in_a_package_is_found_without_importing_that_either(self, here: Path) -> None:
        (here / "a_package_of_tests").mkdir()
        (here / "a_package_of_tests" / "__init__.py").write_text("raise RuntimeError('it was imported')\n")
        module = here / "a_package_of_tests" / "inputs.py"
        module.write_text("SEED = 1\n")
        source = Source(kind="pipeline", text="a_package_of_tests.inputs:dataset")
        before = identity_of(source)
        module.write_text("SEED = 2\n")

        assert before
        assert identity_of(source) not in {before, ""}

    @pytest.mark.parametrize("name", ["no_such_module", "no_such.module", "an_input_of_tests.below", "sys", "", "a..b"])
    def test_whose_file_cannot_be_found_has_no_identity(self, name: str) -> None:
        assert identity_of(Source(kind="pipeline", text=f"{name}:dataset")) == ""


class TestTheDigits:
    def test_never_change_and_have_no_identity(self) -> None:
        assert identity_of(Source(kind="digits")) == ""


def survey(plan: Plan) -> None:
    (Path(plan.survey) / "survey.json").write_text("{}")


def begin(here: Path, source: Source, *, restart: bool = False) -> bool:
    plan = Plan(
        directory=str(here / "out"),
        source=source,
        cases=(Case(0), Case(100)),
        repeats=3,
        batch_size=32,
        save_interval_seconds=600.0,
        read_seconds=1.0,
    )
    with claimed(plan.directory):
        return establish(plan, {"cpu": "Z80"}, restart=restart, survey=survey)


class TestAComparison:
    @pytest.mark.parametrize("source", [FILES, PIPELINE, Source(kind="digits")])
    def test_continues_while_its_source_is_the_same(self, here: Path, source: Source) -> None:
        assert [begin(here, source), begin(here, source)] == [False, True]

    def test_of_files_that_have_changed_is_refused_and_anew_is_not(self, here: Path) -> None:
        begin(here, FILES)
        (here / "data" / "a.tfrecord").write_bytes(b"more records")

        with pytest.raises(ConfigurationError, match="another comparison: the files have changed; pass --restart"):
            begin(here, FILES)
        assert [begin(here, FILES, restart=True), begin(here, FILES)] == [False, True]

    def test_of_a_pipeline_that_was_edited_is_refused_and_anew_is_not(self, here: Path) -> None:
        begin(here, PIPELINE)
        (here / "an_input_of_tests.py").write_text("BATCH = 64\n")

        with pytest.raises(ConfigurationError, match="the pipeline's module has changed; pass --restart"):
            begin(here, PIPELINE)
        assert [begin(here, PIPELINE, restart=True), begin(here, PIPELINE)] == [False, True]

    def test_of_another_source_is_not_said_to_have_changed(self, here: Path) -> None:
        begin(here, PIPELINE)

        with pytest.raises(ConfigurationError) as refused:
            begin(here, FILES)
        assert "changed" not in str(refused.value)

    def test_whose_module_cannot_be_found_any_more_continues(self, here: Path) -> None:
        begin(here, PIPELINE)
        (here / "an_input_of_tests.py").unlink()

        assert begin(here, PIPELINE) is True

    def test_that_knows_no_identity_continues(self, here: Path) -> None:
        module = here / "an_input_of_tests.py"
        module.rename(here / "elsewhere.py")
        begin(here, PIPELINE)
        module.write_text("BATCH = 64\n")

        assert begin(here, PIPELINE) is True
