"""What is to be compared, how often and on what: handed to every process that measures, as one file of JSON."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from observed_hooks.compare.case import Case

SourceKind: TypeAlias = Literal["digits", "tfrecord", "pipeline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the examples come from."""

    kind: SourceKind
    text: str = ""
    """The glob of `tfrecord`, the `module:function` of `pipeline`; empty for `digits`."""
    element_bytes: int | None = None
    """Of a decoded record, for `tfrecord`; None leaves records as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One comparison."""

    directory: str
    """Absolute; everything is written below it."""
    source: Source
    cases: tuple[Case, ...]
    """The first has no buffer: the others are measured against it."""
    repeats: int
    batch_size: int
    """0 when the pipeline makes batches itself."""
    save_interval_seconds: float
    """For the bytes that are written in an hour; nothing waits for it."""
    read_seconds: float
    """How long each process reads in the steady state."""

    @property
    def path(self) -> str:
        """The file that holds this plan."""
        return os.path.join(self.directory, "plan.json")

    @property
    def data(self) -> str:
        """Examples that the comparison makes itself."""
        return os.path.join(self.directory, "data")

    @property
    def survey(self) -> str:
        """The directory of what the survey found out."""
        return os.path.join(self.directory, "survey")

    def repeat(self, case: Case, number: int) -> str:
        """The directory of one repeat of one case; `number` counts from 1."""
        return os.path.join(self.directory, "cases", case.name, str(number))

    def to_json(self) -> str:
        """Return the text of the file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan whose text this is."""
        fields = json.loads(text)
        cases = tuple(Case(**case) for case in fields.pop("cases"))
        return cls(source=Source(**fields.pop("source")), cases=cases, **fields)
