"""Which repeats of which cases are done, and which failed: kept on disk, so that a comparison can be continued."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from observed_hooks.compare.case import Case
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.whole import write_whole

_DONE = "done"
_FAILURE = "failure.txt"


@dataclass(frozen=True, slots=True)
class Task:
    """One repeat of one case."""

    case: Case
    number: int
    """From 1."""


class Ledger:
    """The repeats of a plan, as the files in their directories tell.

    A directory with a `done` marker is a repeat that ended well; one with a `failure.txt` failed, and says why; any
    other was not brought to its end.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def events(self, task: Task) -> str:
        """Return the path of what the repeat published."""
        # Where `observe()` writes it, too: below what is ours alone.
        return os.path.join(self._directory(task), "observed_hooks", "events.jsonl")

    def log(self, task: Task) -> str:
        """Return the path of what its process wrote to its standard error."""
        return os.path.join(self._directory(task), "process.log")

    def begin(self, task: Task) -> None:
        """Make its directory, without whatever an earlier try has left there."""
        self.forget(task)
        os.makedirs(self._directory(task))

    def forget(self, task: Task) -> None:
        """Remove its directory."""
        shutil.rmtree(self._directory(task), ignore_errors=True)

    def finish(self, task: Task, seconds: float) -> None:
        """Note that it ended well, after `seconds`."""
        self._write(task, _DONE, json.dumps({"seconds": round(seconds, 3)}))

    def fail(self, task: Task, failure: str) -> None:
        """Note why it failed, in one line."""
        self._write(task, _FAILURE, failure)

    def seconds(self, task: Task) -> float | None:
        """Return how long it took; None when it is not done."""
        try:
            with open(os.path.join(self._directory(task), _DONE), encoding="utf-8") as file:
                return float(json.load(file)["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def failure(self, task: Task) -> str:
        """Return why it failed; empty when it did not."""
        return read_failure(self._directory(task))

    def _directory(self, task: Task) -> str:
        return self._plan.repeat(task.case, task.number)

    def _write(self, task: Task, name: str, text: str) -> None:
        write_whole(os.path.join(self._directory(task), name), f"{text}\n")


def read_failure(directory: str) -> str:
    """Return the line in which a process told why it failed; empty when it told nothing."""
    try:
        with open(os.path.join(directory, _FAILURE), encoding="utf-8", errors="replace") as file:
            return " ".join(file.read().split())
    except OSError:
        return ""


def tasks_of(plan: Plan) -> Iterator[Task]:
    """Yield every repeat of every case, case after case."""
    for case in plan.cases:
        for number in range(1, plan.repeats + 1):
            yield Task(case, number)
