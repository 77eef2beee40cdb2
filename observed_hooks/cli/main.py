"""`observed-hooks`: the command line's entry point."""

from __future__ import annotations

import click

from observed_hooks.cli.commands import LazyGroup
from observed_hooks.version import VERSION


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="observed-hooks")
def main() -> None:
    """See what TensorFlow's checkpoints cost, and what is in them.

    Exit codes: 0 all is well, 1 something was found wrong, 2 the command could not be carried out.
    """
