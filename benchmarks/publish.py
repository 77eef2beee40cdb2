"""What does publish() cost the training thread, with every sink on?

Blocks of steps of a session without hooks, and of events, take turns. An event is published as in training: behind a
step, to sinks that have been idle, so that a thread has to be woken. And in bursts, in which the sinks work while the
next event is published.

    python benchmarks/publish.py [--json] [--repeats 200] [--events 20]
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from harness.events import beginnings, fake_checkpoints, save_completed
from harness.report import Answer, Row, answer
from harness.sampling import interleaved
from harness.training import quiet, training, watched_bus
from step import build, seconds_per_step

from observed_hooks import CheckpointBus

GOAL = 0.05
NOMINAL_STEP_SECONDS = 160e-6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What publish() costs the training thread.")
    parser.add_argument("--repeats", type=int, default=200, help="blocks of each contender")
    parser.add_argument("--events", type=int, default=20, help="events in a burst, and steps in a block")
    answer("publish() of one event with all sinks on", parser, measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Return the cost of publishing, and of what comes behind it."""
    quiet()
    prefixes = fake_checkpoints(arguments.directory)
    with (
        watched_bus(arguments.directory) as bus,
        training(build, lambda _: [], os.path.join(arguments.directory, "bare")) as step,
    ):
        for event in beginnings(arguments.directory):
            bus.publish(event)
        sleeper = Sleeper()

        saves = [save_completed(prefix, number) for number, prefix in enumerate(prefixes)]

        def publish(number: int) -> None:
            bus.publish(saves[number % len(saves)])

        contenders: dict[str, Callable[[], float]] = {
            "step": functools.partial(seconds_per_step, step, arguments.events),
            "publish": lambda: _behind_steps(publish, bus.flush, step, arguments.events),
            "wake": lambda: _behind_steps(sleeper.wake, sleeper.settle, step, arguments.events),
            "burst": _in_a_burst(bus, prefixes, arguments.events),
        }
        measured = interleaved(contenders, arguments.repeats)
        totals = dict(bus.totals().seconds)
        lost = sum(count for _, count in (*bus.totals().dropped, *bus.totals().failed))
    behind = [sum(totals.values()) / (2 * (arguments.repeats + 1) * arguments.events)]
    return Answer(rows=_rows(measured, behind), notes=_notes(totals, lost))


def _behind_steps(
    deed: Callable[[int], object], settle: Callable[[], object], step: Callable[[], Any], count: int
) -> float:
    """Return the median time of `deed` behind a step; `settle` waits until the threads are idle again."""
    elapsed = []
    for number in range(count):
        step()
        start = time.perf_counter()
        deed(number)
        elapsed.append(time.perf_counter() - start)
        settle()
    return statistics.median(elapsed)


class Sleeper:
    """A thread that waits, and is woken with one call: no way to hand work to an idle thread is cheaper."""

    def __init__(self) -> None:
        self._bell = threading.Lock()
        self._bell.acquire()
        self._awake = threading.Event()
        threading.Thread(target=self._sleep, daemon=True).start()

    def wake(self, _: int) -> None:
        """Wake the thread."""
        self._bell.release()

    def settle(self) -> None:
        """Wait until the thread was awake, and is about to sleep again."""
        self._awake.wait()
        self._awake.clear()

    def _sleep(self) -> None:
        while self._bell.acquire():
            self._awake.set()


def _in_a_burst(bus: CheckpointBus, prefixes: list[str], events: int) -> Callable[[], float]:
    def publish() -> float:
        burst = [save_completed(prefixes[number % len(prefixes)], number) for number in range(events)]
        start = time.perf_counter()
        for event in burst:
            bus.publish(event)
        elapsed = (time.perf_counter() - start) / events
        bus.flush()  # the next block shall not share the machine with the sinks
        return elapsed

    return publish


def _rows(measured: dict[str, list[float]], behind: list[float]) -> list[Row]:
    steps, publishing = measured["step"], measured["publish"]
    nominal = [NOMINAL_STEP_SECONDS]
    return [
        Row(figure="publish()", against="one bare step", values=publishing, references=steps, goal=GOAL),
        Row(figure="publish()", against="160 us", values=publishing, references=nominal, goal=GOAL),
        Row(figure="of it, waking a thread", against="one bare step", values=measured["wake"], references=steps),
        Row(
            figure="publish() in a burst",
            against="one bare step",
            values=measured["burst"],
            references=steps,
            goal=GOAL,
        ),
        Row(
            figure="measuring and all sinks, on their threads", against="one bare step", values=behind, references=steps
        ),
    ]


def _notes(totals: dict[str, float], lost: int) -> list[str]:
    shares = ", ".join(f"{stage} {share / sum(totals.values()):.0%}" for stage, share in totals.items())
    return [
        f"Of the time on their threads: {shares}.",
        f"Events that were lost: {lost}.",
        (
            "Behind a step the bus's thread sleeps and has to be woken, which costs the third line at least. "
            "In a burst it is awake."
        ),
    ]


if __name__ == "__main__":
    main()
