"""What is to be done, as the parent tells it to the training processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from observed_hooks.demo.workspace import Workspace

DEFAULT_DIRECTORY = "observed-hooks-demo"
FEWEST_STEPS = 60
_SAVES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One demo."""

    directory: str
    steps: int
    """At least `FEWEST_STEPS`, so that the kill can keep its distance from the saves before and after it."""
    port: int
    """Where to serve metrics, or the first free one after it; 0 for any."""
    serve: bool
    """Stay after training, with the exporter and TensorBoard."""

    @property
    def workspace(self) -> Workspace:
        """The paths below `directory`."""
        return Workspace(self.directory)

    @property
    def save_steps(self) -> int:
        """Steps from one checkpoint to the next."""
        return self.steps // _SAVES

    @property
    def kill_step(self) -> int:
        """The step after which the first process is killed: half-way, and in the middle between two checkpoints."""
        half_way = self.steps // 2 // self.save_steps * self.save_steps
        return half_way + self.save_steps // 2

    def to_argument(self) -> str:
        """Return the plan as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, argument: str) -> Plan:
        """Return the plan that `to_argument` wrote."""
        return cls(**json.loads(argument))
