"""What is measured: models, input pipelines, sessions, and TensorFlow's own way to save both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from observed_hooks import CheckpointBus, JsonlSink, MemorySink, PrometheusSink, TensorBoardSink

MIB = 1 << 20
FAR_AWAY_STEPS = 1 << 40
"""A save interval that no benchmark reaches."""
FLOAT_BYTES = 4


def variables(total_bytes: int, tensors: int) -> list[Any]:
    """Add float32 variables of equal size to the default graph."""
    length = max(1, total_bytes // tensors // FLOAT_BYTES)
    return [
        tf.compat.v1.get_variable(
            f"layer_{number:04}/kernel",
            use_resource=True,
            initializer=lambda number=number: tf.random.stateless_uniform([length], seed=[number, 0]),
        )
        for number in range(tensors)
    ]


def small_pipeline() -> Any:
    """Add a pipeline that costs a step next to nothing; return the next example, a number."""
    return _next_of(tf.data.Dataset.range(1 << 40).shuffle(1000).prefetch(2))


def incompressible_pipeline(buffer_bytes: int) -> Any:
    """Add a pipeline with a shuffle buffer of random floats; return the next element."""
    element_bytes = min(buffer_bytes, 8192)
    count = buffer_bytes // element_bytes

    def element(number: Any) -> Any:
        return tf.random.stateless_uniform([element_bytes // FLOAT_BYTES], seed=tf.stack([number, number]))

    return _next_of(tf.data.Dataset.range(1 << 40).map(element).shuffle(count).prefetch(1))


def _next_of(dataset: Any) -> Any:
    iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    tf.compat.v1.add_to_collection("benchmarked_iterators", iterator)
    return iterator.get_next()


def stock_iterator_saver() -> Any:
    """Return TensorFlow's saver of the default graph's pipelines, as its own input hook made it."""
    iterators = tf.compat.v1.get_collection("benchmarked_iterators")
    saveables = [tf.data.experimental.make_saveable_from_iterator(iterator) for iterator in iterators]
    return tf.compat.v1.train.Saver(saveables, sharded=True, save_relative_paths=True)


def stock_hooks(directory: str, save_steps: int, *, model: bool = True, pipeline: bool = True) -> list[Any]:
    """Return TensorFlow's hooks for the default graph: one for the model, a second one for the pipeline."""
    hook = tf.compat.v1.train.CheckpointSaverHook
    hooks = [hook(directory, save_steps=save_steps)] if model else []
    if pipeline:
        saver = stock_iterator_saver()
        hooks.append(hook(directory, save_steps=save_steps, saver=saver, checkpoint_basename="input.ckpt"))
    return hooks


def all_sinks(directory: str) -> list[Any]:
    """Return one of each sink, writing below `directory`."""
    own = Path(directory) / "observed_hooks"
    return [
        PrometheusSink(),
        TensorBoardSink(own / "tensorboard"),
        JsonlSink(own / "events.jsonl"),
        MemorySink(max_records=1000),
    ]


@contextlib.contextmanager
def watched_bus(directory: str, **options: Any) -> Iterator[CheckpointBus]:
    """A bus with all sinks, closed at the end."""
    bus = CheckpointBus(all_sinks(directory), **options)
    try:
        yield bus
    finally:
        bus.close()


class Step:
    """Runs one step of training when called.

    Attributes:
        session: TensorFlow's session below the monitored one.
        hooks: those that the session was given.
    """

    def __init__(self, monitored: Any, train_op: Any, hooks: list[Any]) -> None:
        """Run `train_op`."""
        self.session = monitored.run_step_fn(lambda step_context: step_context.session)
        self.hooks = hooks
        self._monitored = monitored
        self._train_op = train_op

    def __call__(self) -> None:
        """Run it."""
        self._monitored.run(self._train_op)


@contextlib.contextmanager
def training(build: Callable[[], Any], make_hooks: Callable[[str], list[Any]], directory: str) -> Iterator[Step]:
    """A monitored session in a graph of its own; what it yields runs one step.

    Args:
        build: adds the model to the graph; returns what a step runs.
        make_hooks: returns the session's hooks; called once the graph is there.
        directory: of the checkpoints; made when it is not there.
    """
    Path(directory).mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default():
        tf.compat.v1.train.get_or_create_global_step()
        train_op = build()
        hooks = make_hooks(directory)
        with tf.compat.v1.train.MonitoredTrainingSession(
            checkpoint_dir=directory,
            hooks=hooks,
            save_checkpoint_secs=None,
            save_checkpoint_steps=None,
            save_summaries_steps=None,
            save_summaries_secs=None,
            log_step_count_steps=None,
        ) as session:
            yield Step(session, train_op, hooks)


def quiet() -> None:
    """Let TensorFlow say no more than errors."""
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
