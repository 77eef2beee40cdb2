"""All runs side by side, the worst first."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana import common as c
from observed_hooks.dashboards.grafana.common import stat
from observed_hooks.dashboards.grafana.model import Board, Panel, Row, Target
from observed_hooks.dashboards.grafana.model import shown as q

_WORST = 10
_BY_RUN = "{{run}} {{task}}"
_BY_KIND = "{{run}} {{task}} {{kind}}"


def fleet_board(config: Config) -> Board:
    """Return the dashboard: how many are in trouble, which, and since when."""
    return Board(
        uid=c.FLEET[1],
        title=c.FLEET[0],
        description="All runs side by side, the worst first: who does not save, whose checkpoints bloat, who pays.",
        rows=(_headlines(config), _ranking(), _over_time(config)),
        others=(c.TRAINING, c.SHUFFLE),
    )


def _headlines(config: Config) -> Row:
    return Row(
        "Now",
        (
            stat(
                "Training now",
                "Runs that are training.",
                "short",
                Target(f"sum(max by ({c.RUN}) ({q(m.RUN_ACTIVE)}))", "runs"),
            ),
            stat(
                "Oldest newest save",
                "Of the runs that train: the longest time since a save.",
                "s",
                Target(f"max(({c.AGE}) and max by ({c.RUN}) ({q(m.RUN_ACTIVE)}) == 1)", "age"),
                (config.overdue_seconds, "red"),
            ),
            stat(
                "Bloated",
                "Runs whose newest checkpoint has outgrown its baseline by more than the alert's threshold.",
                "short",
                Target(f"count({c.TO_BASELINE} > {config.bloat_ratio:g}) or vector(0)", "runs"),
                (1, "orange"),
            ),
            stat(
                "Failed saves",
                "Saves that failed in the time range shown, of all runs.",
                "short",
                Target(f"sum({c.FAILURES})", "saves"),
                (0.5, "red"),
            ),
            stat(
                "Kept on disk",
                "All checkpoints of all runs.",
                "bytes",
                Target(f"sum({q(m.RETAINED_BYTES)})", "bytes"),
            ),
            stat(
                "Least room",
                "The smallest share of free space among the file systems that hold checkpoints.",
                "percentunit",
                Target(f"min({c.FREE_SHARE})", "free"),
            ),
        ),
    )


def _ranking() -> Row:
    by_run = f"by ({c.RUN})"
    columns = {
        "Training": (f"max {by_run} ({q(m.RUN_ACTIVE)})", "short"),
        "Step": (f"max {by_run} ({q(m.GLOBAL_STEP)})", "short"),
        "Since last save": (c.AGE, "s"),
        "Against baseline": (f"max {by_run} ({c.TO_BASELINE})", "short"),
        "Checkpoint": (f"sum {by_run} ({q(m.CHECKPOINT_SIZE)})", "bytes"),
        "Input against model": (c.TO_MODEL, "short"),
        "Last save": (f"sum {by_run} ({q(m.LAST_SAVE_DURATION)})", "s"),
        "Time lost to saves": (f"sum {by_run} (rate({q(m.SAVE_STALL, '_sum')}[$__range]))", "percentunit"),
        "Failed saves": (c.FAILURES, "short"),
        "Step skew": (f"max {by_run} ({q(m.RESTORE_STEP_SKEW)})", "short"),
        "Kept": (f"sum {by_run} ({q(m.RETAINED_BYTES)})", "bytes"),
        "Free": (c.FREE_SHARE, "percentunit"),
    }
    ranking = Panel(
        title="Runs, the most bloated first",
        description="One line a run. Click a heading to rank by another column.",
        targets=tuple(Target(expr, name) for name, (expr, _) in columns.items()),
        unit="short",
        type="table",
        width=24,
        height=10,
        units=tuple((name, unit) for name, (_, unit) in columns.items()),
        sort_by="Against baseline",
    )
    return Row("Runs", (ranking,))


def _over_time(config: Config) -> Row:
    duration = f"max by ({c.KIND}) ({q(m.LAST_SAVE_DURATION)})"
    written = f"sum by ({c.RUN}) (rate({q(m.CHECKPOINT_WRITTEN)}[$__rate_interval]))"
    worst = [
        ("Size against baseline", "Bloat: 1 is as large as the run's first checkpoints.", c.TO_BASELINE, "short"),
        ("Input against model", "How much of a checkpoint pair is input pipeline.", c.TO_MODEL, "short"),
        ("Time since the last save", "Rises with the clock and falls with each save.", c.AGE, "s"),
        ("Share of time lost to saves", "Wall time for which saves hold up training.", c.STALL_SHARE, "percentunit"),
        ("Duration of the last save", "Of the newest save of each kind.", duration, "s"),
        ("Written", "Load that checkpoints put on the storage.", written, "Bps"),
    ]
    of_a_kind = {c.TO_BASELINE, duration}
    limits = {"Size against baseline": config.bloat_ratio, "Share of time lost to saves": config.stall_share}
    panels = tuple(
        Panel(
            title=f"{title}: the worst {_WORST}",
            description=description,
            targets=(Target(f"topk({_WORST}, {expr})", _BY_KIND if expr in of_a_kind else _BY_RUN),),
            unit=unit,
            thresholds=((limits[title], "red"),) if title in limits else (),
        )
        for title, description, expr, unit in worst
    )
    return Row("Over time", panels)
