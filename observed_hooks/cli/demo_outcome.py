"""What the demo shows at the end: the proof, the table of costs, and the lines to type next."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from observed_hooks.cli.lines_to_type import program, typed
from observed_hooks.demo.performance import Outcome
from observed_hooks.demo.plan import DEFAULT_DIRECTORY, Plan
from observed_hooks.demo.report import CostReport, KindCost

if TYPE_CHECKING:
    from rich.console import Console

_KIB = 1024.0


def as_fields(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Return the outcome for programs, ready for JSON; seconds, bytes, and shares from 0 to 1."""
    proof, serving = outcome.proof, outcome.serving
    return {
        "directory": plan.directory,
        "steps": plan.steps,
        "save_steps": plan.save_steps,
        "proof": {"holds": proof.holds, "sentence": proof.sentence, **asdict(proof)},
        **asdict(outcome.cost),
        "held_out_accuracy": outcome.finished.accuracy,
        "held_out_examples": outcome.finished.held_out,
        "metrics_url": serving.metrics_url if serving else None,
        "tensorboard_url": serving.tensorboard_url if serving else None,
        "tensorboard_logdir": plan.workspace.scalars,
    }


def print_outcome(console: Console, plan: Plan, outcome: Outcome) -> None:
    """Print it for people."""
    finished = outcome.finished
    style = "bold green" if outcome.proof.holds else "bold red"
    console.print()
    console.print(f"[{style}]{outcome.proof.verdict}[/]: {outcome.proof.story}", highlight=False)
    console.print()
    console.print(
        f"The last checkpoint recognises {finished.accuracy:.1%} of the {finished.held_out} digits that were held out.",
        highlight=False,
    )
    console.print()
    console.print(_table(outcome.cost))
    console.print(
        "The times are what training waited. Watching it took "
        f"{outcome.cost.observer_seconds:.2f} s, on threads of its own.",
        highlight=False,
    )
    console.print()
    for line in _next_lines(plan, outcome):
        # Not broken at the console's width: these are there to be copied.
        console.print(line, highlight=False, soft_wrap=True)


def _table(cost: CostReport) -> Table:
    table = Table(
        title=f"What saving cost in {cost.wall_seconds:.1f} s of training",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("kind")
    for name in ("saves", "median", "worst", "newest", "of time"):
        table.add_column(name, justify="right")
    for each in cost.costs:
        table.add_row(*_row(each))
    return table


def _row(cost: KindCost) -> tuple[str, ...]:
    return (
        cost.kind,
        f"{cost.saves:,}" + (f" (+{cost.failures:,} failed)" if cost.failures else ""),
        f"{cost.median_stall_seconds:.3f} s",
        f"{cost.worst_stall_seconds:.3f} s",
        "unknown" if cost.newest_bytes is None else _size(cost.newest_bytes),
        f"{cost.share_of_wall_time:.1%}",
    )


def _size(size_bytes: int) -> str:
    kib = size_bytes / _KIB
    return f"{kib:,.1f} KiB" if kib < _KIB else f"{kib / _KIB:,.1f} MiB"


def _next_lines(plan: Plan, outcome: Outcome) -> list[str]:
    inspect = f"  {program('observed-hooks')} inspect {typed(plan.workspace.checkpoints)}"
    if outcome.serving is not None:
        return [
            f"Metrics      {outcome.serving.metrics_url or 'no port could be had'}",
            f"TensorBoard  {outcome.serving.tensorboard_url}",
            "In another terminal:",
            inspect,
            "",
            "Ctrl-C ends both.",
        ]
    directory = "" if plan.directory == os.path.abspath(DEFAULT_DIRECTORY) else f" --dir {typed(plan.directory)}"
    return [
        "Next:",
        f"  {program('tensorboard')} --logdir {typed(plan.workspace.scalars)}",
        inspect,
        f"  {program('observed-hooks')} demo --serve{directory}",
        "    does it again, then keeps TensorBoard and the metrics up"
        + (f", at http://127.0.0.1:{plan.port}/metrics" if plan.port else ""),
    ]
