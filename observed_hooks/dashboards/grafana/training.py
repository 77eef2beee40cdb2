"""One run in depth: is it saving, what does a save cost, what is in it, could it resume."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana import common as c
from observed_hooks.dashboards.grafana.common import stat
from observed_hooks.dashboards.grafana.model import Board, Panel, Row, Target
from observed_hooks.dashboards.grafana.model import shown as q
from observed_hooks.dashboards.grafana.training_state import BY_KIND, disk_row, observer_row, resume_row, size_row


def training_board(config: Config) -> Board:
    """Return the dashboard, from headlines to details."""
    return Board(
        uid=c.TRAINING[1],
        title=c.TRAINING[0],
        description="One run in depth: whether it saves, what that costs, and what the checkpoints consist of.",
        rows=(_now(config), _progress(), _time(config), size_row(config), disk_row(), resume_row(), observer_row()),
        others=(c.FLEET, c.SHUFFLE),
    )


def _now(config: Config) -> Row:
    age = f"time() - max by ({c.KIND}) ({q(m.LAST_SAVE_TIMESTAMP)})"
    intervals = f"({c.AGE}) / max by ({c.RUN}) ({q(m.SAVE_INTERVAL_SECONDS)})"
    fit = f"{c.FREE} / sum by ({c.RUN}) ({q(m.CHECKPOINT_SIZE)})"
    return Row(
        "Now",
        (
            stat(
                "Time since the last save",
                "How much work is lost if the process dies now. In a run that has not saved yet, since its start.",
                "s",
                Target(age, BY_KIND),
                (config.overdue_seconds, "red"),
            ),
            stat(
                "Intervals since the last save",
                "The same as a multiple of the configured interval, for runs that save by time.",
                "short",
                Target(intervals, "{{run}}"),
                (config.overdue_intervals / 2, "orange"),
                (config.overdue_intervals, "red"),
            ),
            stat(
                "Newest checkpoint",
                "All parts of the newest checkpoint.",
                "bytes",
                Target(c.SIZE, BY_KIND),
            ),
            stat(
                "Input against model",
                "The newest input checkpoint as a multiple of the newest model checkpoint.",
                "short",
                Target(c.TO_MODEL, "{{run}}"),
                (config.input_model_ratio, "orange"),
            ),
            stat(
                "Failed saves",
                "Saves that failed in the time range shown.",
                "short",
                Target(c.FAILURES, "{{run}}"),
                (0.5, "red"),
            ),
            stat(
                "Checkpoints that still fit",
                "How many more pairs of the present size the file system has room for.",
                "short",
                Target(fit, "{{run}}"),
            ),
        ),
    )


def _progress() -> Row:
    saves = f"sum by (run, kind, outcome) (increase({q(m.SAVES)}[$__rate_interval]))"
    return Row(
        "Progress",
        (
            Panel(
                title="Steps",
                description="The global step, and the step of the newest checkpoint: what lies between is not saved. "
                "A flat line that is drawn again and again is a run that restarts and never gets to its next save.",
                targets=(
                    Target(f"max by (run) ({q(m.GLOBAL_STEP)})", "{{run}} global step"),
                    Target(f"max by (run, kind) ({q(m.LAST_SAVE_STEP)})", "{{run}} {{kind}} saved"),
                    Target(f"max by (run) ({q(m.SAVE_INTERVAL_STEPS)})", "{{run}} steps between saves"),
                ),
                unit="short",
            ),
            Panel(
                title="Saves by outcome",
                description="Saves that succeeded, failed, or were skipped.",
                targets=(Target(saves, "{{run}} {{kind}} {{outcome}}"),),
                unit="short",
                stacked=True,
            ),
            Panel(
                title="Training now",
                description="1 while the run trains, 0 after it has ended as it should; nothing when it has died.",
                targets=(Target(f"max by (run, task) ({q(m.RUN_ACTIVE)})", "{{run}} {{task}}"),),
                unit="short",
            ),
        ),
    )


def _time(config: Config) -> Row:
    by_kind = f"sum by (run, kind) (rate({q(m.SAVE_STALL, '_sum')}[$__rate_interval]))"
    buckets = f"sum by (le) (increase({q(m.SAVE_DURATION, '_bucket')}[$__rate_interval]))"
    return Row(
        "Time",
        (
            Panel(
                title="Duration of saves",
                description="Of the newest save: from the decision until the files are complete, and how much of that "
                "was writing.",
                targets=(
                    Target(f"max by (run, kind) ({q(m.LAST_SAVE_DURATION)})", f"{BY_KIND} in all"),
                    Target(f"max by (run, kind) ({q(m.LAST_SAVE_WRITE)})", f"{BY_KIND} writing"),
                ),
                unit="s",
                thresholds=((config.slow_save_seconds, "red"),),
            ),
            Panel(
                title="Training held up by a save",
                description="How long the newest save held up the training thread.",
                targets=(Target(f"max by (run, kind) ({q(m.LAST_SAVE_STALL)})", BY_KIND),),
                unit="s",
            ),
            Panel(
                title="Share of time lost to saves",
                description="Of wall time, how much the training thread spent waiting for saves.",
                targets=(Target(by_kind, BY_KIND),),
                unit="percentunit",
                stacked=True,
                thresholds=((config.stall_share, "red"),),
            ),
            _quantiles(
                "Durations in the range shown", "From the decision until the files are complete", m.SAVE_DURATION
            ),
            _quantiles("Stalls in the range shown", "How long saves held up training", m.SAVE_STALL),
            _quantiles("Writing in the range shown", "How long the files were being written", m.SAVE_WRITE),
            Panel(
                title="How durations are spread",
                description="Saves by their duration.",
                targets=(Target(buckets, "{{le}}"),),
                unit="s",
                type="heatmap",
                width=6,
                height=6,
            ),
        ),
    )


def _quantiles(title: str, description: str, metric: m.Metric) -> Panel:
    """Return median and 95th percentile over the whole range: saves are too rare for a moving window."""
    buckets = f"sum by (le, kind) (increase({q(metric, '_bucket')}[$__range]))"
    return Panel(
        title=title,
        description=f"{description}: median and 95th percentile of all saves in the time range.",
        targets=(
            Target(f"histogram_quantile(0.5, {buckets})", "{{kind}} median"),
            Target(f"histogram_quantile(0.95, {buckets})", "{{kind}} 95 %"),
        ),
        unit="s",
        type="bargauge",
        width=6,
        height=6,
    )
