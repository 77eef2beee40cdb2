from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tensorflow as tf

from observed_hooks.demo.data import (
    HELD_OUT,
    held_out_file,
    parse,
    require_scikit_learn,
    training_files,
    write_digits,
)
from observed_hooks.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("demo") / "data"
    write_digits(str(directory))
    return str(directory)


def examples(files: list[str]) -> list[dict[str, np.ndarray]]:
    return list(tf.data.TFRecordDataset(files).map(parse).as_numpy_iterator())


class TestTheDigits:
    def test_are_each_in_one_file_only(self, digits: str) -> None:
        trained = {int(each["id"]) for each in examples(training_files(digits))}
        held_out = {int(each["id"]) for each in examples([held_out_file(digits)])}

        assert trained | held_out == set(range(1797))
        assert not trained & held_out
        assert len(held_out) == HELD_OUT

    def test_are_images_with_their_labels(self, digits: str) -> None:
        first = min(examples(training_files(digits)), key=lambda each: int(each["id"]))

        assert first["image"].shape == (8, 8, 1)
        assert first["image"].max() == pytest.approx(15 / 16)
        assert first["label"] == 0

    def test_are_written_once(self, digits: str) -> None:
        before = {path: path.stat().st_mtime_ns for path in Path(digits).iterdir()}
        write_digits(digits)

        assert {path: path.stat().st_mtime_ns for path in Path(digits).iterdir()} == before

    def test_are_there_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tf.io, "TFRecordWriter", None)
        with pytest.raises(TypeError):
            write_digits(str(tmp_path / "data"))
        monkeypatch.undo()

        assert not (tmp_path / "data").exists()
        write_digits(str(tmp_path / "data"))
        assert len(examples(training_files(str(tmp_path / "data")))) == 1797 - HELD_OUT

    def test_name_the_extra_that_brings_them_when_it_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

        with pytest.raises(MissingExtraError, match=r"pip install 'observed-hooks\[demo\]'"):
            require_scikit_learn()
