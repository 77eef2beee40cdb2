"""Pipelines as users write them, well and badly: each takes a buffer size and returns a dataset."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

EXAMPLES = 200


def numbers(buffer_size: int) -> Any:
    """The numbers below 200, once."""
    return _shuffled(tf.data.Dataset.range(EXAMPLES), buffer_size)


def pairs(buffer_size: int) -> Any:
    """Pairs of two floats and a label, class by class."""
    x = tf.data.Dataset.range(EXAMPLES).map(lambda number: tf.cast(tf.stack([number, -number]), tf.float32))
    y = tf.data.Dataset.range(EXAMPLES).map(lambda number: number // 50)
    return _shuffled(tf.data.Dataset.zip((x, y)), buffer_size)


def batches(buffer_size: int) -> Any:
    """The pairs, in batches of its own that drop what is left: 192 of 200 examples."""
    return pairs(buffer_size).batch(16, drop_remainder=True)


def mapped(buffer_size: int) -> Any:
    """Shuffled before something else: not fused with a repeat, and drained at the end of every epoch."""
    return numbers(buffer_size).map(lambda number: number + 1)


def augmented(buffer_size: int) -> Any:
    """Other examples every time."""
    return numbers(buffer_size).map(lambda number: tf.cast(number, tf.float32) + tf.random.uniform([]))


def stubborn(buffer_size: int) -> Any:
    """Shuffled whatever the size."""
    return numbers(max(buffer_size, 100))


def halves(buffer_size: int) -> Any:
    """Each number twice."""
    return numbers(buffer_size).map(lambda number: number // 2)


def fewer(buffer_size: int) -> Any:
    """Other examples with a buffer than without one."""
    return numbers(buffer_size).take(EXAMPLES // 2 if buffer_size else EXAMPLES)


def ragged_lengths(buffer_size: int) -> Any:
    """Vectors of different lengths, which cannot be batched."""
    return numbers(buffer_size).map(tf.range)


def generated(buffer_size: int) -> Any:
    """From Python, whose state nobody can save."""
    signature = tf.TensorSpec([], tf.int64)
    return _shuffled(
        tf.data.Dataset.from_generator(lambda: iter(range(EXAMPLES)), output_signature=signature), buffer_size
    )


def empty(buffer_size: int) -> Any:
    return numbers(buffer_size).take(0)


def endless(buffer_size: int) -> Any:
    return numbers(buffer_size).repeat()


def secretly_endless(buffer_size: int) -> Any:
    """Endless, without knowing it."""
    return numbers(buffer_size).repeat().filter(lambda number: number >= 0)


def raises_for_a_buffer(buffer_size: int) -> Any:
    if buffer_size:
        raise RuntimeError("no room for that\nat all")
    return numbers(0)


def empty_for_a_buffer(buffer_size: int) -> Any:
    """And without knowing it."""
    return numbers(buffer_size).filter(lambda number: number >= (EXAMPLES if buffer_size else 0))


def empty_for_a_large_buffer(buffer_size: int) -> Any:
    """Larger than all there is."""
    return empty_for_a_buffer(buffer_size) if buffer_size > EXAMPLES else numbers(buffer_size)


def known_empty_for_a_buffer(buffer_size: int) -> Any:
    return numbers(buffer_size).take(0 if buffer_size else EXAMPLES)


def secretly_endless_for_a_buffer(buffer_size: int) -> Any:
    return secretly_endless(buffer_size) if buffer_size else numbers(0)


def ragged_for_a_buffer(buffer_size: int) -> Any:
    return ragged_lengths(buffer_size) if buffer_size else numbers(0)


def always_shuffled(buffer_size: int) -> Any:
    """Without a case for 0, which TensorFlow refuses when it is read."""
    return tf.data.Dataset.range(EXAMPLES).shuffle(buffer_size)


def a_list(buffer_size: int) -> Any:
    return [1, 2, 3]


not_a_function = 3


def _shuffled(dataset: Any, buffer_size: int) -> Any:
    return dataset.shuffle(buffer_size) if buffer_size else dataset
