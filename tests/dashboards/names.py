"""What stands in a query: names of series, and which of them there are."""

from __future__ import annotations

import re

from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.queries import exported_names
from observed_hooks.dashboards.rules import recordings
from observed_hooks.metrics import CATALOGUE

CONFIG = Config()
EXPORTED = {name: metric for metric in CATALOGUE for name in exported_names(metric)}
RECORDED = {rule.name for rule in recordings(CONFIG)}
_NAME = re.compile(r"(?:\w+:)?observed_hooks_\w+(?::\w+)?")


def series_in(query: str) -> set[str]:
    """Every series that a query names, recorded ones by their whole name."""
    return set(_NAME.findall(query))
