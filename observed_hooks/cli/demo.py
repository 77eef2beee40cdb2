"""`observed-hooks demo`."""

from __future__ import annotations

import contextlib
import json
import os

import click

from observed_hooks.cli.commands import FINDING
from observed_hooks.demo.data import require_scikit_learn
from observed_hooks.demo.performance import Outcome, resume, serve, train_and_kill
from observed_hooks.demo.plan import DEFAULT_DIRECTORY, FEWEST_STEPS, Plan
from observed_hooks.demo.process import TrainingProcess
from observed_hooks.demo.workspace import fresh_workspace

_LAST_PORT = 65535


@click.command("demo")
@click.option(
    "--dir",
    "directory",
    default=DEFAULT_DIRECTORY,
    show_default=True,
    type=click.Path(file_okay=False),
    help="Where everything is written; emptied of an earlier demo.",
)
@click.option("--steps", default=1000, show_default=True, type=click.IntRange(min=FEWEST_STEPS), help="Training steps.")
@click.option(
    "--serve", "stays", is_flag=True, help="Stay at the end, with the exporter and TensorBoard, until Ctrl-C."
)
@click.option(
    "--port",
    default=9464,
    show_default=True,
    type=click.IntRange(0, _LAST_PORT),
    help="Of the Prometheus exporter; the next free one when it is taken, any with 0.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and no progress.")
@click.pass_context
def command(ctx: click.Context, directory: str, steps: int, port: int, *, stays: bool, as_json: bool) -> None:
    """Train on real images, be killed half-way, resume, and see what each save cost.

    A small convolutional network learns the handwritten digits of scikit-learn. The process that trains it is ended
    with SIGKILL; another one resumes. Which examples each step consumed is recorded outside TensorFlow and compared
    with an uninterrupted run: exit code 1 when one was lost or repeated.
    """
    require_scikit_learn()
    plan = Plan(directory=os.path.abspath(directory), steps=steps, port=port, serve=stays)
    with fresh_workspace(plan.directory):
        outcome = _perform(plan, as_json=as_json)
    if not outcome.proof.holds:
        ctx.exit(FINDING)


def _perform(plan: Plan, *, as_json: bool) -> Outcome:
    # Here, not above: `observed-hooks demo --help` need not wait for rich.
    from rich.console import Console

    from observed_hooks.cli.demo_outcome import as_fields, print_outcome
    from observed_hooks.cli.demo_progress import Silence, Stage

    with contextlib.ExitStack() as processes:
        with Silence() if as_json else Stage(Console(stderr=True), plan) as audience:
            train_and_kill(plan, audience)
            process = processes.enter_context(TrainingProcess(plan))
            outcome = resume(process, plan, audience)
        if as_json:
            click.echo(json.dumps(as_fields(plan, outcome)))
        else:
            print_outcome(Console(), plan, outcome)
        if plan.serve:
            _stay(process)
    return outcome


def _stay(process: TrainingProcess) -> None:
    try:
        serve(process)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
