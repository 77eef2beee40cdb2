"""How fast, and in how much memory, are checkpoints read without TensorFlow?

Every measurement runs in a process of its own, which loads nothing but the reader; TensorFlow only writes the
checkpoints, beforehand. Times are medians.

    python benchmarks/reader.py [--json] [--model-mib 2048] [--elements 100000] [--repeats 5]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIB = 1 << 20
TENSOR_MIB = 64
INDEX_ENTRIES = 10_000


def main() -> None:
    """Write the checkpoints, measure, print."""
    arguments = parse()
    if arguments.child:
        print(json.dumps(CHILDREN[arguments.child](arguments)))
        return
    with tempfile.TemporaryDirectory() as directory:
        arguments.directory = directory
        child("write", arguments)
        results = [measured(question, arguments) for question in QUESTIONS]
    if arguments.json:
        print(json.dumps({"machine": machine(), "results": results}, indent=2))
    else:
        print_table(results)


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description="Speed and memory of the checkpoint reader.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--model-mib", type=int, default=2048, help="size of the large checkpoint")
    parser.add_argument("--elements", type=int, default=100_000, help="elements in the saved shuffle buffer")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--directory", help=argparse.SUPPRESS)
    return parser.parse_args()


def child(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one of CHILDREN in a process of its own; return what it prints, and the seconds the process took."""
    command = [sys.executable, __file__, "--child", name, "--directory", arguments.directory]
    command += ["--model-mib", str(arguments.model_mib), "--elements", str(arguments.elements)]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    seconds = time.perf_counter() - start
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": seconds}


def measured(question: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the medians over the repeats of one question."""
    runs = [child(question, arguments) for _ in range(arguments.repeats)]
    seconds = statistics.median(run["seconds"] for run in runs)
    return {
        "question": question,
        "entries": runs[0]["entries"],
        "mib": round(runs[0]["bytes"] / MIB, 1),
        "seconds": round(seconds, 4),
        "entries_per_second": round(runs[0]["entries"] / seconds),
        "mib_per_second": round(runs[0]["bytes"] / MIB / seconds),
        "process_seconds": round(statistics.median(run["process_seconds"] for run in runs), 3),
        "peak_mib": round(max(run["peak_bytes"] for run in runs) / MIB, 1),
    }


def write(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write one checkpoint for each question, by TensorFlow."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    directory = Path(arguments.directory)
    dataset = tf.data.Dataset.range(1 << 40).map(lambda x: tf.fill([4], x)).shuffle(arguments.elements)
    iterator = iter(dataset.repeat().batch(8).prefetch(4))
    next(iterator)
    tf.train.Checkpoint(iterator=iterator).write(str(directory / "iterator"))
    save(directory / "index", [f"layer_{number:05}/kernel/Adam/m" for number in range(INDEX_ENTRIES)], tf.zeros([4, 4]))
    large = tf.random.uniform([TENSOR_MIB, MIB // 4])
    save(directory / "model", [f"tensor_{number}" for number in range(arguments.model_mib // TENSOR_MIB)], large)
    return {}


def save(prefix: Path, names: list[str], tensor: Any) -> None:
    """Save `tensor` under each of `names`."""
    import tensorflow as tf

    unsliced = [""] * len(names)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        value = tf.compat.v1.placeholder(tensor.dtype)
        operation = tf.raw_ops.SaveV2(
            prefix=str(prefix), tensor_names=names, shape_and_slices=unsliced, tensors=[value] * len(names)
        )
        session.run(operation, {value: tensor.numpy()})


def read_iterator(arguments: argparse.Namespace) -> dict[str, Any]:
    """Split the state of an iterator by node."""
    from observed_hooks.checkpoints.iterator_state import iterator_state

    start = time.perf_counter()
    (state,) = iterator_state(Path(arguments.directory) / "iterator")
    return outcome(start, sum(node.entries for node in state.nodes), state.total_bytes)


def read_index(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read the index of a model of many tensors."""
    from observed_hooks.checkpoints.bundle import index_path, read_index

    prefix = Path(arguments.directory) / "index"
    start = time.perf_counter()
    bundle = read_index(prefix)
    return outcome(start, len(bundle.entries), Path(index_path(prefix)).stat().st_size)


def verify_model(arguments: argparse.Namespace) -> dict[str, Any]:
    """Verify every checksum of a large model."""
    from observed_hooks.checkpoints.bundle import read_index
    from observed_hooks.checkpoints.verification import verify

    start = time.perf_counter()
    entries = [entry for entry, sound in verify(read_index(Path(arguments.directory) / "model")) if sound]
    return outcome(start, len(entries), sum(entry.size for entry in entries))


def verify_iterator(arguments: argparse.Namespace) -> dict[str, Any]:
    """Verify the checksum of an iterator's state."""
    from observed_hooks.checkpoints.bundle import read_index
    from observed_hooks.checkpoints.verification import verify

    start = time.perf_counter()
    entries = [entry for entry, sound in verify(read_index(Path(arguments.directory) / "iterator")) if sound]
    variants = sum(math.prod(entry.shape) for entry in entries)
    return outcome(start, variants, sum(entry.size for entry in entries))


def outcome(start: float, entries: int, size: int) -> dict[str, Any]:
    """Return what a child reports about itself."""
    return {"seconds": time.perf_counter() - start, "entries": entries, "bytes": size, "peak_bytes": peak_bytes()}


def peak_bytes() -> int:
    """Return the most memory this process had at once, the interpreter included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine() -> str:
    """Return what the figures belong to."""
    return f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def print_table(results: list[dict[str, Any]]) -> None:
    """Print one line for each question."""
    print(machine())
    print(
        f"{'':16}{'entries':>9}{'MiB':>8}{'seconds':>9}{'entries/s':>11}{'MiB/s':>7}{'process s':>11}{'peak MiB':>10}"
    )
    for result in results:
        print(
            f"{result['question']:16}{result['entries']:9,}{result['mib']:8,.1f}{result['seconds']:9.3f}"
            f"{result['entries_per_second']:11,}{result['mib_per_second']:7,}{result['process_seconds']:11.2f}"
            f"{result['peak_mib']:10.1f}"
        )


QUESTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "read iterator": read_iterator,
    "read index": read_index,
    "verify model": verify_model,
    "verify iterator": verify_iterator,
}
CHILDREN = {"write": write, **QUESTIONS}

if __name__ == "__main__":
    main()
