"""`observed-hooks compare`."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from observed_hooks.compare.case import parse_sizes
from observed_hooks.compare.cases import SYMBOLIC, every_case, placements_of
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    from observed_hooks.compare.process import Limits

DEFAULT_DIRECTORY = "observed_hooks_compare"
DEFAULT_DIRECTORY_OF_RUNS = "observed_hooks_compare_runs"
DEFAULT_SIZES = "0,100,1k,10k,100k"
DEFAULT_SIZES_OF_DIGITS = "0,100,1k,10k,40k"
"""The last one holds all of them."""

_READ_SECONDS = 2.0
"""Of the steady state, in each repeat: some thousand batches, and little beside the loading of TensorFlow."""
_LEAST_LIMIT_SECONDS = 120.0
"""What any single process may take, however small the budget."""
_SHARE_OF_MEMORY = 0.8
_LAST_PORT = 65535
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_PIPELINE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_WITH_RUNS = {"runs", "directories", "directory", "as_json"}


def _bytes(ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:  # noqa: ARG001 - click's
    if text is None:
        return None
    match = _BYTES.fullmatch(text.strip())
    number = int(float(match[1]) * 1024 ** _POWERS[match[2].lower()]) if match else 0
    if number <= 0:
        raise click.BadParameter("expected bytes such as 800M or 4G")
    return number


def _finite(ctx: click.Context, param: click.Parameter, number: float) -> float:  # noqa: ARG001 - click's
    if not math.isfinite(number):
        raise click.BadParameter(f"expected seconds, got {number}")
    return number


@click.command("compare")
@click.option("--tfrecord", metavar="GLOB", help="Compare on the records of these files; quote the glob.")
@click.option(
    "--element-bytes",
    type=click.IntRange(min=1),
    help="With --tfrecord: each record is decoded to so many bytes. Without it, records stay as they are.",
)
@click.option(
    "--pipeline",
    metavar="MODULE:FUNCTION",
    help="Compare on what this function returns: it takes a buffer size, where 0 means not to shuffle, and returns one "
    "epoch as a tf.data.Dataset.",
)
@click.option("--runs", multiple=True, metavar="DIR", help="Compare trainings, finished or running, by their events.")
@click.option(
    "--buffer-sizes",
    help=f"Elements; 0 is always among them, to compare with.  [default: {DEFAULT_SIZES}, on the demo's images "
    f"{DEFAULT_SIZES_OF_DIGITS}]",
)
@click.option("--placement", help="before-decode, after-decode, or both with a comma; after-decode by default.")
@click.option(
    "--symbolic",
    default="no",
    show_default=True,
    type=click.Choice(list(SYMBOLIC)),
    help="Whether checkpoints of the pipeline are symbolic.",
)
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1), help="Of each case.")
@click.option(
    "--budget",
    default=150.0,
    show_default=True,
    type=click.FloatRange(min=0),
    callback=_finite,
    help="Seconds, within which repeats end; each case is measured once in any event.",
)
@click.option(
    "--batch-size",
    default=32,
    show_default=True,
    type=click.IntRange(min=0),
    help="0: the pipeline makes batches itself.",
)
@click.option(
    "--save-interval",
    default=600.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    help="Seconds, to reckon the bytes that are written in an hour.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False),
    help=f"Where everything is written; an interrupted comparison continues.  [default: {DEFAULT_DIRECTORY}, with "
    f"--runs {DEFAULT_DIRECTORY_OF_RUNS}]",
)
@click.option("--restart", is_flag=True, help="Give up what is in the directory, and measure everything anew.")
@click.option(
    "--max-memory",
    callback=_bytes,
    metavar="BYTES",
    help="Such as 800M or 4G: a case that takes more is ended.  [default: 80 % of what is available, on Linux]",
)
@click.option("--serve", "serves", is_flag=True, help="Export to Prometheus meanwhile, and stay until Ctrl-C.")
@click.option(
    "--port",
    default=9464,
    show_default=True,
    type=click.IntRange(0, _LAST_PORT),
    help="Of the exporter; the next free one when it is taken, any with 0.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and no progress.")
@click.argument("directories", nargs=-1, type=click.Path())
@click.pass_context
def command(
    ctx: click.Context,
    *,
    tfrecord: str | None,
    element_bytes: int | None,
    pipeline: str | None,
    runs: tuple[str, ...],
    directories: tuple[str, ...],
    buffer_sizes: str | None,
    placement: str | None,
    symbolic: str,
    repeats: int,
    budget: float,
    batch_size: int,
    save_interval: float,
    directory: str | None,
    restart: bool,
    max_memory: int | None,
    serves: bool,
    port: int,
    as_json: bool,
) -> None:
    """Compare shuffle buffers: what each size costs in memory, bytes and seconds, and how well it mixes.

    On the demo's images unless told otherwise. Each case is measured in a process of its own, in turn and in mixed
    order. Ctrl-C keeps what is done, and the same command continues.

    With --runs it compares trainings that were observed: `compare --runs A B C`. Exit code 1 when a case failed.
    """
    if runs or directories:
        _require_runs_alone(ctx, runs)
        from observed_hooks.cli.compare_run import compare_trainings

        where = os.path.abspath(directory or DEFAULT_DIRECTORY_OF_RUNS)
        ctx.exit(compare_trainings((*runs, *directories), where, as_json=as_json))
    source = _source(tfrecord, element_bytes, pipeline)
    if source.kind != "pipeline" and not batch_size:
        raise click.UsageError("expected a --batch-size of 1 at least: only a --pipeline makes batches itself")
    plan = Plan(
        directory=os.path.abspath(directory or DEFAULT_DIRECTORY),
        source=source,
        cases=every_case(_sizes(buffer_sizes, source), placements_of(source, placement), symbolic),
        repeats=repeats,
        batch_size=batch_size,
        save_interval_seconds=save_interval,
        read_seconds=_READ_SECONDS,
    )
    _require_examples(plan)
    limits = _limits(budget, max_memory)
    # Here, not above: `observed-hooks compare --help` need not wait for rich.
    from observed_hooks.cli.compare_run import compare, exporting

    with exporting(port) if serves else contextlib.nullcontext() as exporter:
        code = compare(plan, budget, limits, exporter, restart=restart, as_json=as_json)
    ctx.exit(code)


def _require_runs_alone(ctx: click.Context, runs: Sequence[str]) -> None:
    if not runs:
        raise click.UsageError("expected directories of trainings behind --runs: compare --runs A B C")
    others = [
        str(param.opts[-1])
        for param in ctx.command.params
        if param.name not in _WITH_RUNS and ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    ]
    if others:
        raise click.UsageError(f"{', '.join(others)} cannot be given with --runs, which measures nothing itself")


def _source(tfrecord: str | None, element_bytes: int | None, pipeline: str | None) -> Source:
    if tfrecord is not None and pipeline is not None:
        raise click.UsageError("expected one source: either --tfrecord or --pipeline")
    if element_bytes is not None and tfrecord is None:
        raise click.UsageError("--element-bytes says how records are decoded: it needs --tfrecord")
    if tfrecord is not None:
        return Source(kind="tfrecord", text=tfrecord, element_bytes=element_bytes)
    if pipeline is None:
        return Source(kind="digits")
    if not _PIPELINE.fullmatch(pipeline):
        raise ConfigurationError(f"expected --pipeline module:function, such as my_input:dataset; got {pipeline!r}")
    return Source(kind="pipeline", text=pipeline)


def _sizes(text: str | None, source: Source) -> tuple[int, ...]:
    default = DEFAULT_SIZES_OF_DIGITS if source.kind == "digits" else DEFAULT_SIZES
    return parse_sizes(default if text is None else text)


def _require_examples(plan: Plan) -> None:
    """Find out what can be found out about the source without a process that loads TensorFlow."""
    from observed_hooks.compare.sources import record_files
    from observed_hooks.demo.data import require_scikit_learn

    if plan.source.kind == "digits":
        require_scikit_learn()
    elif plan.source.kind == "tfrecord":
        record_files(plan)


def _limits(budget_seconds: float, max_memory: int | None) -> Limits:
    from observed_hooks.compare.machine import available_memory_bytes
    from observed_hooks.compare.process import Limits

    if max_memory is None:
        available = available_memory_bytes()
        max_memory = None if available is None else int(_SHARE_OF_MEMORY * available)
    return Limits(seconds=max(budget_seconds, _LEAST_LIMIT_SECONDS), memory_bytes=max_memory)
