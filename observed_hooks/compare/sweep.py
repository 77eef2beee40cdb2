"""The order of a comparison: round after round over all cases, so that a machine's moods fall on every case alike.

A round measures each case once, in an order of its own that is mixed but always the same. The first begins with the
case that has no buffer: the others are measured against it. No repeat starts that would not end within the budget, but
every case is measured once. A case that failed is not measured again in the same sweep.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from observed_hooks.clock import Clock
from observed_hooks.compare.budget import Budget, Pace
from observed_hooks.compare.case import Case
from observed_hooks.compare.ledger import Ledger, Task
from observed_hooks.compare.plan import Plan

_SEED = 20240229

Measure: TypeAlias = Callable[[Task], str]
"""Measures one repeat, and returns why it failed: one line, or nothing when it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatStarted:
    """A repeat is about to be measured."""

    task: Task
    done: int
    """Repeats before it, those of an earlier sweep included."""
    total: int
    """Repeats that the plan asks for."""
    left_seconds: float | None
    """Until the end of the sweep, by the durations so far; None before there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatEnded:
    """It was measured, or failed."""

    task: Task
    seconds: float
    failure: str
    """Why it failed, in one line; empty when it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEnded:
    """Nothing more is going to be measured."""

    done: int
    total: int
    over_budget: int
    """Repeats that were left out because they would not have ended within the budget."""


Progress: TypeAlias = RepeatStarted | RepeatEnded | SweepEnded


def order(plan: Plan) -> tuple[Task, ...]:
    """Return every repeat of every case in the order of measuring; it depends on the plan and on nothing else."""
    return tuple(Task(case, number) for number in range(1, plan.repeats + 1) for case in _round(plan.cases, number))


def sweep(plan: Plan, ledger: Ledger, measure: Measure, budget: Budget, clock: Clock) -> Iterator[Progress]:
    """Measure what `ledger` does not know to be done, and tell what happens as it happens.

    An exception of `measure`, and KeyboardInterrupt above all, ends the sweep: the repeat under way is forgotten, all
    others are kept, and the next sweep continues there.
    """
    tasks = order(plan)
    taken = {task: ledger.seconds(task) for task in tasks}
    due = [task for task in tasks if taken[task] is None]
    pace = Pace()
    for task, seconds in taken.items():
        if seconds is not None:
            pace.take(task.case, seconds)
    done, over_budget, failed = len(tasks) - len(due), 0, set[Case]()
    for position, task in enumerate(due):
        if task.case in failed:
            continue
        if not pace.fits(task, budget):
            over_budget += 1
            continue
        left = [each for each in due[position:] if each.case not in failed]
        yield RepeatStarted(task=task, done=done, total=len(tasks), left_seconds=pace.seconds_left(left, budget))
        ended = _measured(task, ledger, measure, clock)
        if ended.failure:
            failed.add(task.case)
        else:
            pace.take(task.case, ended.seconds)
            done += 1
        yield ended
    yield SweepEnded(done=done, total=len(tasks), over_budget=over_budget)


def _measured(task: Task, ledger: Ledger, measure: Measure, clock: Clock) -> RepeatEnded:
    ledger.begin(task)
    began = clock.monotonic()
    try:
        failure = measure(task)
    except BaseException:
        ledger.forget(task)
        raise
    seconds = clock.monotonic() - began
    if failure:
        ledger.fail(task, failure)
    else:
        ledger.finish(task, seconds)
    return RepeatEnded(task=task, seconds=seconds, failure=failure)


def _round(cases: tuple[Case, ...], number: int) -> list[Case]:
    mixed = list(cases)
    random.Random(f"{_SEED}/{number}").shuffle(mixed)  # noqa: S311 - an order, not a secret
    if number == 1:
        mixed.sort(key=lambda case: case.buffer_size > 0)
    return mixed
