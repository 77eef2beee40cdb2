"""Everything that is generated, as text by path, and the writing of it."""

from __future__ import annotations

import os

from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.examples import example_files
from observed_hooks.dashboards.grafana import board_files
from observed_hooks.dashboards.rule_files import alerts_yml, rules_yml
from observed_hooks.dashboards.runbook import runbook_md
from observed_hooks.dashboards.scenarios import promtool_files
from observed_hooks.errors import ConfigurationError


def artefacts(config: Config) -> dict[str, str]:
    """Return every generated file's text, by its path below the directory of them all."""
    return {
        "prometheus/rules.yml": rules_yml(config),
        "prometheus/alerts.yml": alerts_yml(config),
        **{f"prometheus/tests/{name}": text for name, text in promtool_files(config).items()},
        **{f"grafana/{name}": text for name, text in board_files(config).items()},
        **example_files(config),
        "runbook.md": runbook_md(config),
    }


def write(directory: str, config: Config, *, force: bool = False) -> list[str]:
    """Write all files below `directory` and return their paths; those that are there already are left as they are.

    Raises:
        ConfigurationError: a file is there with other content, and `force` was not given; nothing is written.
        OSError: the directory cannot be written.
    """
    files = {os.path.join(directory, *path.split("/")): text for path, text in artefacts(config).items()}
    changed = [path for path, text in files.items() if _content(path) not in {None, text}]
    if changed and not force:
        raise ConfigurationError(
            f"{len(changed)} files are there with other content, such as {changed[0]}; "
            "use --force to overwrite them, or give another directory"
        )
    for path, text in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return list(files)


def _content(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
