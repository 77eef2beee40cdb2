"""Alerts on runs that did not resume where they left off."""

from __future__ import annotations

from observed_hooks.dashboards.alerts.model import RUN, Alert, Group
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.rules import NOT_RESTORED, RESTARTED, SKEW

_LIST = "    observed-hooks inspect <checkpoint_dir>\n"


def resume_alerts(config: Config) -> Group:
    """Return the alerts on resumes that were not exact."""
    return Group("observed_hooks.resume", "Resume", (_failed(config), _skewed(config), _restarted(config)))


def _is_news(config: Config, series: str) -> str:
    """Return the query for values above 0 that were not the same a while ago."""
    return f"{series} > 0\nunless\n{series} == {series} offset {duration(config.news_seconds)}"


def _failed(config: Config) -> Alert:
    return Alert(
        name="RestoreFailed",
        severity="warning",
        expr=_is_news(config, NOT_RESTORED),
        summary="A checkpoint could not be restored.",
        description=f"A checkpoint of the {{{{ $labels.kind }}}} of {RUN} could not be restored.",
        meaning="A checkpoint that should have been read back was missing or damaged, or does not fit the program any "
        "more.",
        see='"Training checkpoints", row *Resume*, *Restores by outcome*.',
        act="The error is in `<checkpoint_dir>/observed_hooks/events.jsonl` (event `RestoreFailed`). See whether the "
        f"checkpoint is whole, and whether its nodes are those of today's program:\n\n{_LIST}",
    )


def _skewed(config: Config) -> Alert:
    return Alert(
        name="ResumeSkewed",
        severity="warning",
        expr=f"(\n{_is_news(config, SKEW)}\n)\nunless on ({config.run_labels})\n{RESTARTED} > 0",
        summary="Model and input pipeline resumed from different steps.",
        description=f"The input pipeline of {RUN} resumed {{{{ $value }}}} steps behind its model: those elements are "
        "trained on twice.",
        meaning="There was no input checkpoint of the model's step, and the newest one before it was taken. Training "
        "goes on, but the elements of those steps are seen a second time. "
        f"Reported for {duration(config.news_seconds)}; it stays true for the rest of the run.",
        see='"Training checkpoints", row *Resume*, *Step skew*.',
        act="Why is the partner missing? A save of the input pipeline that failed (CheckpointSaveFailed), files that "
        "were copied or pruned by hand, or a run that saved only its model until now. Steps that have both:\n\n"
        f'{_LIST}\nWhere a skew must not happen, set `on_step_mismatch="fail"`.',
    )


def _restarted(config: Config) -> Alert:
    return Alert(
        name="InputRestarted",
        severity="warning",
        expr=_is_news(config, RESTARTED),
        summary="The input pipeline began afresh although the model did not.",
        description=f"The input pipeline of {RUN} began at its first element, while the model was resumed.",
        meaning='No input checkpoint could be taken: there is none, or `on_step_mismatch="restart"` refused those '
        "there are. Early elements are seen again, late ones perhaps never. Expected once, when a run that saved "
        "only its model begins to save its input pipeline too, or when input checkpoints were removed because a buffer "
        "has another size now.",
        see='"Training checkpoints", row *Resume*, *Restores by outcome*.',
        act=f"Look for input checkpoints beside the model's:\n\n{_LIST}\n"
        "None at all: was the hook part of the run before? Of other steps only: see ResumeSkewed.",
    )
