"""The demo itself: train, be killed half-way, resume, and draw up what is known at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from observed_hooks.demo.messages import Finished, Message, Serving, Stepped
from observed_hooks.demo.plan import Plan
from observed_hooks.demo.process import TrainingProcess
from observed_hooks.demo.record import Proof, effective_stream, prove, read_stretches
from observed_hooks.demo.report import CostReport, cost_report
from observed_hooks.demo.workspace import Workspace
from observed_hooks.sinks.jsonl import read_jsonl


class Audience(Protocol):
    """Whoever watches."""

    def starting(self) -> None:
        """See a training process begin to load TensorFlow."""
        ...

    def hear(self, message: Message) -> None:
        """Hear what the training process says."""
        ...

    def killed(self, pid: int) -> None:
        """See the training process end by SIGKILL."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known at the end."""

    proof: Proof
    cost: CostReport
    finished: Finished
    serving: Serving | None


def train_and_kill(plan: Plan, audience: Audience) -> None:
    """Train until half-way, and end the process hard.

    Raises:
        StateError: the process ended by itself before.
    """
    audience.starting()
    with TrainingProcess(plan) as process:
        for message in process.messages():
            audience.hear(message)
            if isinstance(message, Stepped) and message.step >= plan.kill_step:
                process.kill()
                audience.killed(process.pid)
                return
        raise process.failure()


def resume(process: TrainingProcess, plan: Plan, audience: Audience) -> Outcome:
    """Follow `process` to the end of training, and to where it serves if it is to.

    Raises:
        StateError: the process ended before it had finished.
    """
    audience.starting()
    finished: Finished | None = None
    serving: Serving | None = None
    for message in process.messages():
        audience.hear(message)
        if isinstance(message, Finished):
            finished = message
        if isinstance(message, Serving):
            serving = message
        if finished and (serving or not plan.serve):
            return _outcome(plan.workspace, finished, serving)
    raise process.failure()


def serve(process: TrainingProcess) -> None:
    """Stay for as long as `process` does.

    Raises:
        StateError: always, unless interrupted: the process does not end by itself.
    """
    for _ in process.messages():
        pass
    raise process.failure()


def _outcome(workspace: Workspace, finished: Finished, serving: Serving | None) -> Outcome:
    return Outcome(
        proof=prove(
            read_stretches(workspace.consumed),
            uninterrupted=effective_stream(read_stretches(workspace.uninterrupted)),
        ),
        cost=cost_report(read_jsonl(workspace.events)),
        finished=finished,
        serving=serving,
    )
