"""A training process to be watched: `python -m tests.integration.trainer DIRECTORY PORT BUFFER LAST_STEP`.

Graph mode, a shuffle buffer of BUFFER incompressible elements, a save every five steps; ends as it should after
LAST_STEP.
"""

from __future__ import annotations

import sys
import time

import tensorflow as tf

from observed_hooks import observe
from observed_hooks.observation import Observed

SAVE_STEPS = 5
SECONDS_A_STEP = 0.04
ELEMENT_NUMBERS = 256


def main(directory: str, port: int, buffer_elements: int, last_step: int) -> None:
    with observe(directory, save_steps=SAVE_STEPS, prometheus_port=port, tensorboard=False) as observed:
        train(observed, directory, buffer_elements, last_step)


def train(observed: Observed, directory: str, buffer_elements: int, last_step: int) -> None:
    with tf.Graph().as_default():
        step = tf.compat.v1.train.get_or_create_global_step()
        iterator = tf.compat.v1.data.make_initializable_iterator(numbers(buffer_elements))
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        weights = tf.compat.v1.get_variable("weights", shape=[ELEMENT_NUMBERS])
        learned = weights.assign_add(tf.cast(iterator.get_next()[0], tf.float32) * 1e-12)
        with tf.control_dependencies([learned]):
            learn = step.assign_add(1)
        with tf.compat.v1.train.MonitoredTrainingSession(
            checkpoint_dir=directory, hooks=observed.hooks, save_checkpoint_secs=None, save_checkpoint_steps=None
        ) as session:
            while session.run(learn) < last_step:
                time.sleep(SECONDS_A_STEP)


def numbers(buffer_elements: int) -> tf.data.Dataset:
    noise = tf.data.Dataset.counter().map(
        lambda index: tf.random.stateless_uniform(
            [ELEMENT_NUMBERS], seed=tf.stack([index, 7]), minval=None, maxval=None, dtype=tf.int32
        )
    )
    return noise.shuffle(buffer_elements, seed=1).batch(4).prefetch(1)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
