"""The demo's graph: an input pipeline worth saving, and a small convolutional classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from observed_hooks.demo.data import HELD_OUT, held_out_file, parse, training_files

if TYPE_CHECKING:
    import tensorflow as tf

BATCH = 32
"""Examples a step."""
SHUFFLE_BUFFER = 1000
"""Examples, two thirds of the training set."""
SEED = 20240229
CLASSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What one training step fetches; all of one and the same step."""

    step: tf.Tensor
    """The global step, read after the step has advanced it; fetching it trains."""
    ids: tf.Tensor
    loss: tf.Tensor
    accuracy: tf.Tensor


def training_batch(data_directory: str) -> dict[str, tf.Tensor]:
    """Return the tensors of the next training batch, from an endless pipeline; the first thing in its graph.

    The order of examples depends on the graph's seed and the operation's, hence on nothing but `SEED`.
    """
    import tensorflow as tf

    tf.compat.v1.set_random_seed(SEED)
    return next_batch(_training_dataset(data_directory))


def next_batch(dataset: tf.data.Dataset) -> dict[str, tf.Tensor]:
    """Return the tensors of the next batch; whoever initialises the graph's tables initialises the iterator."""
    import tensorflow as tf

    iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    batch: dict[str, tf.Tensor] = iterator.get_next()
    return batch


def build_training(data_directory: str) -> Training:
    """Add input pipeline, classifier, optimizer and global step to the default graph."""
    import tensorflow as tf

    batch = training_batch(data_directory)
    global_step = tf.compat.v1.train.get_or_create_global_step()
    logits = classify(batch["image"])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=batch["label"], logits=logits))
    train = tf.compat.v1.train.AdamOptimizer(1e-3).minimize(loss, global_step=global_step)
    with tf.control_dependencies([train]):
        step = global_step.read_value()
    return Training(step=step, ids=batch["id"], loss=loss, accuracy=accuracy_of(logits, batch["label"]))


def build_evaluation(data_directory: str) -> tf.Tensor:
    """Add the classifier to the default graph; return its accuracy on the held-out digits, which can be run once."""
    import tensorflow as tf

    batch = next_batch(tf.data.TFRecordDataset(held_out_file(data_directory)).map(parse).batch(HELD_OUT))
    return accuracy_of(classify(batch["image"]), batch["label"])


def classify(images: tf.Tensor) -> tf.Tensor:
    """Return logits of shape (batch, 10) for images of shape (batch, 8, 8, 1)."""
    import tensorflow as tf

    with tf.compat.v1.variable_scope("classifier"):
        first = tf.nn.relu(tf.nn.conv2d(images, _weights("conv1", 3, 3, 1, 32), 1, "SAME") + _bias("conv1", 32))
        second = tf.nn.relu(tf.nn.conv2d(first, _weights("conv2", 3, 3, 32, 64), 1, "SAME") + _bias("conv2", 64))
        pooled = tf.nn.max_pool2d(second, 2, 2, "VALID")
        flat = tf.reshape(pooled, [-1, 4 * 4 * 64])
        dense = tf.nn.relu(flat @ _weights("dense", 4 * 4 * 64, 128) + _bias("dense", 128))
        return dense @ _weights("logits", 128, CLASSES) + _bias("logits", CLASSES)


def accuracy_of(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the share of the batch, a float32 scalar from 0 to 1, whose largest logit is the label's."""
    import tensorflow as tf

    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, axis=1), labels), tf.float32))


def _training_dataset(data_directory: str) -> tf.data.Dataset:
    import tensorflow as tf

    files = tf.data.Dataset.from_tensor_slices(training_files(data_directory))
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=2, num_parallel_calls=2, deterministic=True)
    shuffled = records.shuffle(SHUFFLE_BUFFER, seed=SEED).repeat()
    return shuffled.map(parse, num_parallel_calls=2, deterministic=True).batch(BATCH).prefetch(2)


def _weights(name: str, *shape: int) -> Any:
    import tensorflow as tf

    return tf.compat.v1.get_variable(f"{name}/weights", shape, initializer=tf.compat.v1.glorot_uniform_initializer())


def _bias(name: str, width: int) -> Any:
    import tensorflow as tf

    return tf.compat.v1.get_variable(f"{name}/bias", [width], initializer=tf.compat.v1.zeros_initializer())
