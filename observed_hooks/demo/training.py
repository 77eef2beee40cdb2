"""The demo's training, as any job would write it: a graph, `observe()`, and a monitored session.

Beside it, what only a demo needs: the record of consumed examples, the same pipeline run without interruption, and an
evaluation of the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from observed_hooks.demo.graph import Training, build_evaluation, build_training, training_batch
from observed_hooks.demo.messages import Stepped
from observed_hooks.demo.record import ConsumedRecord
from observed_hooks.demo.workspace import Workspace
from observed_hooks.observation import Observed


class RecordConsumed(tf.compat.v1.train.SessionRunHook):  # type: ignore[misc] # TensorFlow ships no types
    """Notes which examples each step consumed.

    It must stand before the hooks that save: a step is in the record before it can be in a checkpoint.
    """

    def __init__(self, record: ConsumedRecord, training: Training, on_start: Callable[[int], None]) -> None:
        """Call `on_start` with the step at which a session begins."""
        self._record = record
        self._fetches = (training.step, training.ids)
        self._on_start = on_start

    def after_create_session(self, session: Any, coord: Any) -> None:  # noqa: ARG002 - TensorFlow's signature
        """Note the step to which the session has restored the model."""
        step = int(session.run(tf.compat.v1.train.get_global_step()))
        self._record.begin(step)
        self._on_start(step)

    def before_run(self, run_context: Any) -> Any:  # noqa: ARG002 - TensorFlow's signature
        """Ask for the step and its examples along with the step itself."""
        return tf.compat.v1.train.SessionRunArgs(self._fetches)

    def after_run(self, run_context: Any, run_values: Any) -> None:  # noqa: ARG002 - TensorFlow's signature
        """Note them."""
        step, ids = run_values.results
        self._record.consumed(int(step), ids.tolist())


def train(
    workspace: Workspace,
    observed: Observed,
    last_step: int,
    *,
    on_start: Callable[[int], None],
    on_step: Callable[[Stepped], None],
) -> None:
    """Train up to `last_step`, from the newest checkpoint when there is one.

    Args:
        workspace: where data, checkpoints and the record lie.
        observed: from `observe()`.
        last_step: the global step to end at.
        on_start: called once with the step at which training begins.
        on_step: called after every step, saves included.
    """
    record = ConsumedRecord(workspace.consumed)
    with tf.Graph().as_default():
        training = build_training(workspace.data)
        hooks = [
            tf.compat.v1.train.StopAtStepHook(last_step=last_step),
            RecordConsumed(record, training, on_start),
            *observed.hooks,
        ]
        with tf.compat.v1.train.MonitoredTrainingSession(
            checkpoint_dir=workspace.checkpoints,
            hooks=hooks,
            save_checkpoint_secs=None,
            save_checkpoint_steps=None,
            save_summaries_secs=None,
            save_summaries_steps=None,
            log_step_count_steps=None,
        ) as session:
            while not session.should_stop():
                step, loss, accuracy = session.run((training.step, training.loss, training.accuracy))
                on_step(Stepped(step=int(step), loss=float(loss), accuracy=float(accuracy)))
    record.close()


def record_uninterrupted(workspace: Workspace, last_step: int) -> None:
    """Run the input pipeline alone, once, in one go, and note what it yields as if it had been trained on."""
    record = ConsumedRecord(workspace.uninterrupted)
    record.begin(0)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        ids = training_batch(workspace.data)["id"]
        session.run(tf.compat.v1.tables_initializer())
        for step in range(1, last_step + 1):
            record.consumed(step, session.run(ids).tolist())
    record.close()


def evaluate(workspace: Workspace) -> float:
    """Return the share of the held-out digits, 0 to 1, that the newest checkpoint recognises."""
    with tf.Graph().as_default():
        accuracy = build_evaluation(workspace.data)
        saver = tf.compat.v1.train.Saver()
        with tf.compat.v1.Session() as session:
            saver.restore(session, tf.train.latest_checkpoint(workspace.checkpoints))
            session.run(tf.compat.v1.tables_initializer())
            return float(session.run(accuracy))
