"""A whole comparison: the source surveyed, every case measured in a process of its own, and who is told of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Protocol

from observed_hooks.clock import Clock
from observed_hooks.compare.budget import Budget
from observed_hooks.compare.ledger import Ledger, Task, read_failure
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.process import Limits, Outcome, last_line, run
from observed_hooks.compare.result import Machine
from observed_hooks.compare.sweep import Progress, sweep
from observed_hooks.compare.workspace import establish
from observed_hooks.errors import ConfigurationError, StateError

_TOO_LONG = "took too long"
"""How `process.run` begins to say that the time was up."""
_CHILD = "observed_hooks.compare.child"
_MISUSE = 2


class Audience(Protocol):
    """Whoever watches."""

    def surveying(self) -> None:
        """See the source being looked at."""
        ...

    def surveyed(self, subject: str, plan: Plan, *, continued: bool) -> None:
        """Hear what is going to be compared, or still to be compared when an earlier comparison is continued."""
        ...

    def hear(self, progress: Progress) -> None:
        """Hear what happens."""
        ...


_SHARE_OF_SURVEY = 0.75
"""Of what its process may take, for reading: what does not end is told as that, not by the end of the process."""


def begin(plan: Plan, machine: Machine, limits: Limits, audience: Audience, *, restart: bool) -> str:
    """Have `plan` in its directory, which is claimed, and its source surveyed; return what will be read.

    Raises:
        ConfigurationError: the source cannot be read, or the directory holds another comparison.
        StateError: the survey's process failed.
    """

    def look(staged: Plan) -> None:
        audience.surveying()
        _survey(staged, limits)

    continued = establish(plan, asdict(machine), restart=restart, survey=look)
    # Here, not above: it comes with what measures.
    from observed_hooks.compare import survey

    subject = survey.load(plan).subject
    audience.surveyed(subject, plan, continued=continued)
    return subject


def measure(plan: Plan, limits: Limits, budget: Budget, clock: Clock) -> Iterator[Progress]:
    """Measure what is not done yet; see `sweep`."""
    ledger = Ledger(plan)

    def measure_one(task: Task) -> str:
        outcome = _run(plan, ["case", plan.path, task.case.name, str(task.number)], ledger.log(task), limits)
        failure = _failure(outcome, plan.repeat(task.case, task.number))
        return failure or _crash(outcome, ledger.log(task), f" (all it said is in {ledger.log(task)})")

    return sweep(plan, ledger, measure_one, budget, clock)


def _survey(plan: Plan, limits: Limits) -> None:
    log = os.path.join(plan.survey, "process.log")
    outcome = _run(plan, ["survey", plan.path, str(_SHARE_OF_SURVEY * limits.seconds)], log, limits)
    if outcome.ended.startswith(_TOO_LONG) and plan.source.kind != "digits":
        # Nothing came for so long that the survey's own limit, which is lower, was never looked at.
        from observed_hooks.compare.readable import endless

        raise endless(plan.source, f"{limits.seconds:,.0f} s")
    failure = _failure(outcome, plan.survey) or _crash(outcome, log, "")
    if failure and outcome.exit_code == _MISUSE:
        raise ConfigurationError(failure)
    if failure:
        raise StateError(f"the examples could not be looked at: {failure}")


def _run(plan: Plan, arguments: list[str], log: str, limits: Limits) -> Outcome:
    try:
        return run([sys.executable, "-m", _CHILD, *arguments], log, limits)
    except OSError as error:
        raise StateError(f"no process could be started in {plan.directory}: {error.strerror}") from error


def _failure(outcome: Outcome, directory: str) -> str:
    """Return why a process failed, as far as it was told; empty when it did not, or nothing was."""
    return outcome.ended or (read_failure(directory) if outcome.exit_code else "")


def _crash(outcome: Outcome, log: str, where: str) -> str:
    if not outcome.exit_code:
        return ""
    return f"its process ended with exit code {outcome.exit_code}: {last_line(log)}{where}"
