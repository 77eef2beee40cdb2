"""Checkpoints as plain TensorFlow code writes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import tensorflow as tf

T = TypeVar("T")


def as_configured(dataset: tf.data.Dataset, *, symbolic: bool = False) -> tf.data.Dataset:
    """The dataset with the transformations it was written with: none fused, added or made parallel."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    options.experimental_symbolic_checkpoint = symbolic
    return dataset.with_options(options)


def save_object(directory: Path, **objects: Any) -> Path:
    """Save by `tf.train.Checkpoint`; return the prefix."""
    return Path(tf.train.Checkpoint(**objects).write(str(directory / "object")))


def taken(dataset: tf.data.Dataset, count: int) -> Iterator[Any]:
    """An iterator over `dataset` that has handed out `count` elements."""
    iterator: Iterator[Any] = iter(dataset)
    for _ in range(count):
        next(iterator)
    return iterator


def save_in_session(directory: Path, dataset: Callable[[], tf.data.Dataset], count: int) -> Path:
    """Save, by the v1 Saver, an iterator that has handed out `count` elements; return the prefix."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        iterator = v1.data.make_initializable_iterator(dataset())
        following = iterator.get_next()
        saver = v1.train.Saver([tf.data.experimental.make_saveable_from_iterator(iterator)])
        with v1.Session() as session:
            session.run(iterator.initializer)
            for _ in range(count):
                session.run(following)
            return Path(saver.save(session, str(directory / "input.ckpt"), global_step=count))


def settled(measure: Callable[[], T], expected: T) -> T:
    """What `measure` says once a background thread of tf.data had the time to fill its buffer."""
    deadline = time.monotonic() + 10
    while (found := measure()) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    return found
