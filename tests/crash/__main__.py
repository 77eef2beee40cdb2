"""`python -m tests.crash`: kill a training again and again, and see whether it always resumes where it should."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.crash.driver import Plan, crash
from tests.crash.phases import Phase, aims
from tests.crash.report import print_report

_TRIGGERS = {"steps": ("steps",), "secs": ("secs",), "both": ("steps", "secs")}


def main() -> int:
    """Return 0 when every resume was right, 1 when one was not, 2 for arguments that make no sense."""
    arguments = _parser().parse_args()
    version = importlib.metadata.version("tensorflow")
    if arguments.hooks == "tensorflow" and not version.startswith("2.15."):
        Console(stderr=True).print(f"TensorFlow {version} has no hook for the input pipeline: use 2.15.")
        return 2
    plan = Plan(
        aims=aims(arguments.kills, arguments.seed),
        seed=arguments.seed,
        mode=arguments.hooks,
        triggers=_TRIGGERS[arguments.trigger],
    )
    console = Console(stderr=arguments.json)
    started = time.monotonic()
    with Progress(
        TextColumn("killing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("killing", total=arguments.kills, last="loading TensorFlow")

        def on_kill(phase: Phase) -> None:
            progress.update(task, advance=1, last=phase.label)

        tally = crash(plan, on_kill)
    seconds = time.monotonic() - started
    title = f"Hooks: {plan.mode}, triggers: {arguments.trigger}, seed: {plan.seed}, TensorFlow {version}"
    if arguments.json:
        head = {"kills": arguments.kills, "seed": plan.seed, "hooks": plan.mode, "triggers": plan.triggers}
        outcome = {**head, "tensorflow": version, "seconds": round(seconds, 1), **tally.as_dict()}
        sys.stdout.write(json.dumps(outcome, indent=2) + "\n")
    else:
        print_report(console, tally, title, seconds)
    return 0 if tally.is_clean else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("kills", type=_positive, nargs="?", default=200, help="how often to kill (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the instants at which to kill (default: 1)")
    parser.add_argument("--trigger", choices=_TRIGGERS, default="both", help="what makes a save due (default: both)")
    parser.add_argument(
        "--hooks",
        choices=("ours", "asynchronous", "tensorflow"),
        default="ours",
        help="who saves: this package, at once or asynchronously, or TensorFlow's own two hooks, with 2.15 only "
        "(default: ours)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
