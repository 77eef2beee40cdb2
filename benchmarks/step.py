"""What do hooks add to an ordinary step, one at which nothing is saved?

Sessions train the same small model: without hooks, with TensorFlow's two, with ours, with ours saving asynchronously,
and with two hooks that do nothing. Short blocks of steps take turns, in another order each round; a block's median
counts, and what a hook adds is the difference to the bare block of the same round. A few microseconds are less than
what a step varies by; so the code of our hooks is timed by itself, too.

    python benchmarks/step.py [--json] [--repeats 600] [--steps 20]
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import statistics
from collections.abc import Callable
from typing import Any

from harness.report import Answer, Row, answer
from harness.sampling import differences, interleaved, quartiles, seconds
from harness.training import FAR_AWAY_STEPS, Step, quiet, small_pipeline, stock_hooks, training, watched_bus

# The harness quietens TensorFlow, so it comes first.
# isort: split
import tensorflow as tf

from observed_hooks import CheckpointBus, CheckpointInputPipelineHook, CheckpointSaverHook

GOAL = 0.10
SAMPLE_SECONDS = 10.0
STOCK = "both of TensorFlow's hooks"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What hooks add to an ordinary step.")
    parser.add_argument("--repeats", type=int, default=600, help="blocks of each contender")
    parser.add_argument("--steps", type=int, default=20, help="steps in a block")
    answer("Added time per ordinary step", parser, measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Return what each pair of hooks adds."""
    quiet()
    with contextlib.ExitStack() as stack:
        blocks = _contenders(stack, arguments)
        measured = interleaved(blocks, arguments.repeats, warm_ups=min(10, arguments.repeats))
    added = {name: differences(measured[name], measured["bare"]) for name in measured}
    return Answer(rows=list(_rows(measured, added)), notes=[_note(added)])


def _contenders(stack: contextlib.ExitStack, arguments: argparse.Namespace) -> dict[str, Callable[[], float]]:
    steps: dict[str, Step] = {}

    def contender(name: str, make_hooks: Callable[[str], list[Any]]) -> Callable[[], float]:
        directory = os.path.join(arguments.directory, name)
        steps[name] = stack.enter_context(training(build, make_hooks, directory))
        return functools.partial(seconds_per_step, steps[name], arguments.steps)

    def ours(name: str, sample_seconds: float = SAMPLE_SECONDS, **options: Any) -> Callable[[], float]:
        bus = stack.enter_context(watched_bus(os.path.join(arguments.directory, name)))
        return contender(name, lambda directory: our_hooks(directory, bus, sample_seconds, **options))

    return {
        "bare": contender("bare", lambda _: []),
        "idle": contender("idle", lambda _: [tf.compat.v1.train.SessionRunHook() for _ in range(2)]),
        "stock": contender("stock", lambda directory: stock_hooks(directory, FAR_AWAY_STEPS)),
        "ours": ours("ours"),
        "asynchronous": ours("asynchronous", asynchronous=True),
        "sampling": ours("sampling", sample_seconds=1e-9),
        "code": lambda: seconds_in_hooks(steps["ours"], arguments.steps),
        "asynchronous code": lambda: seconds_in_hooks(steps["asynchronous"], arguments.steps),
    }


def build() -> Any:
    """Add a model of one small layer and its pipeline; a step takes about as long as the session's own overhead."""
    example = tf.cast(small_pipeline(), tf.float32)
    kernel = tf.compat.v1.get_variable("kernel", [64, 64], use_resource=True)
    update = kernel.assign_sub(1e-6 * tf.tanh(kernel * example))
    with tf.control_dependencies([update]):
        return tf.compat.v1.train.get_global_step().assign_add(1).op


def our_hooks(directory: str, bus: CheckpointBus, sample_seconds: float, **options: Any) -> list[Any]:
    """Return our pair; `options` go to the model's hook."""
    return [
        CheckpointSaverHook(directory, save_steps=FAR_AWAY_STEPS, bus=bus, **options),
        CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus, sample_buffers_secs=sample_seconds),
    ]


def seconds_per_step(step: Callable[[], Any], steps: int) -> float:
    """Return the median over one block."""
    return statistics.median(seconds(step) for _ in range(steps))


def seconds_in_hooks(step: Step, steps: int) -> float:
    """Return the median that one step spends in the code of the session's hooks."""
    context = tf.compat.v1.train.SessionRunContext(tf.compat.v1.train.SessionRunArgs(None), step.session)
    values = tf.compat.v1.train.SessionRunValues(None, None, None)

    def both() -> None:
        for hook in step.hooks:
            hook.before_run(context)
        for hook in step.hooks:
            hook.after_run(context, values)

    return statistics.median(seconds(both) for _ in range(steps))


def _rows(measured: dict[str, list[float]], added: dict[str, list[float]]) -> list[Row]:
    bare, stock = measured["bare"], added["stock"]
    # A block is too short to meet a sample that is due every ten seconds: its share is computed.
    shares = [sampled * step / SAMPLE_SECONDS for sampled, step in zip(added["sampling"], bare, strict=True)]
    with_samples = [plain + share for plain, share in zip(added["ours"], shares, strict=True)]

    def row(figure: str, values: list[float], goal: float | None = None) -> Row:
        return Row(figure=figure, against=STOCK, values=values, references=stock, goal=goal)

    return [
        Row(figure="step without hooks", against="itself", values=bare, references=bare),
        row(f"added by both our hooks, a sample every {SAMPLE_SECONDS:.0f} s", with_samples, GOAL),
        row("of it, in the code of our hooks", measured["code"], GOAL),
        row("both, asynchronous", added["asynchronous"], GOAL),
        row("of it, in the code of our hooks", measured["asynchronous code"], GOAL),
        row("added by two hooks that do nothing: the session's own price", added["idle"]),
        row("added to a step that samples buffers", added["sampling"]),
    ]


def _note(added: dict[str, list[float]]) -> str:
    lower, _, upper = quartiles(added["ours"])
    return (
        "Saves are out of reach; a sample's share of a step is computed. Added time is the difference to a bare block "
        f"of the same round; half of those of our hooks lie between {lower * 1e6:.1f} and {upper * 1e6:.1f} us, so a "
        "median may be off by a few us, and negative."
    )


if __name__ == "__main__":
    main()
