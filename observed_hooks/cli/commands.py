"""The table of sub-commands, and a click group that loads one only when it is called.

`observed-hooks --help` and the quick commands must not wait for what the slow ones import.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from observed_hooks.errors import ObservedHooksError

# A new command is one line here, its name and what `--help` lists, and a module of that name with a `command` in it.
COMMANDS: dict[str, str] = {
    "demo": "Train on real images, be killed half-way, resume, and see what each save cost.",
    "compare": "Compare shuffle buffers: what each size costs, and how well it mixes.",
    "inspect": "Show what a checkpoint holds, largest first; verify it, or compare two.",
    "watch": "Export the checkpoints of a job that cannot be changed to Prometheus.",
    "dashboards": "Write Grafana dashboards, Prometheus rules and alerts, and a runbook; or list metrics and alerts.",
}

FINDING, MISUSE, INTERRUPTED = 1, 2, 130
"""Exit codes beside 0: something was found wrong; the call could not be carried out; Ctrl-C."""


class Misuse(click.ClickException):
    """One of the package's errors, as a line on standard error."""

    exit_code = MISUSE


class LazyGroup(click.Group):
    """A group of the commands in `COMMANDS`, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Import and return the command; None when there is no such."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__package__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; the package's errors become one line and exit code 2, Ctrl-C exit code 130."""
        try:
            return super().invoke(ctx)
        except ObservedHooksError as error:
            raise Misuse(" ".join(str(error).split())) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
