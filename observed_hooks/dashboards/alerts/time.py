"""Alerts on what saves cost in time."""

from __future__ import annotations

from observed_hooks.dashboards.alerts.model import RUN, Alert, Group
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.rules import DURATION, STALL


def time_alerts(config: Config) -> Group:
    """Return the alerts on slow saves and held-up training."""
    return Group("observed_hooks.time", "Time", (_slow(config), _stall(config)))


def _slow(config: Config) -> Alert:
    window = duration(config.time_window_seconds)
    return Alert(
        name="CheckpointSaveSlow",
        severity="warning",
        expr=f"{DURATION} > {config.slow_save_seconds:g}",
        summary="Saves take too long.",
        description=f"A save of the {{{{ $labels.kind }}}} of {RUN} has taken {{{{ $value | humanizeDuration }}}} on "
        f"average over the last {window}.",
        meaning=f"On average over {window} a save took more than {duration(config.slow_save_seconds)} from the "
        "decision to the last byte. Until then there is nothing newer to resume from, and with asynchronous saving the "
        "next save may be skipped.",
        see='"Training checkpoints", *Duration of saves* against the size of checkpoints: slower at the same size is '
        "the storage's doing.",
        act="Grown together with the size: see CheckpointBloat. At the same size: look at the storage's throughput "
        "and at who else writes to it. Where the bytes are:\n\n    observed-hooks inspect <checkpoint_dir>\n",
    )


def _stall(config: Config) -> Alert:
    return Alert(
        name="SavingStallsTraining",
        severity="warning",
        expr=f"{STALL} > {config.stall_share:g}",
        summary="Saving holds up training for more than its budget.",
        description=f"Saves have held up {RUN} for {{{{ $value | humanizePercentage }}}} of the last "
        f"{duration(config.time_window_seconds)}.",
        meaning=f"More than {config.stall_share * 100:g} % of wall time goes into saves instead of steps, on machines "
        "that cost the same either way.",
        see='"Training checkpoints", *Share of time lost to saves*, by kind.',
        act="- The model's part is large: save less often, or save asynchronously.\n"
        "- The input pipeline's part is large: its elements are compressed on the training thread at every save; a "
        "smaller shuffle buffer is the cure.\n\nWhat is being written:\n\n"
        "    observed-hooks inspect <checkpoint_dir>/input.ckpt-<step>\n",
    )
