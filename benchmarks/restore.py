"""How long does restoring take, from one shard and from several?

Checkpoints written by TensorFlow's `Saver` and by `ParallelSaver`, each read by both, from the page cache. Both read
ordinary checkpoints; ours asks for as many groups of tensors at once as it writes shards.

    python benchmarks/restore.py [--json] [--repeats 11] [--mib 400] [--tensors 8 2000]
"""

from __future__ import annotations

import argparse
import functools
import os
from typing import Any

from harness.report import Answer, Row, answer
from harness.sampling import interleaved, seconds
from harness.training import MIB, quiet, variables

# The harness quietens TensorFlow, so it comes first.
# isort: split
import tensorflow as tf

from observed_hooks.saving.parallel import ParallelSaver

GOAL = 1.0
WRITERS = {"stock": "1 shard", "ours": "our shards"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long restoring takes.")
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--mib", type=float, default=400, help="size of the model")
    parser.add_argument("--tensors", type=int, nargs="+", default=[8, 2000], help="in how many tensors it lies")
    answer("Restore", parser, measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Return the times of each layout."""
    quiet()
    rows = [row for tensors in arguments.tensors for row in measure_layout(tensors, arguments)]
    notes = ["Files lie in the page cache: this is the cost of reading, checking and assigning, not the disk's."]
    return Answer(rows=rows, notes=notes)


def measure_layout(tensors: int, arguments: argparse.Namespace) -> list[Row]:
    """Restore a model of `tensors` tensors in every way."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables(int(arguments.mib * MIB), tensors)
        savers = {"stock": tf.compat.v1.train.Saver(sharded=True), "ours": ParallelSaver()}
        session.run(tf.compat.v1.global_variables_initializer())
        contenders = {}
        for writer, saver in savers.items():
            prefix = _write(saver, session, os.path.join(arguments.directory, f"{writer}-{tensors}"))
            for reader, by in savers.items():
                contenders[f"{writer} by {reader}"] = functools.partial(_restore, by, session, prefix)
        measured = interleaved(contenders, arguments.repeats)
    return list(_rows(f"{arguments.mib:g} MiB in {tensors:,} tensors", measured))


def _write(saver: Any, session: Any, prefix: str) -> str:
    return str(saver.save(session, prefix, write_meta_graph=False, write_state=False))


def _restore(saver: Any, session: Any, prefix: str) -> float:
    return seconds(lambda: saver.restore(session, prefix))


def _rows(name: str, measured: dict[str, list[float]]) -> list[Row]:
    reference = measured["stock by stock"]
    against = "stock Saver from 1 shard"

    def row(way: str, goal: float | None = None) -> Row:
        writer, _, reader = way.partition(" by ")
        figure = f"{name}: from {WRITERS[writer]}, {'ParallelSaver' if reader == 'ours' else 'stock Saver'}"
        return Row(figure=figure, against=against, values=measured[way], references=reference, goal=goal)

    return [row("ours by ours", GOAL), row("stock by ours", GOAL), row("ours by stock")]


if __name__ == "__main__":
    main()
