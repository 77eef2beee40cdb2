"""The result of what lies in a comparison's directory, whole or not."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
from collections.abc import Iterator, Sequence

from observed_hooks.compare.case import short
from observed_hooks.compare.files import write_csv, write_json
from observed_hooks.compare.ledger import Ledger, tasks_of
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.recommend import recommend
from observed_hooks.compare.repeat import EventFields, Repeat
from observed_hooks.compare.result import Machine, Result
from observed_hooks.compare.rows import rows_of
from observed_hooks.compare.story import read_events
from observed_hooks.compare.workspace import Workspace
from observed_hooks.errors import MissingExtraError


def repeats_of(plan: Plan) -> tuple[Repeat, ...]:
    """Return the repeats that are done or failed, case after case."""
    ledger = Ledger(plan)
    repeats = []
    for task in tasks_of(plan):
        failure = ledger.failure(task)
        if failure or ledger.seconds(task) is not None:
            events = _events(ledger.events(task))
            repeats.append(Repeat(case=task.case, number=task.number, events=events, failure=failure))
    return tuple(repeats)


def result_of(plan: Plan, repeats: Sequence[Repeat], subject: str, machine: Machine) -> Result:
    """Return the result of `repeats`, at least one of which has published something."""
    rows = rows_of(plan.cases, repeats, plan.save_interval_seconds)
    done = sum(not repeat.failure for repeat in repeats)
    return Result(
        subject=subject,
        rows=rows,
        machine=machine,
        date=_date(repeats),
        settings=_settings(plan),
        recommendation=recommend(rows),
        complete=done == len(plan.cases) * plan.repeats,
    )


def write_result(result: Result, workspace: Workspace) -> str:
    """Write all files of a result, each anew.

    Returns:
        Why the files for people are missing, in one line; empty when they are there.
    """
    write_json(result, workspace.result_json)
    write_csv(result, workspace.result_csv)
    try:
        _write_for_people(result, workspace)
    except MissingExtraError as error:
        return str(error)
    return ""


def _write_for_people(result: Result, workspace: Workspace) -> None:
    from observed_hooks.compare.hparams import write_hparams
    from observed_hooks.compare.report import write_report

    with _quiet():
        write_hparams(result, workspace.tensorboard)
    write_report(result, workspace.report)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the terminal what TensorFlow's libraries write on standard error when TensorBoard loads them."""
    sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        ours = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(ours, 2)
            os.close(ours)


def _settings(plan: Plan) -> dict[str, str | int | float]:
    """Return the settings by the names of the command's options."""
    sizes = dict.fromkeys(case.buffer_size for case in plan.cases)
    placements = dict.fromkeys(case.placement for case in plan.cases if case.placement)
    symbolic = dict.fromkeys("yes" if case.symbolic else "no" for case in plan.cases)
    settings: dict[str, str | int | float] = {"buffer-sizes": ",".join(map(short, sizes))}
    if plan.source.text:
        settings = {plan.source.kind: plan.source.text, **settings}
    if plan.source.element_bytes is not None:
        settings["element-bytes"] = plan.source.element_bytes
    if placements:
        settings["placement"] = ",".join(placements)
    return settings | {
        "symbolic": "both" if len(symbolic) > 1 else next(iter(symbolic)),
        "repeats": plan.repeats,
        "batch-size": plan.batch_size,
        "save-interval": plan.save_interval_seconds,
    }


def _events(path: str) -> tuple[EventFields, ...]:
    return tuple(read_events(path)) if os.path.exists(path) else ()


def _date(repeats: Sequence[Repeat]) -> str:
    newest = max((event["time_seconds"] for repeat in repeats for event in repeat.events), default=None)
    when = dt.datetime.now(dt.timezone.utc)
    if newest is not None:
        when = dt.datetime.fromtimestamp(newest, dt.timezone.utc)
    return when.isoformat(timespec="seconds")
