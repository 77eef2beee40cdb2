"""How much slower is training while, on another thread, a checkpoint is taken apart?

A shuffle buffer of many elements is saved; then the same training runs in turns with and without somebody who reads
that checkpoint over and over, as the bus's thread reads it once after a save. The bus spends at most a fifth of its
time on that where it takes long, so a training with many saves is slowed by a fifth of what continuous reading costs.

    python benchmarks/beside_training.py [--json] [--elements 10000] [--seconds 2.0] [--rounds 6] [--size 512]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from observed_hooks.checkpoints.composition import composition

if TYPE_CHECKING:
    from collections.abc import Iterator

v1 = tf.compat.v1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Cost to training of reading checkpoints beside it.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--elements", type=int, default=10_000, help="in the saved shuffle buffer")
    parser.add_argument("--seconds", type=float, default=2.0, help="of training in each turn")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--size", type=int, default=512, help="of the square matrices that a step multiplies")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = measured(saved(directory, arguments.elements), arguments)
    if arguments.json:
        print(json.dumps({"tensorflow": tf.__version__, "cores": os.cpu_count(), **result}, indent=2))
        return
    for what, number in result.items():
        print(f"{what:32s} {number:10.4f}")


def measured(prefix: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Return the steps' milliseconds with and without a reader, their ratio, and how long one reading takes."""
    alone, beside = [], []
    reader = Reader(prefix)
    with training(arguments.size) as step:
        seconds_per_step(step, arguments.seconds)
        for turn in range(arguments.rounds):
            for reads in (False, True) if turn % 2 else (True, False):
                with reader.reading() if reads else reader.resting():
                    (beside if reads else alone).append(seconds_per_step(step, arguments.seconds))
    slower = statistics.median(b / a for a, b in zip(alone, beside, strict=True)) - 1
    return {
        "step alone, ms": 1e3 * statistics.median(alone),
        "step beside a reader, ms": 1e3 * statistics.median(beside),
        "slower while reading": slower,
        "slower over a training, at most": slower / 5,
        "one reading, s": statistics.median(reader.seconds),
    }


class Reader:
    """Takes a checkpoint apart over and over, while it is asked to."""

    def __init__(self, prefix: str) -> None:
        self.seconds: list[float] = []
        self._prefix = prefix
        self._wanted = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read as long as the context lasts."""
        self._wanted = True
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield
        finally:
            self._wanted = False
            thread.join()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Do nothing as long as the context lasts."""
        yield

    def _read(self) -> None:
        while self._wanted:
            start = time.perf_counter()
            composition("input_pipeline", 1, self._prefix)
            self.seconds.append(time.perf_counter() - start)


def seconds_per_step(step: Any, seconds: float) -> float:
    """Return the mean seconds of a step over that time: a mean, because a stall is what is looked for."""
    start = time.perf_counter()
    steps = 0
    while (elapsed := time.perf_counter() - start) < seconds:
        step()
        steps += 1
    return elapsed / steps


@contextmanager
def training(size: int) -> Iterator[Any]:
    """One training step as a callable."""
    with tf.Graph().as_default():
        weights = v1.get_variable("weights", [size, size])
        # Squared, so that no optimisation of the graph can foresee the gradient.
        loss = tf.reduce_sum(tf.square(tf.matmul(weights, weights)))
        train_op = v1.train.GradientDescentOptimizer(1e-9).minimize(loss)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            yield session.make_callable(train_op)


def saved(directory: str, elements: int) -> str:
    """Save an iterator with so many elements in its shuffle buffer; return the prefix."""
    with tf.Graph().as_default():
        iterator = v1.data.make_initializable_iterator(tf.data.Dataset.range(2 * elements).shuffle(elements))
        following = iterator.get_next()
        saver = v1.train.Saver([tf.data.experimental.make_saveable_from_iterator(iterator)])
        with v1.Session() as session:
            session.run([iterator.initializer])
            session.run(following)
            return str(saver.save(session, str(Path(directory) / "input.ckpt"), global_step=1))


if __name__ == "__main__":
    main()
