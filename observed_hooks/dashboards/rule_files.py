"""The files that Prometheus loads: recording rules and alerts."""

from __future__ import annotations

from typing import Any

from observed_hooks.dashboards.alerts import Alert, groups
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.rules import Recording, recordings
from observed_hooks.dashboards.yaml_text import comment_of, item, joined

GENERATED = "Written by `observed-hooks dashboards`: change its thresholds rather than this file."
_RECORDINGS = "observed_hooks.rules"


def rules_yml(config: Config) -> str:
    """Return the recording rules."""
    head = comment_of(f"Recording rules of observed_hooks. {GENERATED}")
    rules = joined(item(_recorded(rule), rule.comment, indent=6) for rule in recordings(config))
    return f"{head}groups:\n{_group(_RECORDINGS, rules)}"


def alerts_yml(config: Config) -> str:
    """Return the alerts; they need the recording rules beside them."""
    head = comment_of(f"Alerts of observed_hooks; they need rules.yml beside this file. {GENERATED}")
    texts = (
        _group(group.name, joined(item(_rule(config, alert), indent=6) for alert in group.alerts))
        for group in groups(config)
    )
    return f"{head}groups:\n{joined(texts)}"


def rule_groups(config: Config) -> dict[str, Any]:
    """Return what rules.yml holds, as data."""
    return {"groups": [{"name": _RECORDINGS, "rules": [_recorded(rule) for rule in recordings(config)]}]}


def alert_groups(config: Config) -> dict[str, Any]:
    """Return what alerts.yml holds, as data."""
    return {
        "groups": [
            {"name": group.name, "rules": [_rule(config, alert) for alert in group.alerts]} for group in groups(config)
        ]
    }


def notification(config: Config, alert: Alert) -> dict[str, str]:
    """Return what a notification carries besides its labels."""
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{config.runbook_url}#{alert.anchor}",
    }


def _group(name: str, rules: str) -> str:
    return f"  - name: {name}\n    rules:\n{rules}"


def _recorded(rule: Recording) -> dict[str, Any]:
    return {"record": rule.name, "expr": rule.expr}


def _rule(config: Config, alert: Alert) -> dict[str, Any]:
    hold = {"for": duration(alert.for_seconds)} if alert.for_seconds else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **hold,
        "labels": {"severity": alert.severity},
        "annotations": notification(config, alert),
    }
