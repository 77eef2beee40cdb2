"""How long does training wait for saves, and what does it lose to them in all?

Sessions without hooks, with TensorFlow's and with ours, asynchronous, train the same model side by side, a period of
steps each in turn. Every period begins with a step that saves, and ends when its files are complete: what is written in
the background is waited for, and slows the steps that it runs beside, so it is counted too.

- stall: the step that saves, less an ordinary step of the session without hooks.
- wall time lost: a period, less a period of the session without hooks.
- memory: the most that was ever resident in a process that trains and saves, less that of one that only trains.

    python benchmarks/stall.py [--json] [--repeats 5] [--mib 400] [--buffer-mib 80] [--period 20]
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import files, memory
from harness.report import Answer, Row, answer
from harness.sampling import differences, interleaved, quartiles
from harness.training import (
    MIB,
    incompressible_pipeline,
    quiet,
    small_pipeline,
    stock_hooks,
    training,
    variables,
)

# The harness quietens TensorFlow, so it comes first.
# isort: split
import tensorflow as tf

from observed_hooks import CheckpointBus, CheckpointInputPipelineHook, CheckpointSaverHook

GOAL_MODEL, GOAL_INPUT, GOAL_LOST = 0.05, 0.5, 0.5
TENSORS = 8
SHORT_PERIOD = 6
LEARNING_RATE = 1e-6
MATRIX_SIDE = 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long training waits for saves.")
    parser.add_argument("--repeats", type=int, default=5, help="periods of each contender")
    parser.add_argument("--mib", type=float, default=400, help="size of the model")
    parser.add_argument("--buffer-mib", type=float, default=80, help="size of the shuffle buffer")
    parser.add_argument("--device-ms", type=float, default=100, help="how long a step may wait for a device")
    parser.add_argument("--matmuls", type=int, default=4, help="products of 1024 x 1024 matrices in a busy step")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--period", type=int, default=20, help="steps from save to save of the whole run")
    answer("Training held up by saves, asynchronous", parser, measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Return what each scene shows."""
    quiet()
    if arguments.child:
        return peak_of_child(arguments)
    model, buffer = int(arguments.mib * MIB), int(arguments.buffer_mib * MIB)
    whole = functools.partial(Scene, model_bytes=model, buffer_bytes=buffer, period=arguments.period)
    short = min(SHORT_PERIOD, arguments.period)
    scenes = {
        "model": Scene(model_bytes=model, period=short, saves_pipeline=False),
        "input": Scene(buffer_bytes=buffer, period=short, saves_model=False),
        "busy": whole(matmuls=arguments.matmuls),
        "device": Scene(
            model_bytes=model, buffer_bytes=buffer, period=arguments.period, device_seconds=arguments.device_ms / 1000
        ),
    }
    found: dict[str, dict[str, list[Period]]] = {}
    for name, scene in scenes.items():
        found[name] = play(scene, arguments.repeats, os.path.join(arguments.directory, name))
    rows = [*model_rows(found["model"], arguments), *input_rows(found["input"], arguments)]
    rows += memory_rows(arguments)
    rows += [*lost_rows(found["busy"], "CPU busy", arguments), *lost_rows(found["device"], "CPU waits", arguments)]
    return Answer(rows=rows, notes=notes(found, arguments.device_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is trained, and what of it is saved."""

    model_bytes: int = 1024
    buffer_bytes: int = 0
    period: int
    saves_model: bool = True
    saves_pipeline: bool = True
    matmuls: int = 0
    """How many products of matrices a step computes, on all cores."""
    device_seconds: float = 0.0
    """How long a step leaves the CPU alone, as when a device computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One contender's steps from a save to the next."""

    steps: list[float]
    """Seconds; the first is the one that saves."""
    lasted: float
    """Until the last step had ended and the files were complete."""


def play(scene: Scene, repeats: int, directory: str) -> dict[str, list[Period]]:
    """Train side by side; return the periods of each contender."""
    with contextlib.ExitStack() as stack:
        contenders = {}
        for name, make_hooks in hooks_of(scene, stack).items():
            place = os.path.join(directory, name)
            step = stack.enter_context(training(lambda: build(scene), make_hooks, place))
            complete = watch(scene, place) if name != "bare" else lambda _: True
            contenders[name] = periods(step, scene.period, complete, place)
        return interleaved(contenders, repeats)


def hooks_of(scene: Scene, stack: contextlib.ExitStack) -> dict[str, Callable[[str], list[Any]]]:
    """Return how each contender saves."""

    def ours(directory: str) -> list[Any]:
        bus = stack.enter_context(contextlib.closing(CheckpointBus()))
        hooks: list[Any] = [CheckpointSaverHook(directory, save_steps=scene.period, bus=bus, asynchronous=True)]
        if scene.saves_pipeline:
            hooks.append(CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus))
        return hooks

    def stock(directory: str) -> list[Any]:
        return stock_hooks(directory, scene.period, model=scene.saves_model, pipeline=scene.saves_pipeline)

    return {"bare": lambda _: [], "stock": stock, "ours": ours}


def build(scene: Scene) -> Any:
    """Add the model, and a step that changes every variable."""
    example = incompressible_pipeline(scene.buffer_bytes) if scene.buffer_bytes else small_pipeline()
    factor = 1.0 - LEARNING_RATE * tf.reduce_mean(tf.cast(example, tf.float32))
    model = variables(scene.model_bytes, TENSORS if scene.model_bytes > MIB else 1)
    wait = functools.partial(_compute_elsewhere, seconds=scene.device_seconds)
    ready = [tf.numpy_function(wait, [factor], [])] if scene.device_seconds else [_compute(factor, scene.matmuls)]
    with tf.control_dependencies(ready):
        updates = [variable.assign(variable * factor) for variable in model]
    with tf.control_dependencies(updates):
        return tf.compat.v1.train.get_global_step().assign_add(1).op


def _compute(factor: Any, matmuls: int) -> Any:
    result = tf.fill([MATRIX_SIDE, MATRIX_SIDE], factor / MATRIX_SIDE) if matmuls else factor
    for _ in range(matmuls):
        result = tf.linalg.matmul(result, result)
    return result


def _compute_elsewhere(_: Any, *, seconds: float) -> None:
    time.sleep(seconds)


def watch(scene: Scene, directory: str) -> Callable[[int], bool]:
    """Return what tells whether the checkpoints of a step are complete: the index is what comes last."""
    names = ["model.ckpt"] * scene.saves_model + ["input.ckpt"] * scene.saves_pipeline

    def complete(step: int) -> bool:
        return all((Path(directory) / f"{name}-{step}.index").exists() for name in names)

    return complete


def periods(
    step: Callable[[], Any], length: int, complete: Callable[[int], bool], directory: str
) -> Callable[[], Period]:
    """Return what runs one period; the first call runs up to the first save before."""
    reached = iter(_save_steps(step, length))

    def period() -> Period:
        saved = next(reached)
        start = time.perf_counter()
        steps = [_seconds(step) for _ in range(length)]
        while not complete(saved):
            time.sleep(0.001)
        lasted = time.perf_counter() - start
        # Gone before the system carries them to the disk, so that nobody waits for another's files.
        files.clear_data(directory)
        return Period(steps=steps, lasted=lasted)

    return period


def _save_steps(step: Callable[[], Any], length: int) -> Iterator[int]:
    """Run up to the first save; yield the step that the next run saves, period after period."""
    for _ in range(length - 1):
        step()
    saved = length
    while True:
        yield saved
        saved += length


def _seconds(step: Callable[[], Any]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def stalls(found: dict[str, list[Period]], name: str, steps: int = 1) -> list[float]:
    """Return by how much the first `steps` steps of each period were longer than a bare session's."""
    ordinary = quartiles([step for period in found["bare"] for step in period.steps])[1]
    return [sum(period.steps[:steps]) - steps * ordinary for period in found[name]]


def lost(found: dict[str, list[Period]], name: str) -> list[float]:
    """Return by how much each period was longer than the bare session's of the same round."""
    return differences([period.lasted for period in found[name]], [period.lasted for period in found["bare"]])


def model_rows(found: dict[str, list[Period]], arguments: argparse.Namespace) -> list[Row]:
    """Return what the scene of the model alone shows."""
    size = f"{arguments.mib:g} MiB of variables"
    against = "stock hook's save"
    stock = stalls(found, "stock")
    return [
        Row(figure=f"stall, {size}", against=against, values=stalls(found, "ours"), references=stock, goal=GOAL_MODEL),
        Row(
            figure="the same and the next step, which copies what it changes",
            against=against,
            values=stalls(found, "ours", steps=2),
            references=stock,
        ),
    ]


def input_rows(found: dict[str, list[Period]], arguments: argparse.Namespace) -> list[Row]:
    """Return what the scene of the input pipeline shows; ours saves the small model besides."""
    size = f"{arguments.buffer_mib:g} MiB shuffle buffer"
    ours, stock = stalls(found, "ours"), stalls(found, "stock")
    return [Row(figure=f"stall, {size}", against="stock hook's save", values=ours, references=stock, goal=GOAL_INPUT)]


def lost_rows(found: dict[str, list[Period]], load: str, arguments: argparse.Namespace) -> list[Row]:
    """Return what a run loses that saves model and pipeline."""
    figure = f"lost to a save every {arguments.period} steps, {load}"
    ours, stock = lost(found, "ours"), lost(found, "stock")
    return [Row(figure=figure, against="both stock hooks", values=ours, references=stock, goal=GOAL_LOST)]


def memory_rows(arguments: argparse.Namespace) -> list[Row]:
    """Return what saving adds to the peak of a process; each trains and saves in one of its own."""
    peaks = {name: _child_peak(name, arguments) for name in ("bare", "stock", "ours")}
    size = f"{arguments.mib:g} MiB of variables"
    return [
        Row(
            figure=f"memory that {whose} saves add, {size}",
            against="the variables",
            values=[peaks[name] - peaks["bare"]],
            references=[arguments.mib * MIB],
            unit="bytes",
        )
        for name, whose in (("stock", "the stock hook's"), ("ours", "our asynchronous"))
    ]


def _child_peak(name: str, arguments: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--json", "--child", name, "--mib", str(arguments.mib)]
    command += ["--directory", arguments.directory]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - ourselves
    return float(json.loads(done.stdout)["rows"][0]["value"])


def peak_of_child(arguments: argparse.Namespace) -> Answer:
    """Train and save three times in the way that `--child` names; return this process's peak."""
    scene = Scene(model_bytes=int(arguments.mib * MIB), period=SHORT_PERIOD, saves_pipeline=False)
    with contextlib.ExitStack() as stack:
        make_hooks = hooks_of(scene, stack)[arguments.child]
        place = os.path.join(arguments.directory, arguments.child)
        step = stack.enter_context(training(lambda: build(scene), make_hooks, place))
        for _ in range(3 * SHORT_PERIOD + 1):
            step()
    peak = [float(memory.peak_bytes())]
    return Answer(rows=[Row(figure="peak", against="itself", values=peak, references=peak, unit="bytes")])


def notes(found: dict[str, dict[str, list[Period]]], device_ms: float) -> list[str]:
    """Return how large a share of the time was lost, with either."""
    shares = []
    for scene in ("busy", "device"):
        bare = quartiles([period.lasted for period in found[scene]["bare"]])[1]
        step = quartiles([step for period in found[scene]["bare"] for step in period.steps])[1]
        stock, ours = (quartiles(lost(found[scene], name))[1] / bare for name in ("stock", "ours"))
        shares.append(f"{scene} (steps of {step * 1000:.0f} ms): {stock:.1%} with stock hooks, {ours:.1%} with ours")
    return [
        f"Share of the training time that is lost, {'; '.join(shares)}.",
        "Every step changes every variable. CPU busy: it also multiplies matrices, so a write takes time from it.",
        f"CPU waits: instead it sleeps for {device_ms:g} ms, as when a device computes.",
    ]


if __name__ == "__main__":
    main()
