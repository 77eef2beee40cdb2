"""Does anything grow: with the number of saves, or with the time a run has been going on?

One session saves through both our hooks, up to 100,000 times. A saver that writes nothing stands in for the files, and
an injected clock for the time between saves, so that everything but the writing is real: triggers, events, measuring of
a directory of five checkpoints, every sink. After 1, 10, ... saves, ordinary steps, publish() and a scrape are timed.

The scrape is timed once more over the simulated seconds of a run whose buffers are looked at every second.

    python benchmarks/growth.py [--json] [--repeats 300] [--saves 100000] [--seconds 10000]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.events import beginnings, fake_checkpoints, save_completed
from harness.report import Answer, Row, answer
from harness.sampling import seconds
from harness.training import all_sinks, quiet, training
from prometheus_client import generate_latest
from step import build

from observed_hooks import CheckpointBus, CheckpointSaverHook, MemorySink, PrometheusSink
from observed_hooks.events import BuffersSampled, BufferState
from observed_hooks.testing import FakeClock

GOAL = 1.25
"""Flat, as far as a shared machine lets medians repeat."""
UNHURRIED_EVENTS = 100
"""Saves between two waits for the sinks: well within their queues."""
FIRST_SECONDS = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Whether anything grows with saves or time.")
    parser.add_argument("--repeats", type=int, default=300, help="samples at each point")
    parser.add_argument("--saves", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=10_000, help="simulated length of a run")
    answer("Growth with saves and time", parser, measure)


def measure(arguments: argparse.Namespace) -> Answer:
    """Return the costs at the beginning and at the end."""
    quiet()
    points = list(over_saves(arguments))
    scrapes = list(over_time(arguments))
    return Answer(
        rows=[*_rows_over_saves(points), *_rows_over_time(scrapes)],
        notes=[
            _trail(points),
            "The sizes of a scrape are exact: not one series, nor one digit too many, may be added.",
        ],
    )


@dataclass(frozen=True, slots=True)
class Point:
    """What things cost after so many saves, or seconds."""

    at: int
    step: list[float] = field(default_factory=list)
    publish: list[float] = field(default_factory=list)
    scrape: list[float] = field(default_factory=list)
    series: int = 0


class UnwritingSaver:
    """Stands in for a `Saver`: names one of the checkpoints that are there."""

    def __init__(self, prefixes: list[str]) -> None:
        self._prefixes = prefixes
        self.last_checkpoints = prefixes
        self.saves = 0

    def save(self, *_: Any, **__: Any) -> str:
        """Count a save."""
        self.saves += 1
        return self._prefixes[self.saves % len(self._prefixes)]


def over_saves(arguments: argparse.Namespace) -> Iterator[Point]:
    """Save on and on; yield what things cost after 1, 10, 100, ... saves."""
    directory = os.path.join(arguments.directory, "saves")
    os.mkdir(directory)
    prefixes = fake_checkpoints(directory)
    saver, clock = UnwritingSaver(prefixes), FakeClock()
    sinks = all_sinks(directory)
    bus = CheckpointBus(sinks)

    def hooks(_: str) -> list[Any]:
        return [CheckpointSaverHook(directory, save_secs=1, saver=saver, bus=bus, clock=clock)]

    with training(build, hooks, os.path.join(directory, "none")) as step:
        for at in points_up_to(arguments.saves):
            save_until(at, saver, clock, step, bus)
            bus.flush()
            yield Point(at, **sampled(step, bus, sinks[0], prefixes[0], arguments.repeats))
    bus.close()


def points_up_to(last: int) -> list[int]:
    """Return 1, 10, 100, ... and `last`."""
    powers = [10**exponent for exponent in range(len(str(last)))]
    return sorted({*powers, last} - {power for power in powers if power > last})


def save_until(
    saves: int, saver: UnwritingSaver, clock: FakeClock, step: Callable[[], Any], bus: CheckpointBus
) -> None:
    """Let a second go by before each step, until there are so many saves."""
    while saver.saves < saves:
        clock.advance(1)
        step()
        if saver.saves % UNHURRIED_EVENTS == 0:
            bus.flush()


def sampled(
    step: Callable[[], Any], bus: CheckpointBus, prometheus: PrometheusSink, prefix: str, repeats: int
) -> dict[str, Any]:
    """Time ordinary steps, publish() and scrapes in turns."""
    times: dict[str, list[float]] = {"step": [], "publish": [], "scrape": []}
    for number in range(repeats):
        times["step"].append(seconds(step))
        event = save_completed(prefix, number)
        times["publish"].append(seconds(lambda event=event: bus.publish(event)))  # type: ignore[misc]
        bus.flush()
        times["scrape"].append(seconds(lambda: generate_latest(prometheus.registry)))
    return {**times, "series": series(prometheus)}


def series(prometheus: PrometheusSink) -> int:
    """Return how many series a scrape has."""
    lines = generate_latest(prometheus.registry).decode().splitlines()
    return sum(not line.startswith("#") for line in lines)


def over_time(arguments: argparse.Namespace) -> Iterator[Point]:
    """Let a run go on; yield what a scrape costs after 10 seconds and at the end."""
    clock, prometheus = FakeClock(), PrometheusSink()
    bus = CheckpointBus([prometheus, MemorySink(max_records=1000)], clock=clock, run="growth")
    prefixes = fake_checkpoints(arguments.directory)
    for event in beginnings(arguments.directory):
        bus.publish(event)
    for second in range(1, arguments.seconds + 1):
        clock.advance(1)
        bus.publish(BuffersSampled(step=second, buffers=buffers(second)))
        bus.publish(save_completed(prefixes[second % len(prefixes)], second))
        if second % UNHURRIED_EVENTS == 0:
            bus.flush()
        if second in {min(FIRST_SECONDS, arguments.seconds), arguments.seconds}:
            bus.flush()
            scrape = [seconds(lambda: generate_latest(prometheus.registry)) for _ in range(arguments.repeats)]
            yield Point(second, scrape=scrape, series=series(prometheus))
    bus.close()


def buffers(second: int) -> tuple[BufferState, ...]:
    """Return three buffers as they may be found."""
    return tuple(
        BufferState(
            iterator="iterator",
            node=f"Prefetch::{name}",
            transformation=name,
            elements=second % 1000,
            size_bytes=4096 * (second % 1000),
            capacity_elements=1000,
        )
        for name in ("Prefetch", "Batch", "Shuffle")
    )


def _rows_over_saves(points: list[Point]) -> list[Row]:
    # The very first save pays for opening files and importing modules; the tenth is the beginning.
    first, last = points[min(1, len(points) - 1)], points[-1]
    against = f"the same after {first.at:,} saves"
    after = f"after {last.at:,} saves"
    return [
        Row(figure=f"step {after}", against=against, values=last.step, references=first.step, goal=GOAL),
        Row(figure=f"publish() {after}", against=against, values=last.publish, references=first.publish, goal=GOAL),
        Row(figure=f"scrape {after}", against=against, values=last.scrape, references=first.scrape, goal=GOAL),
        _series_row(after, against, last, first),
    ]


def _rows_over_time(points: list[Point]) -> list[Row]:
    first, last = points[0], points[-1]
    against = f"the same after {first.at:,} seconds"
    after = f"after {last.at:,} seconds"
    return [
        Row(figure=f"scrape {after}", against=against, values=last.scrape, references=first.scrape, goal=GOAL),
        _series_row(after, against, last, first),
    ]


def _series_row(after: str, against: str, last: Point, first: Point) -> Row:
    return Row(
        figure=f"series in a scrape {after}",
        against=against,
        values=[last.series],
        references=[first.series],
        goal=1.0,
        unit="count",
    )


def _trail(points: list[Point]) -> str:
    steps = ", ".join(f"{point.at:,}: {1e6 * sorted(point.step)[len(point.step) // 2]:.0f} us" for point in points)
    return f"Ordinary step after so many saves: {steps}."


if __name__ == "__main__":
    main()
