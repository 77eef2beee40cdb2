"""Queries that several dashboards ask."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.grafana.model import Panel, Target
from observed_hooks.dashboards.grafana.model import shown as q

TRAINING = ("Training checkpoints", "observed-hooks-training")
FLEET = ("Checkpoint fleet", "observed-hooks-fleet")
SHUFFLE = ("Shuffle buffers", "observed-hooks-shuffle")

RUN = "job, run, task"
KIND = f"{RUN}, kind"
NODE = "run, task, iterator, node, transformation"

SIZE = f"sum by ({KIND}) ({q(m.CHECKPOINT_SIZE)})"
BASELINE = f"max by ({KIND}) ({q(m.CHECKPOINT_BASELINE)})"
INPUT_SIZE = f"sum by ({RUN}) ({q(m.CHECKPOINT_SIZE, kind='input_pipeline')})"
MODEL_SIZE = f"sum by ({RUN}) ({q(m.CHECKPOINT_SIZE, kind='model')})"
TO_BASELINE = f"{SIZE} / {BASELINE}"
TO_MODEL = f"{INPUT_SIZE} / {MODEL_SIZE}"
AGE = f"time() - max by ({RUN}) ({q(m.LAST_SAVE_TIMESTAMP)})"
FREE = f"min by ({RUN}) ({q(m.FILESYSTEM_FREE)})"
FREE_SHARE = f"{FREE} / max by ({RUN}) ({q(m.FILESYSTEM_SIZE)})"
FAILURES = f"sum by ({RUN}) (increase({q(m.SAVES, outcome='failure')}[$__range]))"
STALL_SHARE = f"sum by ({RUN}) (rate({q(m.SAVE_STALL, '_sum')}[$__rate_interval]))"
BUFFERED = f"max by ({NODE}) ({q(m.BUFFER_ELEMENTS)})"
BUFFER_BYTES = f"max by ({NODE}) ({q(m.BUFFER_BYTES)})"
CAPACITY = f"max by ({NODE}) ({q(m.BUFFER_CAPACITY)})"
STATE = f"max by ({NODE}) ({q(m.ITERATOR_STATE)})"


def stat(title: str, description: str, unit: str, target: Target, *thresholds: tuple[float, str]) -> Panel:
    """Return a headline: the present value, coloured by thresholds."""
    return Panel(
        title=title,
        description=description,
        targets=(target,),
        unit=unit,
        type="stat",
        width=4,
        height=4,
        thresholds=thresholds,
    )
