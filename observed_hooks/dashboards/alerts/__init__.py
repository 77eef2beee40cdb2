"""Every alert, by subject."""

from __future__ import annotations

from observed_hooks.dashboards.alerts.disk import disk_alerts
from observed_hooks.dashboards.alerts.model import Alert, Group
from observed_hooks.dashboards.alerts.observer import observer_alerts
from observed_hooks.dashboards.alerts.resume import resume_alerts
from observed_hooks.dashboards.alerts.saving import saving_alerts
from observed_hooks.dashboards.alerts.size import size_alerts
from observed_hooks.dashboards.alerts.time import time_alerts
from observed_hooks.dashboards.config import Config

__all__ = ["Alert", "Group", "groups"]


def groups(config: Config) -> tuple[Group, ...]:
    """Return the alerts in groups, those that mean lost work first."""
    makers = (saving_alerts, size_alerts, time_alerts, disk_alerts, resume_alerts, observer_alerts)
    return tuple(make(config) for make in makers)
