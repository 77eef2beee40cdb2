"""A training under MirroredStrategy: `python -m tests.hooks.mirrored DIRECTORY ON_UNSERIALIZABLE`.

In a process of its own, since a CPU can be made two devices only before TensorFlow begins. Prints the last global step.
"""

from __future__ import annotations

import sys

import tensorflow as tf

from observed_hooks import CheckpointBus, CheckpointInputPipelineHook, CheckpointSaverHook

v1 = tf.compat.v1
STEPS = 6


def main(directory: str, on_unserializable: str) -> None:
    v1.disable_eager_execution()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    with tf.Graph().as_default(), strategy.scope():
        train = train_op(strategy)
        bus = CheckpointBus()
        hooks = [
            CheckpointSaverHook(directory, save_steps=2, bus=bus),
            CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus, on_unserializable=on_unserializable),
        ]
        with v1.train.MonitoredTrainingSession(
            checkpoint_dir=directory, hooks=hooks, save_checkpoint_steps=None, save_checkpoint_secs=None
        ) as session:
            for _ in range(STEPS):
                step, _ = session.run(train)
    print(step)  # noqa: T201 - read by the test


def train_op(strategy: tf.distribute.Strategy) -> list[tf.Tensor]:
    step = v1.train.get_or_create_global_step()
    iterator = strategy.make_dataset_iterator(tf.data.Dataset.range(1000).shuffle(10).batch(4))
    v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, tf.group(iterator.initializer))
    sums = strategy.run(tf.reduce_sum, args=(iterator.get_next(),))
    return [step.assign_add(1), tf.add_n(strategy.experimental_local_results(sums))]


if __name__ == "__main__":
    main(*sys.argv[1:])
