"""What the input pipeline costs: in memory, in every checkpoint, in time; and runs compared."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config
from observed_hooks.dashboards.grafana import common as c
from observed_hooks.dashboards.grafana.common import stat
from observed_hooks.dashboards.grafana.model import Board, Panel, Row, Target
from observed_hooks.dashboards.grafana.model import shown as q

_NODE = "{{run}} {{transformation}} {{node}}"
_INPUT = {"kind": "input_pipeline"}


def shuffle_board(config: Config) -> Board:
    """Return the dashboard, from the price of a buffer to the buffers."""
    return Board(
        uid=c.SHUFFLE[1],
        title=c.SHUFFLE[0],
        description="What the buffers of the input pipeline cost, in memory, in every checkpoint and in time; and what "
        "they buy, where `observed-hooks compare` has measured it.",
        rows=(_price(config), _side_by_side(), _compared(), _memory(), _checkpoint(config), _time()),
        others=(c.TRAINING, c.FLEET),
    )


def _price(config: Config) -> Row:
    stall = f"sum by (run) (rate({q(m.SAVE_STALL, '_sum', **_INPUT)}[$__range]))"
    return Row(
        "Price",
        (
            stat(
                "In memory",
                "Bytes that all buffers of the running pipeline hold.",
                "bytes",
                Target(f"sum by (run) ({c.BUFFER_BYTES})", "{{run}}"),
            ),
            stat(
                "In every checkpoint",
                "The newest input checkpoint.",
                "bytes",
                Target(f"sum by (run) ({q(m.CHECKPOINT_SIZE, **_INPUT)})", "{{run}}"),
            ),
            stat(
                "Against the model",
                "The newest input checkpoint as a multiple of the model's.",
                "short",
                Target(c.TO_MODEL, "{{run}}"),
                (config.input_model_ratio, "orange"),
            ),
            stat(
                "Seconds a save",
                "The newest save of the input pipeline.",
                "s",
                Target(f"max by (run) ({q(m.LAST_SAVE_DURATION, **_INPUT)})", "{{run}}"),
            ),
            stat(
                "Share of training time",
                "Wall time for which saving the input pipeline held up training.",
                "percentunit",
                Target(stall, "{{run}}"),
                (config.stall_share, "red"),
            ),
            stat(
                "Kept on disk",
                "All input checkpoints that are kept.",
                "bytes",
                Target(f"sum by (run) ({q(m.RETAINED_BYTES, **_INPUT)})", "{{run}}"),
            ),
        ),
    )


def _side_by_side() -> Row:
    columns = {
        "Capacity": (c.CAPACITY, "short"),
        "Elements": (c.BUFFERED, "short"),
        "In memory": (c.BUFFER_BYTES, "bytes"),
        "In a checkpoint": (c.STATE, "bytes"),
    }
    nodes = Panel(
        title="Nodes, the most expensive first",
        description="One line a node of each run's pipeline. Not every node has a fixed capacity, or a state.",
        targets=tuple(Target(expr, name) for name, (expr, _) in columns.items()),
        unit="short",
        type="table",
        width=24,
        units=tuple((name, unit) for name, (_, unit) in columns.items()),
        sort_by="In a checkpoint",
    )
    return Row("Runs side by side", (nodes,))


def _compared() -> Row:
    panels = (
        ("Mixing", m.MIXING, "measure", "percentunit", "0 % is the input order, 100 % a full shuffle, by measure."),
        (
            *("First batch", m.FIRST_BATCH, "start", "s"),
            "Until the first batch of a session, by start. A cold one fills the buffer, a resumed one restores it.",
        ),
        ("Throughput", m.EXAMPLES_RATE, "", "short", "Examples a second in the steady state, without saves."),
        ("Peak memory", m.PEAK_MEMORY, "", "bytes", "The most that the process had resident, TensorFlow included."),
    )
    return Row("Runs of a comparison", tuple(_bars(*panel) for panel in panels))


def _bars(title: str, metric: m.Metric, label: str, unit: str, description: str) -> Panel:
    """Return a bar for each run: its newest value in the range, since the runs of a comparison last seconds."""
    newest = f"last_over_time({q(metric)}[$__range])"
    return Panel(
        title=title,
        description=f"{description} Fed by `observed-hooks compare`.",
        targets=(
            Target(
                f"max by (run, {label}) ({newest})" if label else f"max by (run) ({newest})",
                f"{{{{run}}}} {{{{{label}}}}}" if label else "{{run}}",
            ),
        ),
        unit=unit,
        type="bargauge",
        width=6,
    )


def _memory() -> Row:
    full = f"{c.BUFFERED} / ({c.CAPACITY} > 0)"
    return Row(
        "In memory",
        (
            Panel(
                title="Elements",
                description="Elements that each node holds; the dashed lines are capacities.",
                targets=(Target(c.BUFFERED, _NODE), Target(c.CAPACITY, f"{_NODE} capacity")),
                unit="short",
            ),
            Panel(
                title="How full",
                description="Elements as a share of the capacity. A shuffle fills before its first element comes out.",
                targets=(Target(full, _NODE),),
                unit="percentunit",
            ),
            Panel(
                title="Bytes",
                description="Memory that each node's buffer takes.",
                targets=(Target(c.BUFFER_BYTES, _NODE),),
                unit="bytes",
                stacked=True,
            ),
        ),
    )


def _checkpoint(config: Config) -> Row:
    share = f"{c.STATE} / on (run, task) group_left () sum by (run, task) ({q(m.CHECKPOINT_SIZE, **_INPUT)})"
    packed = f"{c.STATE} / ({c.BUFFER_BYTES} > 0)"
    return Row(
        "In each checkpoint",
        (
            Panel(
                title="What each node takes in a checkpoint",
                description="Bytes in the newest input checkpoint, by node.",
                targets=(Target(c.STATE, _NODE),),
                unit="bytes",
                stacked=True,
            ),
            Panel(
                title="Share of the input checkpoint",
                description="The same as a share. An alert fires above the red line, for large checkpoints.",
                targets=(Target(share, _NODE),),
                unit="percentunit",
                thresholds=((config.node_share, "red"),),
            ),
            Panel(
                title="Bytes saved for each byte in memory",
                description="Elements are compressed when they are saved: below 1 they shrink, near 1 they do not.",
                targets=(Target(packed, _NODE),),
                unit="short",
            ),
        ),
    )


def _time() -> Row:
    return Row(
        "Time",
        (
            Panel(
                title="Duration of saves",
                description="Of the newest save of the input pipeline.",
                targets=(Target(f"max by (run, task) ({q(m.LAST_SAVE_DURATION, **_INPUT)})", "{{run}} {{task}}"),),
                unit="s",
            ),
            Panel(
                title="Training held up by a save",
                description="Elements are compressed on the training thread.",
                targets=(Target(f"max by (run, task) ({q(m.LAST_SAVE_STALL, **_INPUT)})", "{{run}} {{task}}"),),
                unit="s",
            ),
            Panel(
                title="Duration of restores",
                description="How long the newest resume took to bring the pipeline back.",
                targets=(Target(f"max by (run, task) ({q(m.RESTORE_DURATION, **_INPUT)})", "{{run}} {{task}}"),),
                unit="s",
            ),
        ),
    )
