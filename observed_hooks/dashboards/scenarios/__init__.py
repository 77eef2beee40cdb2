"""Unit tests of the alerts for `promtool test rules`: each when it fires, and when it stays silent."""

from __future__ import annotations

from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.rule_files import GENERATED, alert_groups, rule_groups
from observed_hooks.dashboards.scenarios.model import Scenario
from observed_hooks.dashboards.scenarios.others import (
    disk_scenarios,
    observer_scenarios,
    resume_scenarios,
    time_scenarios,
)
from observed_hooks.dashboards.scenarios.saving import saving_scenarios
from observed_hooks.dashboards.scenarios.size import size_scenarios
from observed_hooks.dashboards.yaml_text import comment_of, dump, item, joined

_MAKERS = {
    "saving": saving_scenarios,
    "size": size_scenarios,
    "time": time_scenarios,
    "disk": disk_scenarios,
    "resume": resume_scenarios,
    "observer": observer_scenarios,
}


def scenarios(config: Config) -> dict[str, list[Scenario]]:
    """Return the stories by subject."""
    return {subject: make(config) for subject, make in _MAKERS.items()}


def promtool_files(config: Config) -> dict[str, str]:
    """Return the files for promtool, by name."""
    # Without an order promtool evaluates groups in any, and alerts may see recorded values of a minute ago.
    order = [group["name"] for group in (*rule_groups(config)["groups"], *alert_groups(config)["groups"])]
    return {f"{subject}.yml": _file(stories, order) for subject, stories in scenarios(config).items()}


def _file(stories: list[Scenario], order: list[str]) -> str:
    head = comment_of(f"Run with `promtool test rules` on this file. {GENERATED}")
    rules = {"rule_files": ["../rules.yml", "../alerts.yml"], "group_eval_order": order}
    settings = dump({**rules, "evaluation_interval": "1m"})
    return f"{head}{settings}\ntests:\n" + joined(item(story.as_dict(), indent=2) for story in stories)
