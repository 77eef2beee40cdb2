"""Alerts on saves that do not happen, fail, or are skipped."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.alerts.model import RUN, Alert, Group
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.queries import Series
from observed_hooks.dashboards.rules import INTERVAL, LAST_SAVE, LAST_STEP, RUN_ACTIVE


def saving_alerts(config: Config) -> Group:
    """Return the alerts on missing saves, those that mean lost work first."""
    alerts = (_overdue(config), _stuck(config), _vanished(config), _failing(config), _failed(config), _skipped(config))
    return Group("observed_hooks.saving", "Saving", alerts)


def _overdue(config: Config) -> Alert:
    run, memory = config.run_labels, duration(config.memory_seconds)
    age = f"time() - last_over_time({LAST_SAVE}[{memory}])"
    interval = f"last_over_time({INTERVAL}[{memory}])"
    limit = f"clamp_min({config.overdue_intervals:g} * {interval}, {config.overdue_floor_seconds})"
    return Alert(
        name="CheckpointOverdue",
        severity="critical",
        expr=f"(\n  {age}\n    > on ({run}) group_left () {limit}\n  or\n"
        f"  {age} > {config.overdue_seconds}\n    unless on ({run}) {interval}\n)\n{_unless_ended(config)}",
        # A run that comes back after hours is active before it says when its session began.
        for_seconds=config.restart_seconds,
        summary="A run has not saved for too long.",
        description=f"The newest {{{{ $labels.kind }}}} checkpoint of {RUN} is {{{{ $value | humanizeDuration }}}} "
        "old, and the run has not ended as it should.",
        meaning=f"No checkpoint for {config.overdue_intervals:g} save intervals, or for "
        f"{duration(config.overdue_seconds)} in a run that saves by steps: all work since the last one is lost if "
        f"the process dies now, or has been lost because it did. A dead run is remembered for {memory}. A run that "
        "has ended as it should (`run_active` 0) is never overdue. When a run saves its model, the model alone "
        "counts: an input checkpoint that is missing beside it shows up as a failed or skipped save.",
        see='"Training checkpoints", *Time since the last save* and *Progress*: does the global step still rise?',
        act="1. Does the process live? If not, resume it: it continues from the newest pair of checkpoints.\n"
        "2. It lives and steps go on: look for failed saves in its log and on the dashboard, and for a full disk.\n"
        "3. It lives and stands still: `py-spy dump --pid <pid>` shows whether it waits for input, for storage or "
        "for another worker.\n\nWhat can be resumed from, and whether it is whole:\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )


def _stuck(config: Config) -> Alert:
    back, recent = duration(config.overdue_seconds), duration(config.restart_seconds)
    return Alert(
        name="CheckpointStuck",
        severity="critical",
        expr=f"(\n  last_over_time({LAST_STEP}[{recent}])\n    == last_over_time({LAST_STEP}[{recent}] offset {back})\n"
        f"  unless\n  time() - {LAST_SAVE} > {config.overdue_seconds}\n)\n{_unless_ended(config)}",
        # Twice: a run that ended and now resumes is at the same step until its first save.
        for_seconds=2 * config.restart_seconds,
        summary="A run saves, but always the same step.",
        description=f"The newest {{{{ $labels.kind }}}} checkpoint of {RUN} is of step {{{{ $value }}}}, as it was "
        f"{back} ago.",
        meaning="The run is alive and its newest checkpoint is young, and yet it gets nowhere. Every session saves "
        "the step it has just restored, so a process that dies before its first own save, and is restarted, and dies "
        "again, never looks overdue.",
        see='"Training checkpoints", row *Progress*: a flat line for the saved step, with gaps where the process died.',
        act="1. Look at why the process ends: its exit codes, and the kernel's log for memory (a shuffle buffer fills "
        "up again after each start).\n2. Make saves more frequent than deaths: `save_secs` below the time it "
        "survives.\n3. If it dies while restoring, check the checkpoint itself:\n\n"
        "    observed-hooks inspect <checkpoint_dir>/model.ckpt-<step>\n",
    )


def _vanished(config: Config) -> Alert:
    memory = duration(config.memory_seconds)
    return Alert(
        name="TrainingVanished",
        severity="warning",
        expr=f"last_over_time({RUN_ACTIVE}[{memory}]) == 1\nunless on ({config.run_labels})\n{RUN_ACTIVE}",
        for_seconds=config.restart_seconds,
        summary="A run is gone without having ended.",
        description=f"Nothing is heard of {RUN} any more, and it never said that it had ended.",
        meaning="The last that was heard of the run was that it trains; now it answers no scrape. It was killed, or "
        "its machine was, or the network between. A run that ends as it should reports `run_active` 0 first; give "
        "it the time for a last scrape, or it looks like this one.",
        see='"Checkpoint fleet", *Training now*: the run has dropped to nothing instead of 0.',
        act="Look at the process and at its machine. Killed on purpose: silence the alert for this run, "
        f"it is forgotten after {memory}. Otherwise resume it; this is where it will continue:\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )


def _failing(config: Config) -> Alert:
    window = duration(config.failure_window_seconds)
    return Alert(
        name="CheckpointSavesFailing",
        severity="critical",
        expr=f"{_increase(config, 'failure')} >= {config.failures_in_a_row}\nunless\n"
        f"{_increase(config, 'success')} > 0",
        summary="One save after the other fails.",
        description=f'{{{{ printf "%.0f" $value }}}} saves of the {{{{ $labels.kind }}}} of {RUN} have failed within '
        f"{window}, and none has succeeded.",
        meaning=f"At least {config.failures_in_a_row} saves failed within {window} without a success among them. "
        "Training goes on for the input pipeline, and ends with the error for the model; either way there is no new "
        "checkpoint to resume from.",
        see='"Training checkpoints", *Saves by outcome*, and the free space beside it.',
        act="The error is in the training log and in `<checkpoint_dir>/observed_hooks/events.jsonl` (event "
        "`SaveFailed`). Usual causes: a full disk, a directory that is gone or may not be written, expired "
        "credentials for remote storage, a pipeline with state that cannot be saved. What is still good:\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )


def _failed(config: Config) -> Alert:
    return Alert(
        name="CheckpointSaveFailed",
        severity="warning",
        expr=f"{_increase(config, 'failure')} > 0",
        summary="A save has failed.",
        description=f"A save of the {{{{ $labels.kind }}}} of {RUN} has failed within "
        f"{duration(config.failure_window_seconds)}.",
        meaning="A checkpoint was tried and could not be made. It is tried again at the next chance. When the input "
        "pipeline failed, the model checkpoint of that step has no partner, and a resume from it takes an older "
        "input checkpoint.",
        see='"Training checkpoints", *Saves by outcome*.',
        act="Read the error in `<checkpoint_dir>/observed_hooks/events.jsonl`, and see whether the newest checkpoint "
        "is whole:\n\n    observed-hooks inspect <checkpoint_dir>\n",
    )


def _skipped(config: Config) -> Alert:
    q, kind, window = Series(config.selector), config.kind_labels, duration(config.failure_window_seconds)
    return Alert(
        name="CheckpointSavesSkipped",
        severity="warning",
        expr=f"{_increase(config, 'skipped')}\n/\nsum by ({kind}) (increase({q(m.SAVES)}[{window}]))\n"
        f"> {config.skipped_share:g}",
        summary="Saves are skipped.",
        description=f"{{{{ $value | humanizePercentage }}}} of the saves that were due for the {{{{ $labels.kind }}}} "
        f"of {RUN} have been skipped within {window}.",
        meaning="Saves were due and deliberately not tried: the one before was still being written, or the input "
        "pipeline cannot be saved and the hook was told to train on without it.",
        see='"Training checkpoints", *Saves by outcome* and *Duration of saves*: does a save take longer than the '
        "interval?",
        act="The reason is in `<checkpoint_dir>/observed_hooks/events.jsonl` (event `SaveSkipped`). Save less often, "
        "make checkpoints smaller, or write to faster storage. What takes the room:\n\n"
        "    observed-hooks inspect <checkpoint_dir>/input.ckpt-<step>\n",
    )


def _increase(config: Config, outcome: str) -> str:
    selected = Series(config.selector)(m.SAVES, outcome=outcome)
    return f"sum by ({config.kind_labels}) (increase({selected}[{duration(config.failure_window_seconds)}]))"


def _unless_ended(config: Config) -> str:
    """Drop runs that ended as they should, and the input pipeline where the model speaks for the run."""
    run, memory = config.run_labels, duration(config.memory_seconds)
    return (
        f"unless on ({run})\nlast_over_time({RUN_ACTIVE}[{memory}]) == 0\n"
        f'unless on ({config.kind_labels})\nlabel_replace(\n  last_over_time({LAST_SAVE}{{kind="model"}}[{memory}]),\n'
        '  "kind", "input_pipeline", "", ""\n)'
    )
