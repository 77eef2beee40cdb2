"""Configurations to start from. The tests start the real servers with them."""

from __future__ import annotations

import json
from typing import Any

from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana import boards
from observed_hooks.dashboards.rule_files import GENERATED, alert_groups, rule_groups

PROMETHEUS = """\
# An example: one machine, one training job, Alertmanager beside it.
#   prometheus --config.file=prometheus.yml --web.listen-address=127.0.0.1:9090
# Debian's package starts Prometheus, Alertmanager and their exporters on all interfaces as soon as it is installed.
global:
  # Saves are rare, so half a minute would do; a clean end is only seen when two scrapes fit into the last moments.
  scrape_interval: 15s
  # Not longer than handover_seconds / 2, or the end of a run may be missed.
  evaluation_interval: 15s

rule_files:
  - rules.yml
  - alerts.yml

alerting:
  alertmanagers:
    - static_configs:
        - targets: ["127.0.0.1:9093"]

scrape_configs:
  # Becomes the label `job`.
  - job_name: training
    static_configs:
      # What observe() and serve() listen on. When the port is taken they take the next free one, and say so.
      - targets: ["127.0.0.1:9464"]
"""

ALERTMANAGER = """\
# An example: critical alerts page, warnings become tickets, info stays on the dashboard.
#   prometheus-alertmanager --config.file=alertmanager.yml --cluster.listen-address= --web.listen-address=127.0.0.1:9093
route:
  receiver: tickets
  # One notification for each run, not one for each alert.
  group_by: [job, run, task]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
  routes:
    - matchers: ['severity="critical"']
      receiver: pager
      repeat_interval: 1h
    - matchers: ['severity="info"']
      receiver: nobody

inhibit_rules:
  # Say the worst, not also what follows from it.
  - source_matchers: ['alertname="CheckpointOverdue"']
    target_matchers: ['alertname=~"TrainingVanished|CheckpointStuck"']
    equal: [job, run, task]
  - source_matchers: ['alertname="CheckpointSavesFailing"']
    target_matchers: ['alertname="CheckpointSaveFailed"']
    equal: [job, run, task, kind]
  - source_matchers: ['alertname="CheckpointBloat"']
    target_matchers: ['alertname="CheckpointGrowth"']
    equal: [job, run, task, kind]

receivers:
  - name: pager
    webhook_configs:
      - url: http://127.0.0.1:5001/pager
  - name: tickets
    webhook_configs:
      - url: http://127.0.0.1:5001/tickets
  - name: nobody
"""

DATASOURCES = """\
# Goes to /etc/grafana/provisioning/datasources/
apiVersion: 1
datasources:
  - name: Prometheus
    type: prometheus
    access: proxy
    url: http://127.0.0.1:9090
    isDefault: true
    jsonData:
      # The scrape interval: Grafana makes $__rate_interval from it.
      timeInterval: 15s
"""

DASHBOARDS = """\
# Goes to /etc/grafana/provisioning/dashboards/
apiVersion: 1
providers:
  - name: observed_hooks
    folder: Training
    type: file
    # The dashboards are generated: what is changed in the browser would be lost.
    allowUiUpdates: false
    options:
      # Where the JSON files beside this directory were copied to.
      path: /var/lib/grafana/dashboards/observed_hooks
"""


def example_files(config: Config) -> dict[str, str]:
    """Return the examples by path."""
    return {
        "prometheus/prometheus.yml": PROMETHEUS,
        "prometheus/alertmanager.yml": ALERTMANAGER,
        "grafana/provisioning/datasources/prometheus.yml": DATASOURCES,
        "grafana/provisioning/dashboards/observed_hooks.yml": DASHBOARDS,
        "mixin.libsonnet": _mixin(config),
    }


def _mixin(config: Config) -> str:
    """Return the entry point for users of monitoring mixins.

    The rules stand in it as JSON: `std.parseYaml` of jsonnet 0.18 fails on queries of several lines.
    """
    imports = "".join(f"    {json.dumps(f'{name}.json')}: import 'grafana/{name}.json',\n" for name in boards(config))
    return (
        f"// For users of monitoring mixins. {GENERATED}\n{{\n"
        f"  grafanaDashboards+:: {{\n{imports}  }},\n"
        f"  prometheusRules+:: {_inside(rule_groups(config))},\n"
        f"  prometheusAlerts+:: {_inside(alert_groups(config))},\n}}\n"
    )


def _inside(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2).replace("\n", "\n  ")
