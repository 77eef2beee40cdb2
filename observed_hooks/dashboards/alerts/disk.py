"""Alerts on the room that checkpoints have and take."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.alerts.model import RUN, Alert, Group
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.queries import Series
from observed_hooks.dashboards.rules import FREE, FREE_RATIO, RETAINED, SIZE


def disk_alerts(config: Config) -> Group:
    """Return the alerts on disks, the most urgent first."""
    return Group("observed_hooks.disk", "Disk", (_no_room(config), _filling(config), _retained(config)))


def _no_room(config: Config) -> Alert:
    run = config.run_labels
    return Alert(
        name="CheckpointDiskFull",
        severity="critical",
        expr=f"{FREE}\n< on ({run})\n{config.disk_room_saves:g} * sum by ({run}) ({SIZE})",
        summary="The next checkpoints do not fit on the disk.",
        description=f"Only {{{{ $value | humanize1024 }}}}B are free for the checkpoints of {RUN}, not enough for "
        f"{config.disk_room_saves:g} more.",
        meaning="A save writes the new checkpoint before it removes the oldest. There is less room than "
        f"{config.disk_room_saves:g} checkpoints of the present size need: the next save may fail, and end training.",
        see='"Training checkpoints", row *Disk*.',
        act="Make room first: remove what does not belong to a run, or old runs. Then lower `keep_checkpoint_max`, or "
        "make checkpoints smaller. Never remove files of the newest pair. What there is, and how large:\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )


def _filling(config: Config) -> Alert:
    trend, ahead = duration(config.disk_trend_seconds), duration(config.disk_ahead_seconds)
    return Alert(
        name="CheckpointDiskFilling",
        severity="warning",
        expr=f"{FREE_RATIO} < {config.disk_free_ratio:g}\nand\n"
        f"predict_linear({FREE}[{trend}], {config.disk_ahead_seconds}) < 0",
        for_seconds=config.disk_trend_seconds / 4,
        summary="The disk that holds checkpoints is filling up.",
        description=f"{{{{ $value | humanizePercentage }}}} of the file system that holds the checkpoints of {RUN} are "
        f"free, and at the present pace nothing is left within {ahead}.",
        meaning=f"Less than {config.disk_free_ratio * 100:g} % is free and the trend of the last {trend} reaches zero "
        f"within {ahead}. A run whose retention has not reached its limit yet makes the same trend on a disk with "
        "plenty of room; that is not reported.",
        see='"Training checkpoints", row *Disk*: is it the retained checkpoints that grow, or something else?',
        act="Retained bytes grow: lower `keep_checkpoint_max`, or look for checkpoints that nobody prunes. They do "
        "not: something else fills the disk (`du -xh --max-depth=2 <mount> | sort -h`).\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )


def _retained(config: Config) -> Alert:
    run, q = config.run_labels, Series(config.selector)
    return Alert(
        name="CheckpointsRetainedLarge",
        severity="warning",
        expr=f"{RETAINED}\n> on ({run})\n{config.retained_share:g} * max by ({run}) ({q(m.FILESYSTEM_SIZE)})\nor\n"
        f"{RETAINED} > {config.retained_bytes}",
        for_seconds=config.size_for_seconds,
        summary="The checkpoints that are kept take too much room.",
        description=f"The checkpoints kept by {RUN} take {{{{ $value | humanize1024 }}}}B.",
        meaning=f"What retention leaves takes more than {config.retained_share * 100:g} % of the file system, or more "
        f"than {config.retained_bytes / 1024**3:g} GiB anywhere.",
        see='"Training checkpoints", *Kept on disk*: many checkpoints, or large ones?',
        act="Many: lower `keep_checkpoint_max` or `keep_checkpoint_every_n_hours`. Large: see CheckpointBloat. What "
        "there is:\n\n    observed-hooks inspect <checkpoint_dir>\n",
    )
