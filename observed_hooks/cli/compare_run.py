"""`observed-hooks compare` at work: measured, shown, written down, exported."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console

from observed_hooks.cli.commands import FINDING, INTERRUPTED
from observed_hooks.cli.compare_progress import Silence, Stage
from observed_hooks.cli.compare_text import print_result
from observed_hooks.clock import SystemClock
from observed_hooks.compare.budget import Budget
from observed_hooks.compare.comparison import Audience, begin, measure
from observed_hooks.compare.files import as_fields
from observed_hooks.compare.gather import repeats_of, result_of, write_result
from observed_hooks.compare.ledger import tasks_of
from observed_hooks.compare.machine import this_machine
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.process import Limits
from observed_hooks.compare.repeat import Repeat
from observed_hooks.compare.replay import record_of
from observed_hooks.compare.result import Result
from observed_hooks.compare.sweep import RepeatEnded
from observed_hooks.compare.workspace import Workspace, claimed, read_plan
from observed_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    from observed_hooks.sinks.exporter import Exporter
    from observed_hooks.sinks.prometheus import PrometheusSink

_LISTEN_SECONDS = 1.0  # a wait without an end would not be interrupted everywhere


@dataclass(frozen=True, slots=True)
class Export:
    """The comparison as Prometheus sees it: each case is a run."""

    sink: PrometheusSink
    exporter: Exporter

    def add(self, repeats: Sequence[Repeat]) -> None:
        """Show what `repeats` have published."""
        for repeat in repeats:
            for fields in repeat.events:
                record = record_of(fields, run=repeat.case.name)
                if record is not None:
                    self.sink.write(record)


@contextlib.contextmanager
def exporting(port: int) -> Iterator[Export]:
    """Serve an export for the length of the block.

    Raises:
        SinkError: no port can be had.
    """
    from observed_hooks.sinks.exporter import serve
    from observed_hooks.sinks.prometheus import PrometheusSink

    sink = PrometheusSink()
    with serve(sink, port) as exporter:
        click.echo(f"Metrics at {exporter.url}", err=True)
        yield Export(sink, exporter)


def compare(
    plan: Plan, budget_seconds: float, limits: Limits, export: Export | None, *, restart: bool, as_json: bool
) -> int:
    """Carry out `plan`, show and write down what came of it, and stay if it is exported.

    Returns:
        The exit code.
    """
    clock, machine = SystemClock(), this_machine()
    budget = Budget(budget_seconds, clock)
    with claimed(plan.directory) as workspace:
        with Silence() if as_json else Stage(Console(stderr=True)) as audience:
            subject = begin(plan, machine, limits, audience, restart=restart)
            if export is not None:
                export.add(repeats_of(plan))
            interrupted = _measure(plan, limits, budget, audience, export)
        repeats = repeats_of(plan)
        if interrupted:
            click.echo("Interrupted; what is done is shown and written down.", err=True)
        if repeats:
            _conclude(result_of(plan, repeats, subject, machine), workspace, as_json=as_json)
        if interrupted:
            done = sum(not repeat.failure for repeat in repeats)
            click.echo(
                f"{done} of {sum(1 for _ in tasks_of(plan))} repeats are done. "
                "The same command, without --restart, continues.",
                err=True,
            )
            return INTERRUPTED
        if export is not None:
            _stay(export)
    return FINDING if any(repeat.failure for repeat in repeats) else 0


def compare_trainings(directories: Sequence[str], directory: str, *, as_json: bool) -> int:
    """Show what trainings have published of themselves, and write it to `directory`.

    Returns:
        The exit code.

    Raises:
        ConfigurationError: one of the directories holds no events, or `directory` holds a comparison of cases.
    """
    from observed_hooks.compare.runs import compare_runs

    result = compare_runs(directories)
    with claimed(directory) as workspace:
        if read_plan(workspace) is not None:
            raise ConfigurationError(
                f"{directory} holds a comparison of cases, whose results would be overwritten; pass --dir with "
                "another directory"
            )
        _conclude(result, workspace, as_json=as_json)
    return FINDING if any(row.failed for row in result.rows) else 0


def _measure(plan: Plan, limits: Limits, budget: Budget, audience: Audience, export: Export | None) -> bool:
    """Measure what is to be measured; return whether Ctrl-C put an end to it."""
    try:
        for progress in measure(plan, limits, budget, SystemClock()):
            audience.hear(progress)
            if export is not None and isinstance(progress, RepeatEnded):
                export.add([each for each in repeats_of(plan) if _is_of(each, progress)])
    except KeyboardInterrupt:
        return True
    return False


def _is_of(repeat: Repeat, progress: RepeatEnded) -> bool:
    return (repeat.case, repeat.number) == (progress.task.case, progress.task.number)


def _conclude(result: Result, workspace: Workspace, *, as_json: bool) -> None:
    """Write the result down and show it; where it cannot be written, show it before that is said."""
    missing, unwritten = "", None
    try:
        missing = write_result(result, workspace)
    except ConfigurationError as error:
        unwritten = error
    if as_json:
        click.echo(json.dumps(as_fields(result)))
        if missing:
            click.echo(missing, err=True)
    else:
        print_result(Console(), result, workspace, [missing] if missing else [])
    if unwritten is not None:
        raise unwritten


def _stay(export: Export) -> None:
    click.echo(f"The comparison stays at {export.exporter.url}; Ctrl-C ends it.", err=True)
    try:
        _wait()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


def _wait() -> None:
    """Wait for Ctrl-C."""
    never = threading.Event()
    while not never.wait(_LISTEN_SECONDS):
        pass
