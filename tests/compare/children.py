"""Measuring processes that nobody starts: they leave at once what real ones would."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence

from observed_hooks.compare.case import Case
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.process import Limits, Outcome
from tests.compare.examples import MIB, events

SUBJECT = "2,000 records of 64 bytes"


class Children:
    """Takes the place of `process.run` in `comparison`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """`survey`, or a case's name with the number of the repeat."""
        self.limits: list[Limits] = []
        self.before: Callable[[str], None] = lambda call: None
        """Called with each."""
        self.failures: dict[str, tuple[int, str]] = {}
        """Exit code and failure by call."""

    def run(self, command: Sequence[str], log: str, limits: Limits) -> Outcome:
        kind, path, *rest = command[3:]
        if kind == "survey":
            rest = []  # how long it may take
        call = " ".join(rest) or kind
        self.before(call)
        self.calls.append(call)
        self.limits.append(limits)
        with open(path, encoding="utf-8") as file:
            plan = Plan.from_json(file.read())
        directory = plan.repeat(_case(plan, rest[0]), int(rest[1])) if rest else plan.survey
        with open(log, "w", encoding="utf-8") as file:
            file.write("a warning\nits last words\n")
        if call in self.failures:
            code, failure = self.failures[call]
            if failure:
                _write(os.path.join(directory, "failure.txt"), failure)
            return Outcome(exit_code=code, seconds=1.0, peak_bytes=None)
        if rest:
            _write_events(os.path.join(directory, "observed_hooks", "events.jsonl"), _case(plan, rest[0]))
        else:
            _write_survey(plan)
        return Outcome(exit_code=0, seconds=1.0, peak_bytes=MIB)


def _case(plan: Plan, name: str) -> Case:
    return next(case for case in plan.cases if case.name == name)


def _write_survey(plan: Plan) -> None:
    found = {"subject": SUBJECT, "examples": 2000, "batch_size": 32, "example_bytes": 64, "mixing_left_out": ""}
    _write(os.path.join(plan.survey, "survey.json"), json.dumps(found))


def _write_events(path: str, case: Case) -> None:
    published = events(
        first_batch=0.1 + case.buffer_size / 1000,
        size_bytes=10_000 + case.buffer_size * 64,
        mixing=case.buffer_size / (100 + case.buffer_size),
    )
    _write(path, "".join(json.dumps(each) + "\n" for each in published))


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
