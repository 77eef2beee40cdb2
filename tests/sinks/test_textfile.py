from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse

from observed_hooks.errors import SinkError
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.sinks.textfile import TextfileSink
from tests.doubles import PATIENCE_SECONDS
from tests.sinks.examples import RECORDS, record, saved
from tests.sinks.limits import run_with_small_files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "textfile" / "digits.prom"


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def write(sink: TextfileSink, step: int) -> None:
    """Write a record, and wait until the file has been."""
    sink.write(record(saved(step)))
    assert sink._snapshots._worker.flush(PATIENCE_SECONDS)


def last_step(path: Path) -> float:
    (family,) = [family for family in parse(path.read_text()) if family.name == "observed_hooks_last_save_step"]
    return family.samples[0].value


class TestTextfileSink:
    def test_writes_what_a_scrape_would_see(self, path: Path) -> None:
        sink, scraped = TextfileSink(path), PrometheusSink()
        for example in RECORDS:
            sink.write(example)
            scraped.write(example)
        sink.close()
        assert path.read_bytes() == generate_latest(scraped.registry)

    def test_has_the_first_record_in_the_file_before_the_end(self, path: Path) -> None:
        write(TextfileSink(path), 7)
        assert last_step(path) == 7

    @pytest.mark.usefixtures("strict_umask")
    def test_lets_every_user_read_the_file_whatever_the_umask(self, tmp_path: Path) -> None:
        write(TextfileSink(tmp_path / "digits.prom"), 1)
        assert stat.S_IMODE((tmp_path / "digits.prom").stat().st_mode) == 0o644

    def test_replaces_the_file_rather_than_writing_into_it(self, path: Path) -> None:
        sink = TextfileSink(path, every_seconds=0.0)
        write(sink, 1)
        with path.open() as reader:
            write(sink, 2)
            assert 'last_save_step{kind="model",run="digits",task="chief-0"} 1.0' in reader.read()
        assert last_step(path) == 2

    def test_leaves_nothing_else_in_the_directory(self, path: Path) -> None:
        sink = TextfileSink(path, every_seconds=0.0)
        for step in (1, 2):
            write(sink, step)
        assert [each.name for each in path.parent.iterdir()] == ["digits.prom"]

    def test_makes_nothing_before_the_first_record(self, path: Path) -> None:
        TextfileSink(path).close()
        assert not path.parent.exists()


class TestRecovery:
    def test_from_a_removed_directory_writes_everything_again(self, path: Path) -> None:
        sink = TextfileSink(path, every_seconds=0.0)
        write(sink, 1)
        shutil.rmtree(path.parent)
        write(sink, 2)
        assert last_step(path) == 2

    def test_from_a_file_that_cannot_be_replaced_leaves_no_temporary_one(self, path: Path) -> None:
        sink = TextfileSink(path, every_seconds=0.0)
        path.mkdir(parents=True)
        write(sink, 1)
        assert [each.name for each in path.parent.iterdir()] == ["digits.prom"]
        path.rmdir()
        with pytest.raises(OSError, match=r"digits\.prom"):
            sink.write(record(saved(2)))
        sink.close()
        assert last_step(path) == 2

    def test_from_a_full_disk_keeps_the_old_file_and_then_writes_the_newest(self, path: Path) -> None:
        said = run_with_small_files(
            f"""
            from observed_hooks.sinks.textfile import TextfileSink

            class Patient(TextfileSink):
                def write(self, record):
                    super().write(record)
                    self._snapshots._worker.flush(10)
                    if failure := self._snapshots._take_failure():
                        raise failure

            sink = Patient({str(path)!r}, every_seconds=0.0)
            """
        )
        assert said == "OSError 1"
        assert last_step(path) == 999
        assert [each.name for each in path.parent.iterdir()] == ["digits.prom"]


class TestMisuse:
    def test_a_name_that_node_exporter_passes_by_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SinkError, match=r"ends in \.prom"):
            TextfileSink(tmp_path / "digits.txt")

    def test_a_remote_path_is_refused(self) -> None:
        with pytest.raises(SinkError, match="is remote"):
            TextfileSink("gs://bucket/digits.prom")

    def test_a_directory_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "digits.prom").mkdir()
        with pytest.raises(SinkError, match="is a directory"):
            TextfileSink(tmp_path / "digits.prom")

    def test_a_path_below_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SinkError, match="is a file, not a directory"):
            TextfileSink(tmp_path / "file" / "digits.prom")
