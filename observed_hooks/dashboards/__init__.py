"""Dashboards, recording rules, alerts, their tests and their runbook, made from the catalogue and one configuration.

    config -> queries -> rules, alerts, boards -> artefacts -> files

Nothing here measures or runs: each module turns the values of `config` and the names of `metrics` into text.
"""
