"""The handwritten digits of scikit-learn, written once to TFRecord files: real images without a download."""

from __future__ import annotations

import glob
import importlib.util
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from observed_hooks.errors import MissingExtraError

if TYPE_CHECKING:
    import tensorflow as tf

HELD_OUT = 297
"""Digits that training never sees; the other 1,500 are trained on."""
TRAINING_FILES = 4
SIDE = 8
"""Pixels of an image's height and width; each is a byte from 0 to 16."""
BRIGHTEST = 16.0


def require_scikit_learn() -> None:
    """Do nothing when the digits can be had.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise MissingExtraError(
            "the demo trains on the handwritten digits that come with scikit-learn, which is not installed; "
            "run: pip install 'observed-hooks[demo]'"
        )


def write_digits(directory: str) -> None:
    """Write all digits to `directory`, unless that was done before.

    Whole or not at all: the directory gets its name when everything is in it.
    """
    if os.path.isdir(directory):
        return
    from sklearn.datasets import load_digits

    digits = load_digits()
    examples = [_example(number, *pair) for number, pair in enumerate(zip(digits.images, digits.target, strict=True))]
    aside = f"{directory}.tmp"
    os.makedirs(aside, exist_ok=True)
    _write(os.path.join(aside, "held-out.tfrecord"), examples[-HELD_OUT:])
    for number in range(TRAINING_FILES):
        path = os.path.join(aside, f"train-{number}-of-{TRAINING_FILES}.tfrecord")
        _write(path, examples[number:-HELD_OUT:TRAINING_FILES])
    os.rename(aside, directory)


def training_files(directory: str) -> list[str]:
    """Return the paths of the training files, always in the same order."""
    return sorted(glob.glob(os.path.join(glob.escape(directory), "train-*.tfrecord")))


def held_out_file(directory: str) -> str:
    """Return the path of the file with the digits that training never sees."""
    return os.path.join(directory, "held-out.tfrecord")


def parse(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return one example: `image`, float32 of shape (8, 8, 1) from 0 to 1, and the int64 scalars `label` and `id`."""
    import tensorflow as tf

    feature = tf.io.parse_single_example(
        serialized,
        {
            "image": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "id": tf.io.FixedLenFeature([], tf.int64),
        },
    )
    pixels = tf.reshape(tf.io.decode_raw(feature["image"], tf.uint8), [SIDE, SIDE, 1])
    return {**feature, "image": tf.cast(pixels, tf.float32) / BRIGHTEST}


def _example(number: int, image: Any, label: int) -> bytes:
    import tensorflow as tf

    def integer(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    pixels = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.astype("uint8").tobytes()]))
    feature = {"id": integer(number), "image": pixels, "label": integer(int(label))}
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def _write(path: str, examples: Sequence[bytes]) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(path) as writer:
        for example in examples:
            writer.write(example)
