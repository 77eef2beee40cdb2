from __future__ import annotations

import re

import pytest

from observed_hooks.dashboards.alerts import Alert, groups
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.queries import Series
from observed_hooks.dashboards.rules import recordings
from observed_hooks.dashboards.runbook import runbook_md
from observed_hooks.dashboards.scenarios import scenarios
from observed_hooks.metrics import SAVES
from tests.dashboards.names import CONFIG, EXPORTED, RECORDED, series_in

ALERTS = [alert for group in groups(CONFIG) for alert in group.alerts]
CHECKS = [check for stories in scenarios(CONFIG).values() for story in stories for check in story.checks]

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


class TestAlerts:
    def test_have_a_name_each(self) -> None:
        assert len({alert.name for alert in ALERTS}) == len(ALERTS)

    @every_alert
    def test_ask_only_for_series_that_there_are(self, alert: Alert) -> None:
        asked = series_in(f"{alert.expr}\n{alert.description}")

        assert asked
        assert asked <= EXPORTED.keys() | RECORDED

    @every_alert
    def test_summarise_in_one_sentence_without_placeholders(self, alert: Alert) -> None:
        assert re.fullmatch(r"[A-Z][^{}\n]{10,80}\.", alert.summary)

    @every_alert
    def test_describe_which_run_it_is(self, alert: Alert) -> None:
        assert "{{ $labels.run }} ({{ $labels.task }})" in alert.description

    @every_alert
    def test_keep_the_labels_that_name_the_run(self, alert: Alert) -> None:
        kept = re.findall(r"\b(?:by|on) \(job, run, task|run(?:_\w+)?:observed_hooks", alert.expr)

        assert kept

    @every_alert
    def test_do_not_tell_a_rate_of_rare_saves_as_a_quantile(self, alert: Alert) -> None:
        assert "histogram_quantile" not in alert.expr

    @every_alert
    def test_are_tested_when_they_fire_and_when_they_are_silent(self, alert: Alert) -> None:
        outcomes = {check.description is not None for check in CHECKS if check.alert == alert.name}

        assert outcomes == {True, False}

    def test_follow_the_configuration(self) -> None:
        config = Config(bloat_ratio=7.25, selector='namespace="ml"', run_labels="cluster, job, run, task")
        text = "\n".join(alert.expr for group in groups(config) for alert in group.alerts)
        text += "\n".join(rule.expr for rule in recordings(config))

        assert "> 7.25" in text
        assert 'observed_hooks_run_active{namespace="ml"}' in text
        assert "(job, run, task)" not in text


class TestRecordingRules:
    @pytest.mark.parametrize("rule", recordings(CONFIG), ids=lambda rule: rule.name)
    def test_are_named_level_metric_operation(self, rule: object) -> None:
        name = getattr(rule, "name", "")

        assert re.fullmatch(r"run(_kind|_node|_component)?:observed_hooks_[a-z_]+:[a-z_]+", name)
        assert name.split(":")[1] in EXPORTED or name.split(":")[1].startswith("observed_hooks_")

    def test_ask_only_for_series_that_there_are_or_come_before(self) -> None:
        known = set(EXPORTED)
        for rule in recordings(CONFIG):
            assert series_in(rule.expr) <= known
            known.add(rule.name)

    def test_are_all_needed(self) -> None:
        asked = [series_in(text) for alert in ALERTS for text in (alert.expr, alert.description)]
        asked += [series_in(rule.expr) for rule in recordings(CONFIG)]

        assert set().union(*asked) >= RECORDED


class TestTheRunbook:
    @every_alert
    def test_has_a_section_under_the_anchor_that_the_alert_links_to(self, alert: Alert) -> None:
        headings = re.findall(r"^### (.+)$", runbook_md(CONFIG), re.MULTILINE)

        assert alert.anchor in [heading.lower() for heading in headings]

    @every_alert
    def test_says_what_it_means_how_to_see_it_what_to_do_and_what_to_type(self, alert: Alert) -> None:
        section = re.split(r"^##", runbook_md(CONFIG).partition(f"### {alert.name}\n")[2], flags=re.MULTILINE)[0]

        assert all(part in section for part in ("What it means", "How to see it", "What to do", alert.summary))
        assert re.search(r"^    observed-hooks inspect <checkpoint_dir>", section, re.MULTILINE)

    @every_alert
    def test_names_panels_that_there_are(self, alert: Alert) -> None:
        from observed_hooks.dashboards.grafana import boards

        known = {board.title for board in boards(CONFIG).values()}
        known |= {row.title for board in boards(CONFIG).values() for row in board.rows}
        known |= {panel.title for board in boards(CONFIG).values() for panel in board.panels()}

        assert set(re.findall(r'\*([^*]+)\*|"([^"]+)"', alert.see)) <= {(each, "") for each in known} | {
            ("", each) for each in known
        }


class TestSeries:
    def test_refuse_a_label_that_the_metric_does_not_have(self) -> None:
        with pytest.raises(ValueError, match="no label"):
            Series()(SAVES, part="data")
