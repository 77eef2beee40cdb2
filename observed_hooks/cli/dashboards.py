"""`observed-hooks dashboards`."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

import click

from observed_hooks.cli.commands import Misuse
from observed_hooks.dashboards.alerts import groups
from observed_hooks.dashboards.artefacts import write
from observed_hooks.dashboards.config import Config
from observed_hooks.metrics import CATALOGUE


def _settings(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> Config:  # noqa: ARG001 - click's
    pairs = [text.partition("=") for text in given]
    if not all(separator for _, separator, _ in pairs):
        raise click.BadParameter("expected name=value, such as bloat_ratio=2; `--list` shows the names")
    return Config().with_values({name: value for name, _, value in pairs})


@click.command("dashboards")
@click.argument("directory", required=False, type=click.Path(file_okay=False))
@click.option(
    "--threshold",
    "config",
    multiple=True,
    callback=_settings,
    metavar="NAME=VALUE",
    help="Replace a setting, such as bloat_ratio=2 or overdue_seconds=90m; may be given several times.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there with other content.")
@click.option("--list", "lists", is_flag=True, help="Print the metrics, the alerts and the settings; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(directory: str | None, config: Config, *, force: bool, lists: bool, as_json: bool) -> None:
    """Write Grafana dashboards, Prometheus rules and alerts, and a runbook to DIRECTORY.

    Prometheus loads `prometheus/rules.yml` and `alerts.yml`, Grafana the JSON files in `grafana/`. What is written
    follows from the settings: give another --threshold instead of editing the files.
    """
    if lists == (directory is not None):
        raise click.UsageError("expected either DIRECTORY, where to write, or --list")
    if lists:
        listing = _listing(config)
        if as_json:
            click.echo(json.dumps(listing, indent=2))
        else:
            _print_tables(listing)
        return
    try:
        written = write(str(directory), config, force=force)
    except OSError as error:
        raise Misuse(f"cannot write {error.filename or directory}: {error.strerror}") from error
    if as_json:
        click.echo(json.dumps({"written": written}, indent=2))
    else:
        click.echo("\n".join(written))


def _listing(config: Config) -> dict[str, list[dict[str, Any]]]:
    metrics = [
        {"name": metric.name, "type": metric.type, "unit": metric.unit, "labels": metric.labels, "help": metric.help}
        for metric in CATALOGUE
    ]
    alerts = [
        {"name": alert.name, "severity": alert.severity, "summary": alert.summary, "expr": alert.expr}
        for group in groups(config)
        for alert in group.alerts
    ]
    values = asdict(config)
    settings = [
        {"name": each.name, "value": values[each.name], "when_to_change": each.metadata["comment"]}
        for each in fields(config)
    ]
    return {"metrics": metrics, "alerts": alerts, "settings": settings}


_COLUMNS = {
    "metrics": ("name", "type", "labels", "help"),
    "alerts": ("name", "severity", "summary"),
    "settings": ("name", "value", "when_to_change"),
}


def _print_tables(listing: dict[str, list[dict[str, Any]]]) -> None:
    # Here, not above: writing the files need not wait for rich.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for title, columns in _COLUMNS.items():
        table = Table(*(column.replace("_", " ") for column in columns), title=title, title_justify="left")
        table.columns[0].overflow = "fold"
        for row in listing[title]:
            table.add_row(*(Text(_cell(row[column])) for column in columns))
        console.print(table)


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value}"
