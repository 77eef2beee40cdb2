"""What does one sample of the tf.data buffers cost the step it rides along with, and what do all other steps pay?

Two trainings of the same small model take turns, in blocks of steps: one without samples, one of which every so many
steps carries one. Times are medians. On a machine that does other things as well, the steps wait for them; what the
training thread itself spends on the processor is told apart.

    python benchmarks/buffers.py [--json] [--blocks 60] [--steps 40]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.sinks.memory import MemorySink
from observed_hooks.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE_SECONDS = 10.0
MICROSECONDS = 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Cost of sampling tf.data buffers.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--steps", type=int, default=40, help="in each block; one in each block carries a sample")
    arguments = parser.parse_args()
    result = measured(arguments.blocks, arguments.steps)
    if arguments.json:
        print(json.dumps({"tensorflow": tf.__version__, "cores": os.cpu_count(), "microseconds": result}, indent=2))
        return
    for what, microseconds in result.items():
        print(f"{what:42s} {microseconds:8.0f} us")


def measured(blocks: int, steps: int) -> dict[str, float]:
    """Return median microseconds of a step, by what it carries."""
    times: dict[str, list[tuple[float, float]]] = {"plain": [], "between": [], "sampled": []}
    with ExitStack() as stack:
        plain, _ = stack.enter_context(training(None))
        sampled, clock = stack.enter_context(training(SAMPLE_SECONDS))
        for block in range(blocks):
            # In turns, so that whatever else the machine does falls on both alike.
            for session in (plain, sampled) if block % 2 else (sampled, plain):
                for step in range(steps):
                    carries = session is sampled and step == steps // 2
                    if carries:
                        clock.advance(SAMPLE_SECONDS)
                    seconds = one_step(session)
                    if step:  # the first of a block finds cold caches
                        times["plain" if session is plain else "sampled" if carries else "between"].append(seconds)
    median = {what: MICROSECONDS * statistics.median(clock for clock, _ in each) for what, each in times.items()}
    spent = {what: MICROSECONDS * statistics.median(thread for _, thread in each) for what, each in times.items()}
    return {
        "step without samples": median["plain"],
        "step between samples": median["between"],
        "step with a sample": median["sampled"],
        "added by a sample": median["sampled"] - median["between"],
        "of that, the training thread's own": spent["sampled"] - spent["between"],
        "added to the steps between": median["between"] - median["plain"],
    }


def one_step(session: Any) -> tuple[float, float]:
    """Run one step; return its seconds by the clock, and those that its thread spent on the processor."""
    start = time.perf_counter(), time.thread_time()
    session.run(session.train_op)
    return time.perf_counter() - start[0], time.thread_time() - start[1]


@contextmanager
def training(every_seconds: float | None) -> Iterator[tuple[Any, FakeClock]]:
    """A session that trains a small model from a shuffled pipeline, and the clock by which samples are due."""
    clock = FakeClock()
    with tempfile.TemporaryDirectory() as directory, tf.Graph().as_default():
        step = tf.compat.v1.train.get_or_create_global_step()
        data = tf.data.Dataset.range(1_000_000).map(features).shuffle(10_000).repeat().batch(32).prefetch(4)
        iterator = tf.compat.v1.data.make_initializable_iterator(data)
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        weights = tf.compat.v1.get_variable("weights", [64, 64])
        loss = tf.reduce_sum(tf.matmul(iterator.get_next(), weights))
        train_op = tf.compat.v1.train.GradientDescentOptimizer(0.0).minimize(loss, global_step=step)
        hook = CheckpointInputPipelineHook(
            checkpoint_dir=directory,
            save_steps=10**9,
            bus=CheckpointBus([MemorySink(max_records=10)]),
            sample_buffers_secs=every_seconds,
            clock=clock,
        )
        with tf.compat.v1.train.MonitoredTrainingSession(
            hooks=[hook], log_step_count_steps=None, save_checkpoint_secs=None
        ) as session:
            session.train_op = train_op
            yield session, clock


def features(number: tf.Tensor) -> tf.Tensor:
    """Return one example."""
    return tf.fill([64], tf.cast(number, tf.float32))


if __name__ == "__main__":
    main()
