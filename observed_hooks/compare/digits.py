"""The demo's digits, each in 25 places of its image: a data set large enough to tell shuffle buffers apart.

The files hold class after class, as data sets often do: without a shuffle, a batch is all of one digit.
"""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

import numpy as np

from observed_hooks.demo.data import HELD_OUT, SIDE, parse, require_scikit_learn

if TYPE_CHECKING:
    import numpy.typing as npt
    import tensorflow as tf

FARTHEST = 2
"""Pixels by which a digit is shifted at most, to each side, upward and downward."""
COPIES = (2 * FARTHEST + 1) ** 2
FILES = 5


def write_digits(directory: str) -> None:
    """Write the 1,500 digits that the demo trains on, in 25 copies each, unless `directory` is there already.

    Whole or not at all: the directory gets its name when everything is in it.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    if os.path.isdir(directory):
        return
    require_scikit_learn()
    import tensorflow as tf

    images, labels = _copies()
    aside = f"{directory}.tmp"
    os.makedirs(aside, exist_ok=True)
    for number, part in enumerate(np.array_split(np.arange(len(labels)), FILES)):
        path = os.path.join(aside, f"digits-{number}-of-{FILES}.tfrecord")
        with tf.io.TFRecordWriter(path) as writer:
            for index in part.tolist():
                writer.write(_serialized(index, images[index].tobytes(), int(labels[index])))
    os.rename(aside, directory)


def digit_files(directory: str) -> list[str]:
    """Return the paths of the files that `write_digits` has written, in the order of their examples."""
    return sorted(glob.glob(os.path.join(glob.escape(directory), "digits-*.tfrecord")))


def decode(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return one example: `image`, float32 of shape (8, 8, 1) from 0 to 1, and the int64 scalar `label`."""
    example = parse(serialized)
    return {"image": example["image"], "label": example["label"]}


def shifted(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return 25 copies, of shape (25, 8, 8), of an image of shape (8, 8); what leaves the image is lost."""
    padded = np.pad(image, FARTHEST)
    places = range(2 * FARTHEST + 1)
    return np.stack([padded[down : down + SIDE, right : right + SIDE] for down in places for right in places])


def _copies() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return images and labels, class by class."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images[:-HELD_OUT].astype(np.uint8)
    labels = digits.target[:-HELD_OUT].astype(np.int64)
    by_class = np.argsort(labels, kind="stable")
    return np.concatenate([shifted(images[index]) for index in by_class]), np.repeat(labels[by_class], COPIES)


def _serialized(number: int, pixels: bytes, label: int) -> bytes:
    """Return an example as the demo's `parse` reads it."""
    import tensorflow as tf

    feature = {
        "id": tf.train.Feature(int64_list=tf.train.Int64List(value=[number])),
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[pixels])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
