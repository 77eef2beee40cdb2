from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from observed_hooks.compare.digits import COPIES, decode, digit_files, shifted, write_digits
from observed_hooks.errors import MissingExtraError


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("compare") / "data"
    write_digits(str(directory))
    return str(directory)


class TestTheDigits:
    def test_are_every_training_digit_in_25_copies_class_by_class(self, digits: str) -> None:
        records = tf.data.TFRecordDataset(digit_files(digits)).map(decode)
        labels = np.array([int(each["label"]) for each in records.as_numpy_iterator()])

        assert len(labels) == 1500 * COPIES == 37_500
        assert (np.diff(labels) >= 0).all()
        assert set(labels) == set(range(10))

    def test_are_images_with_their_label(self, digits: str) -> None:
        records = tf.data.TFRecordDataset(digit_files(digits)).map(decode)

        assert records.element_spec == {
            "image": tf.TensorSpec([8, 8, 1], tf.float32),
            "label": tf.TensorSpec([], tf.int64),
        }

    def test_are_written_once(self, digits: str) -> None:
        before = {path: path.stat().st_mtime_ns for path in Path(digits).iterdir()}
        write_digits(digits)

        assert {path: path.stat().st_mtime_ns for path in Path(digits).iterdir()} == before

    def test_are_there_whole_or_not_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tf.io, "TFRecordWriter", None)
        with pytest.raises(TypeError):
            write_digits(str(tmp_path / "data"))

        assert not (tmp_path / "data").exists()

    def test_name_the_extra_that_brings_them_when_it_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

        with pytest.raises(MissingExtraError, match=r"pip install 'observed-hooks\[demo\]'"):
            write_digits(str(tmp_path / "data"))


class TestShifting:
    def test_moves_an_image_by_up_to_two_pixels_on_both_axes(self) -> None:
        image = np.zeros((8, 8), np.uint8)
        image[4, 4] = 7
        places = {tuple(np.argwhere(copy)[0]) for copy in shifted(image)}

        assert places == {(row, column) for row in range(2, 7) for column in range(2, 7)}

    def test_loses_what_leaves_the_image(self) -> None:
        image = np.zeros((8, 8), np.uint8)
        image[0, 0] = 7

        assert [copy.max() for copy in shifted(image)].count(0) == 25 - 9
