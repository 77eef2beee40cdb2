"""Unit tests of alerts, in the terms of a run: what it reports minute by minute, and what is said about it when.

Times are minutes after the run's start, and values follow the configuration, so that the tests hold for whatever
thresholds somebody chose.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from observed_hooks.dashboards.alerts import Alert, groups
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.queries import exported_name
from observed_hooks.dashboards.rule_files import notification
from observed_hooks.metrics import Metric

Values: TypeAlias = str
"""In promtool's notation: `1x5` is 1 and five times 1 again, `0+2x5` counts up by 2, `_x5` is nothing, `stale` ends."""

MIB = 1024**2
NAMES = {"job": "train", "run": "digits", "task": "worker-0", "instance": "host-a:9464"}
RUN = "run digits (worker-0)"


def minutes(seconds: float) -> int:
    """Return whole minutes that are not less than `seconds`."""
    return math.ceil(seconds / 60)


@dataclass(frozen=True, slots=True)
class Check:
    """Whether `alert` fires at a minute, and what it says then; no description for silence."""

    minute: int
    alert: str
    description: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Scenario:
    """One run's story, with what is checked about it."""

    name: str
    config: Config
    series: dict[str, Values] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def reports(self, metric: Metric, values: Values, suffix: str = "", **labels: str) -> Scenario:
        """Add a series, minute by minute."""
        given = {**_common_labels(self.config), **labels}
        text = ", ".join(f'{name}="{value}"' for name, value in given.items())
        self.series[f"{exported_name(metric, suffix)}{{{text}}}"] = values
        return self

    def fires(self, minute: int, alert: str, description: str, **labels: str) -> Scenario:
        """Expect `alert` to say `description` at `minute`; `labels` are those besides the run's."""
        self.checks.append(Check(minute, alert, description, labels))
        return self

    def is_silent(self, minute: int, *alerts: str) -> Scenario:
        """Expect none of `alerts` at `minute`."""
        self.checks += [Check(minute, alert) for alert in alerts]
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario as promtool takes it."""
        known = {alert.name: alert for group in groups(self.config) for alert in group.alerts}
        return {
            "name": self.name,
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "alert_rule_test": [self._expectation(check, known[check.alert]) for check in self.checks],
        }

    def _expectation(self, check: Check, alert: Alert) -> dict[str, Any]:
        expected: dict[str, Any] = {"eval_time": f"{check.minute}m", "alertname": check.alert, "exp_alerts": []}
        if check.description is not None:
            run = {
                name: value for name, value in _common_labels(self.config).items() if name in _run_labels(self.config)
            }
            expected["exp_alerts"] = [
                {
                    "exp_labels": {"severity": alert.severity, **run, **check.labels},
                    "exp_annotations": {**notification(self.config, alert), "description": check.description},
                }
            ]
        return expected


def _run_labels(config: Config) -> list[str]:
    return [label.strip() for label in config.run_labels.split(",")]


def _common_labels(config: Config) -> dict[str, str]:
    """Return labels that every rule selects: the run's, and those that the configured selector asks for."""
    asked = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', config.selector))
    others = {label: asked.get(label, "any") for label in _run_labels(config) if label not in NAMES}
    return {**NAMES, **others, **asked}


def binary(value: float) -> str:
    """Return bytes as Prometheus's `humanize1024` writes them."""
    prefixes = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
    power = 0
    while abs(value) >= 1024 ** (power + 1):
        power += 1
    return f"{value / 1024**power:.4g}{prefixes[power]}"


def spoken(seconds: float) -> str:
    """Return a duration as Prometheus's `humanizeDuration` writes it, from one second on."""
    left = int(seconds)
    days, hours, mins, secs = left // 86400, left // 3600 % 24, left // 60 % 60, left % 60
    if days:
        return f"{days}d {hours}h {mins}m {secs}s"
    if hours:
        return f"{hours}h {mins}m {secs}s"
    return f"{mins}m {secs}s" if mins else f"{seconds:.4g}s"
