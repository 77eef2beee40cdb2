"""The lower half of "Training checkpoints": what lies on disk, how runs came back, and the observer itself."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana import common as c
from observed_hooks.dashboards.grafana.model import Panel, Row, Target
from observed_hooks.dashboards.grafana.model import shown as q

BY_KIND = "{{run}} {{kind}}"


def size_row(config: Config) -> Row:
    """Return the row on what checkpoints consist of."""
    return Row(
        "Size",
        (
            Panel(
                title="Newest checkpoint by kind",
                description="Stacked, with the baselines dashed, stacked as well: the median of the run's first.",
                targets=(
                    Target(f"sum by (run, kind) ({q(m.CHECKPOINT_SIZE)})", BY_KIND),
                    Target(f"max by (run, kind) ({q(m.CHECKPOINT_BASELINE)})", "{{run}} {{kind}} baseline"),
                ),
                unit="bytes",
                width=12,
                stacked=True,
            ),
            Panel(
                title="Size against baseline",
                description="1 is as large as the first checkpoints. An alert fires above the red line.",
                targets=(Target(c.TO_BASELINE, BY_KIND),),
                unit="short",
                thresholds=((config.bloat_ratio, "red"),),
                width=6,
            ),
            Panel(
                title="Newest checkpoint by part",
                description="The data, the index that names it, and the graph where it is kept.",
                targets=(Target(f"sum by (run, kind, part) ({q(m.CHECKPOINT_SIZE)})", "{{run}} {{kind}} {{part}}"),),
                unit="bytes",
                width=6,
                stacked=True,
            ),
            Panel(
                title="What the tensors are",
                description="Bytes of the newest checkpoint by component. Optimizers often take twice the weights.",
                targets=(
                    Target(
                        f"max by (run, kind, component) ({q(m.CHECKPOINT_COMPONENT)})", f"{BY_KIND} {{{{component}}}}"
                    ),
                ),
                unit="bytes",
                stacked=True,
            ),
            Panel(
                title="What each node takes of the input checkpoint",
                description="Nodes of the tf.data pipeline, the largest ten. A shuffle buffer is saved whole.",
                targets=(Target(f"topk(10, {c.STATE})", "{{run}} {{transformation}} {{node}}"),),
                unit="bytes",
                stacked=True,
            ),
            Panel(
                title="Elements in buffers",
                description="What the running pipeline holds in memory, by node.",
                targets=(Target(c.BUFFERED, "{{run}} {{transformation}} {{node}}"),),
                unit="short",
            ),
        ),
    )


def disk_row() -> Row:
    """Return the row on the room they take."""
    written = f"sum by (run, kind) (rate({q(m.CHECKPOINT_WRITTEN)}[$__rate_interval]))"
    return Row(
        "Disk",
        (
            Panel(
                title="Kept on disk",
                description="Bytes of the checkpoints that retention has left.",
                targets=(Target(f"sum by (run, kind) ({q(m.RETAINED_BYTES)})", BY_KIND),),
                unit="bytes",
                width=6,
                stacked=True,
            ),
            Panel(
                title="Checkpoints kept",
                description="How many of them there are.",
                targets=(Target(f"sum by (run, kind) ({q(m.RETAINED_CHECKPOINTS)})", BY_KIND),),
                unit="short",
                width=6,
            ),
            Panel(
                title="Room on the file system",
                description="Free and all of the file system that holds the checkpoints, where it is local.",
                targets=(
                    Target(f"min by (run) ({q(m.FILESYSTEM_FREE)})", "{{run}} free"),
                    Target(f"max by (run) ({q(m.FILESYSTEM_SIZE)})", "{{run}} size"),
                ),
                unit="bytes",
                width=6,
            ),
            Panel(
                title="Written",
                description="Bytes of checkpoints written in a second, on average.",
                targets=(Target(written, BY_KIND),),
                unit="Bps",
                width=6,
                stacked=True,
            ),
        ),
    )


def resume_row() -> Row:
    """Return the row on how runs came back."""
    return Row(
        "Resume",
        (
            Panel(
                title="Restores by outcome",
                description="Of the present processes. `restarted`: the input pipeline began at its first element.",
                targets=(Target(f"sum by (run, kind, outcome) ({q(m.RESTORES)})", "{{run}} {{kind}} {{outcome}}"),),
                unit="short",
                height=6,
            ),
            Panel(
                title="Duration of restores",
                description="Of the newest restore.",
                targets=(Target(f"max by (run, kind) ({q(m.RESTORE_DURATION)})", BY_KIND),),
                unit="s",
                height=6,
            ),
            Panel(
                title="Step skew",
                description="Model step minus input step at the newest resume: so many steps are seen twice. "
                "0 is an exact resume.",
                targets=(Target(f"max by (run) ({q(m.RESTORE_STEP_SKEW)})", "{{run}}"),),
                unit="short",
                height=6,
                lowest=None,
            ),
        ),
    )


def observer_row() -> Row:
    """Return the row on what watching costs, and where it failed."""
    return Row(
        "Observer",
        (
            Panel(
                title="Time spent observing",
                description="Seconds a second on the observer's own threads, by stage; none of it holds up training.",
                targets=(
                    Target(
                        f"sum by (run, stage) (rate({q(m.OBSERVER_SECONDS)}[$__rate_interval]))", "{{run}} {{stage}}"
                    ),
                ),
                unit="percentunit",
                width=6,
                stacked=True,
            ),
            Panel(
                title="Errors of sinks",
                description="Times a sink raised, or did not answer in time.",
                targets=(
                    Target(f"sum by (run, sink) (increase({q(m.SINK_ERRORS)}[$__rate_interval]))", "{{run}} {{sink}}"),
                ),
                unit="short",
                width=6,
            ),
            Panel(
                title="Dropped events",
                description="Events that a sink never got because it was too far behind.",
                targets=(
                    Target(
                        f"sum by (run, sink) (increase({q(m.EVENTS_DROPPED)}[$__rate_interval]))", "{{run}} {{sink}}"
                    ),
                ),
                unit="short",
                width=6,
            ),
            Panel(
                title="Versions",
                description="What each process runs.",
                targets=(
                    Target(f"max by (instance, run, version, tensorflow_version, mode) ({q(m.RUN_INFO)})", "Processes"),
                ),
                unit="short",
                type="table",
                width=6,
                sort_by="run",
            ),
        ),
        collapsed=True,
    )
