"""The runbook: a section for each alert, under the anchor that the alert links to."""

from __future__ import annotations

import re
import textwrap

from observed_hooks.dashboards.alerts import Alert, Group, groups
from observed_hooks.dashboards.config import Config

_HEAD = """\
# Runbook

What each alert of observed_hooks means, how to see it, and what to do. `critical` wants somebody now, `warning` a
ticket, `info` nobody: it is there for the dashboard.

`<checkpoint_dir>` is where the run saves, `<step>` the step of a checkpoint in it; both are on the first lines of the
training log.

Written by `observed-hooks dashboards`: a section belongs to its alert and changes with it.
"""
_WIDTH = 116
_SEVERITIES = {"critical": "critical: act now", "warning": "warning: a ticket", "info": "info: for the dashboard"}


def runbook_md(config: Config) -> str:
    """Return the runbook, as Markdown."""
    chapters = groups(config)
    return "\n".join([_HEAD, _contents(chapters), *(_chapter(chapter) for chapter in chapters)])


def _contents(chapters: tuple[Group, ...]) -> str:
    alerts = (alert for chapter in chapters for alert in chapter.alerts)
    lines = (f"| [{alert.name}](#{alert.anchor}) | {alert.severity} | {alert.summary} |" for alert in alerts)
    return "\n".join(["| alert | severity | says |", "|---|---|---|", *lines, ""])


def _chapter(chapter: Group) -> str:
    return "\n".join([f"## {chapter.title}\n", *(_section(alert) for alert in chapter.alerts)])


def _section(alert: Alert) -> str:
    query = "\n".join(f"    {line}" for line in alert.expr.splitlines())
    return (
        f"### {alert.name}\n\n{alert.summary} ({_SEVERITIES[alert.severity]})\n\n"
        f"{_wrapped(f'**What it means.** {alert.meaning}')}\n\n"
        f"{_wrapped(f'**How to see it.** {alert.see} Or ask Prometheus:')}\n\n{query}\n\n"
        f"**What to do.**\n\n{_wrapped(alert.act.rstrip())}\n"
    )


def _wrapped(text: str) -> str:
    """Break long lines, those of code left as they are and items of a list indented."""
    lines = (line if line.startswith("    ") else _filled(line) for line in text.splitlines())
    return "\n".join(lines)


def _filled(line: str) -> str:
    bullet = re.match(r"(- |\d+\. )?", line)
    indent = " " * (bullet.end() if bullet else 0)
    return textwrap.fill(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
