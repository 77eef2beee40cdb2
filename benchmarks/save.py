"""How long does a synchronous save take, in few tensors and in many?

`ParallelSaver`, which our hooks use, beside the `Saver` that TensorFlow's `Scaffold` makes, in one session; and beside
plain write() of the same bytes by as many threads to as many files, closed and not synced, since TensorFlow syncs none.
None writes a `.meta` file. Files are removed between two saves, outside the time measured.

    python benchmarks/save.py [--json] [--repeats 15] [--mib 400] [--tensors 8 2000]
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness import files
from harness.report import Answer, Row, answer
from harness.sampling import interleaved, seconds
from harness.training import MIB, quiet, variables

# The harness quietens TensorFlow, so it comes first.
# isort: split
import tensorflow as tf

from observed_hooks.saving.parallel import ParallelSaver, balanced

FEW_TENSORS = 100
GOAL_FEW, GOAL_MANY, GOAL_WRITE = 0.60, 1.0, 1.25
SMALL_FILE_BYTES = 1 * MIB
"""Below this a file is the index or the state file, not a shard."""

LIMIT = (
    "1.25 times plain write() is out of reach of TensorFlow's SaveV2, whoever calls it: it computes a CRC-32C of every "
    "byte, and copies some of them through a buffer. In a profile (perf record -g) of either saver the checksum takes "
    "as long as the system's copy into the page cache (15 % and 14 % of all samples, the buffer 5 %). Checkpoints need "
    "it: it tells a torn file. What the stock Saver takes beside its own write() is the third line."
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long a synchronous save takes.")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--mib", type=float, default=400, help="size of the model")
    parser.add_argument("--tensors", type=int, nargs="+", default=[8, 2000], help="in how many tensors it lies")
    answer("Synchronous save", parser, measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Return the times of each layout."""
    quiet()
    rows: list[Row] = []
    notes: list[str] = []
    for tensors in arguments.tensors:
        layout = measure_layout(tensors, arguments)
        rows += _rows(layout)
        notes.append(f"{layout.name}: TensorFlow writes 1 shard, ours {layout.shards}.")
    return Answer(rows=rows, notes=[*notes, LIMIT])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What was measured of one model."""

    name: str
    tensors: int
    shards: int
    seconds: dict[str, list[float]]


def measure_layout(tensors: int, arguments: argparse.Namespace) -> Layout:
    """Save a model of `tensors` tensors in every way."""
    directory = os.path.join(arguments.directory, str(tensors))
    os.mkdir(directory)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        model = variables(int(arguments.mib * MIB), tensors)
        stock = tf.compat.v1.train.Saver(sharded=True)
        parallel = ParallelSaver()
        session.run(tf.compat.v1.global_variables_initializer())
        save_with(parallel, session, directory)()
        written = files.sizes(directory)
        large = [size for size in written if size > SMALL_FILE_BYTES] or written[:1]
        parts = split(session.run(model), len(large))
        everything = list(itertools.chain.from_iterable(parts))
        contenders = {
            "stock": save_with(stock, session, directory),
            "ours": save_with(parallel, session, directory),
            "write": lambda: files.write_plainly(directory, parts, written[len(large) :]),
            "write by one": lambda: files.write_plainly(directory, [everything], written[len(large) :]),
        }
        measured = interleaved({name: _clean(work, directory) for name, work in contenders.items()}, arguments.repeats)
    name = f"{arguments.mib:g} MiB in {tensors:,} tensors"
    return Layout(name=name, tensors=tensors, shards=len(large), seconds=measured)


def save_with(saver: Any, session: Any, directory: str) -> Callable[[], object]:
    """Return the save to measure."""
    prefix = os.path.join(directory, "model.ckpt")
    return lambda: saver.save(session, prefix, write_meta_graph=False)


def split(arrays: list[Any], parts: int) -> list[list[Any]]:
    """Divide what the variables hold as our saver does."""
    groups = balanced([array.nbytes for array in arrays], parts)
    return [[arrays[index] for index in group] for group in groups]


def _clean(work: Callable[[], object], directory: str) -> Callable[[], float]:
    def measured() -> float:
        files.clear(directory)
        elapsed = seconds(work)
        files.clear(directory)
        return elapsed

    return measured


def _rows(layout: Layout) -> list[Row]:
    goal = GOAL_FEW if layout.tensors <= FEW_TENSORS else GOAL_MANY
    ours, write = layout.seconds["ours"], layout.seconds["write"]
    threads = f"plain write() by {layout.shards} thread{'s' if layout.shards > 1 else ''}"
    return [
        Row(figure=layout.name, against="stock Saver", values=ours, references=layout.seconds["stock"], goal=goal),
        Row(figure=layout.name, against=threads, values=ours, references=write, goal=GOAL_WRITE),
        Row(
            figure="stock Saver, same",
            against="plain write() by 1 thread",
            values=layout.seconds["stock"],
            references=layout.seconds["write by one"],
        ),
    ]


if __name__ == "__main__":
    main()
