from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from observed_hooks.checkpoints.baseline import SAVES_FOR_BASELINE, Baseline


def fed(directory: Path, sizes: Iterable[int]) -> Baseline:
    baseline = Baseline.beside(str(directory), "model.ckpt")
    for size in sizes:
        baseline.add(size)
    return baseline


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where the baseline of `model.ckpt` in `tmp_path` is kept; its directory exists."""
    path = tmp_path / "observed_hooks" / "baseline-model.ckpt.json"
    path.parent.mkdir()
    return path


class TestMedian:
    def test_is_unknown_until_there_are_enough_sizes(self, tmp_path: Path) -> None:
        assert fed(tmp_path, [100] * (SAVES_FOR_BASELINE - 1)).median_bytes is None

    def test_is_not_moved_by_one_size_that_is_out_of_line(self, tmp_path: Path) -> None:
        assert fed(tmp_path, [10, 100, 101, 102, 10_000]).median_bytes == 101

    def test_is_not_moved_by_what_comes_later(self, tmp_path: Path) -> None:
        assert fed(tmp_path, [100] * SAVES_FOR_BASELINE + [10_000] * 50).median_bytes == 100


class TestKept:
    def test_over_a_restart_however_few_saves_there_were_before_it(self, tmp_path: Path) -> None:
        fed(tmp_path, [100, 101])
        assert fed(tmp_path, [102, 103, 104]).median_bytes == 102

    def test_so_that_a_restart_does_not_take_bloat_for_normal(self, tmp_path: Path) -> None:
        fed(tmp_path, [100] * SAVES_FOR_BASELINE)
        assert fed(tmp_path, [10_000] * SAVES_FOR_BASELINE).median_bytes == 100

    def test_for_each_kind_apart(self, tmp_path: Path) -> None:
        fed(tmp_path, [100] * SAVES_FOR_BASELINE)
        assert Baseline.beside(str(tmp_path), "input.ckpt").median_bytes is None

    def test_without_leaving_temporary_files(self, tmp_path: Path) -> None:
        fed(tmp_path, [100] * SAVES_FOR_BASELINE)
        assert [each.name for each in (tmp_path / "observed_hooks").iterdir()] == ["baseline-model.ckpt.json"]

    def test_not_at_all_beside_a_remote_directory(self) -> None:
        baseline = Baseline.beside("gs://bucket/dir", "model.ckpt")
        for _ in range(SAVES_FOR_BASELINE):
            baseline.add(100)
        assert baseline.path is None
        assert baseline.median_bytes == 100

    @pytest.mark.parametrize("directory", ["/proc/1", "/nowhere/at/all"])
    def test_in_memory_alone_where_it_cannot_be_written(self, directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(directory)

        monkeypatch.setattr("os.makedirs", refuse)
        assert fed(Path(directory), [100] * SAVES_FOR_BASELINE).median_bytes == 100


class TestDamaged:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            '{"first_sizes_bytes": [100, 1',
            "[]",
            "null",
            "{}",
            '{"first_sizes_bytes": null}',
            '{"first_sizes_bytes": ["many"]}',
            '{"first_sizes_bytes": [1e999]}',
            "\x00\x00\x00",
        ],
    )
    def test_is_begun_anew(self, tmp_path: Path, kept: Path, text: str) -> None:
        kept.write_text(text, encoding="utf-8")
        assert fed(tmp_path, [100] * SAVES_FOR_BASELINE).median_bytes == 100
        assert json.loads(kept.read_text(encoding="utf-8")) == {"first_sizes_bytes": [100] * SAVES_FOR_BASELINE}

    def test_bytes_that_are_no_text_are_no_baseline(self, tmp_path: Path, kept: Path) -> None:
        kept.write_bytes(b"\xff\xfe\xff")
        assert fed(tmp_path, []).median_bytes is None

    def test_a_half_written_one_beside_the_whole_is_not_read(self, tmp_path: Path, kept: Path) -> None:
        fed(tmp_path, [100] * SAVES_FOR_BASELINE)
        kept.with_name(f"{kept.name}.123.tmp").write_text('{"first_si', encoding="utf-8")
        assert fed(tmp_path, []).median_bytes == 100

    def test_more_sizes_than_there_should_be_do_not_count(self, tmp_path: Path, kept: Path) -> None:
        kept.write_text(json.dumps({"first_sizes_bytes": [100] * 5 + [10_000] * 50}), encoding="utf-8")
        assert fed(tmp_path, []).median_bytes == 100
