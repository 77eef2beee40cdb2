"""The process that is killed: it trains a model that remembers every example, and writes down each step.

The model is its own witness. It keeps how often it saw each example, and a digest of all examples in their order, in
variables that are saved and restored like any weight.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import tensorflow as tf

from tests.crash.death import Death
from tests.crash.diary import Board, Diary, State, Step
from tests.crash.job import EXAMPLES, Job
from tests.crash.modes import MODES, TRIGGERS, saver_for

# Does not divide the number of examples: epochs end inside a batch.
BATCH = 6
SHUFFLE_BUFFER = 48

_STEP_SECONDS = 0.003
_MODULUS = 2**31 - 1
# See death.py for the sizes.
_BALLAST_BYTES = 20 << 10
_LONG_NAMES = 6
_LONG_NAME_CHARACTERS = 6000
_MODELS_KEPT = 3


def run(job: Job) -> None:
    """Train until the last step, or until death."""
    os.dup2(os.open(job.errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    tf.get_logger().setLevel(logging.WARNING)
    diary = Diary(job.diary)
    death = Death(job.aim, Board(job.board), diary)
    death.install()
    try:
        with tf.Graph().as_default():
            _train(job, diary, death)
    except BaseException as error:
        diary.failed(f"{type(error).__name__}: {error}"[:2000])
        raise
    diary.ended()


def _train(job: Job, diary: Diary, death: Death) -> None:
    iterator = tf.compat.v1.data.make_initializable_iterator(pipeline(job.data))
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    model = Model(iterator.get_next())
    saver = saver_for(job.mode, max_to_keep=_MODELS_KEPT, sharded=job.sharded)
    scaffold = tf.compat.v1.train.Scaffold(saver=saver)
    witness = Witness(model, diary, death)
    directory = str(job.checkpoints)
    hooks = [witness, *MODES[job.mode](directory, TRIGGERS[job.trigger], scaffold)]
    with tf.compat.v1.train.MonitoredTrainingSession(
        checkpoint_dir=directory if len(hooks) > 1 else None,
        scaffold=scaffold,
        hooks=hooks,
        save_checkpoint_steps=None,
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        save_summaries_secs=None,
        log_step_count_steps=None,
    ) as session:
        last_step = min(job.steps, witness.step + job.steps_after_resume)
        while witness.step < last_step:
            session.run(model.train)
            time.sleep(_STEP_SECONDS)


def pipeline(data: Sequence[Path]) -> tf.data.Dataset:
    """Every transformation whose position is hard to keep, in one deterministic pipeline of batches of numbers."""

    def number(line: tf.Tensor) -> tf.Tensor:
        return tf.strings.to_number(tf.strings.regex_replace(line, ",.*", ""), tf.int64)

    return (
        tf.data.Dataset.from_tensor_slices([str(path) for path in data])
        .interleave(
            tf.data.TextLineDataset,
            cycle_length=3,
            block_length=2,
            num_parallel_calls=2,
            deterministic=True,
        )
        .shuffle(SHUFFLE_BUFFER, seed=7)
        .repeat()
        .map(number, num_parallel_calls=2, deterministic=True)
        .batch(BATCH, drop_remainder=True)
        .prefetch(2)
    )


class Model:
    """Learns nothing, forgets nothing."""

    def __init__(self, ids: tf.Tensor) -> None:
        zeros = tf.compat.v1.zeros_initializer()
        self._make_files_large(zeros)
        self.ids = ids
        global_step = tf.compat.v1.train.get_or_create_global_step()
        counts = tf.compat.v1.get_variable("counts", [EXAMPLES], tf.int64, zeros, use_resource=True)
        digest = tf.compat.v1.get_variable("digest", [], tf.int64, zeros, use_resource=True)
        self.before = (global_step, digest, counts)
        places = tf.range(1, BATCH + 1, dtype=tf.int64)
        next_digest = (digest * 31 + tf.reduce_sum((ids + 1) * places)) % _MODULUS
        next_counts = counts + tf.math.unsorted_segment_sum(tf.ones_like(ids), ids, EXAMPLES)
        with tf.control_dependencies([digest.assign(next_digest).op, counts.assign(next_counts).op]):
            self.train = global_step.assign_add(1).op
        with tf.control_dependencies([self.train]):
            self.after = (global_step.read_value(), digest.read_value(), counts.read_value())

    @staticmethod
    def _make_files_large(zeros: Any) -> None:
        tf.compat.v1.get_variable("ballast", [_BALLAST_BYTES // 8], tf.int64, zeros, use_resource=True)
        random = Random(1)  # noqa: S311 - names, not secrets
        for _ in range(_LONG_NAMES):  # no two begin alike: the index would store only what differs
            name = f"v{random.getrandbits(4 * _LONG_NAME_CHARACTERS):x}"
            tf.compat.v1.get_variable(name, [], tf.int64, zeros, use_resource=True)


class Witness(tf.compat.v1.train.SessionRunHook):
    """Writes down each step before the other hooks learn of it, and so before it can be saved."""

    def __init__(self, model: Model, diary: Diary, death: Death) -> None:
        self._model = model
        self._diary = diary
        self._death = death
        self.step = 0

    def after_create_session(self, session: tf.compat.v1.Session, coord: tf.train.Coordinator) -> None:
        state = _state(session.run(self._model.before))
        self.step = state.step
        self._diary.started(state)

    def before_run(self, run_context: tf.compat.v1.train.SessionRunContext) -> tf.compat.v1.train.SessionRunArgs:
        return tf.compat.v1.train.SessionRunArgs((self._model.ids, self._model.after))

    def after_run(
        self,
        run_context: tf.compat.v1.train.SessionRunContext,
        run_values: tf.compat.v1.train.SessionRunValues,
    ) -> None:
        ids, after = run_values.results
        state = _state(after)
        self.step = state.step
        self._diary.stepped(Step(tuple(map(int, ids)), state))
        self._death.after_step(state.step)


def _state(values: Sequence[Any]) -> State:
    step, digest, counts = values
    return State(int(step), int(digest), zlib.crc32(counts.tobytes()))
