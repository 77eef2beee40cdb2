"""`observed-hooks inspect`."""

from __future__ import annotations

import json
from typing import Any

import click

from observed_hooks.cli.commands import FINDING
from observed_hooks.inspection import finding
from observed_hooks.inspection.soundness import findings

_ROWS = 20


@click.command("inspect")
@click.argument("path", required=False, type=click.Path())
@click.option("--diff", nargs=2, type=click.Path(), metavar="A B", help="Show what grew from checkpoint A to B.")
@click.option("--verify", is_flag=True, help="Compare every checksum; exit code 1 when one is wrong.")
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw bytes by component over the steps.")
@click.option("--all", "shows_all", is_flag=True, help=f"Show every entry, not the largest {_ROWS}.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    path: str | None,
    diff: tuple[str, str] | None,
    plot: str | None,
    *,
    verify: bool,
    shows_all: bool,
    as_json: bool,
) -> None:
    """Show what a checkpoint holds, largest first, and the state of an input pipeline node by node.

    PATH is a checkpoint's prefix (`dir/model.ckpt-100`) or a directory: of that, the newest checkpoint of each name.
    """
    if (path is None) == (diff is None):
        raise click.UsageError("expected either PATH or --diff A B")
    if diff is not None and (verify or plot):
        raise click.UsageError("expected --diff without --verify and --plot: those look at one PATH")
    rows = None if shows_all else _ROWS
    if diff is not None:
        _diff(*diff, rows, as_json=as_json)
    elif path is not None and plot:
        _plot(path, plot, as_json=as_json)
    elif path is not None and verify:
        ctx.exit(_verify(path, as_json=as_json))
    elif path is not None:
        _show(path, rows, as_json=as_json)


def _show(path: str, rows: int | None, *, as_json: bool) -> None:
    from observed_hooks.cli.inspect_text import report_lines
    from observed_hooks.inspection.advice import advice
    from observed_hooks.inspection.report import inspect

    reports = [inspect(prefix) for prefix in finding.newest(path)]
    if as_json:
        checkpoints = [{**report.as_fields(), "advice": advice(report)} for report in reports]
        _print_json({"checkpoints": checkpoints})
        return
    for number, report in enumerate(reports):
        click.echo("\n" * (number > 0) + "\n".join(report_lines(report, advice(report), rows)))


def _diff(before: str, after: str, rows: int | None, *, as_json: bool) -> None:
    from dataclasses import asdict

    from observed_hooks.cli.inspect_text import growth_lines
    from observed_hooks.inspection.difference import difference
    from observed_hooks.inspection.report import inspect

    reports = [inspect(finding.single(path)) for path in (before, after)]
    growths = difference(*reports)
    if as_json:
        fields = [{**asdict(each), "growth_bytes": each.growth_bytes} for each in growths]
        _print_json({"before": reports[0].prefix, "after": reports[1].prefix, "growth": fields})
        return
    click.echo("\n".join(growth_lines(reports[0], reports[1], growths, rows)))


def _verify(path: str, *, as_json: bool) -> int:
    found = {prefix: list(findings(prefix)) for prefix in finding.newest(path)}
    if as_json:
        _print_json({"findings": found})
    else:
        for prefix, lines in found.items():
            click.echo(f"{prefix}: " + (f"{len(lines)} damaged" if lines else "every checksum agrees"))
            for line in lines:
                click.echo(f"  {line}")
    return FINDING if any(found.values()) else 0


def _plot(path: str, image: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    from observed_hooks.inspection.history import history, plot

    points = history(path)
    plot(points, image)
    if as_json:
        _print_json({"plot": image, "checkpoints": [asdict(point) for point in points]})
    else:
        click.echo(f"{image}: {len(points)} checkpoints")


def _print_json(fields: dict[str, Any]) -> None:
    click.echo(json.dumps(fields))
