"""Recording rules: what alerts need of a run as a whole, by names that outlive the process that reported it.

A run that comes back on another machine has another `instance`. Recorded without it, the newest value takes the place
of the old one, and a question about the past (`last_over_time`) gets the run's last word, not that of a dead process.
"""

from __future__ import annotations

from dataclasses import dataclass

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.queries import Series


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded series."""

    name: str
    expr: str
    comment: str


RUN_ACTIVE = f"run:{m.RUN_ACTIVE.name}:max"
INTERVAL = f"run:{m.SAVE_INTERVAL_SECONDS.name}:max"
LAST_SAVE = f"run_kind:{m.LAST_SAVE_TIMESTAMP.name}:max"
LAST_STEP = f"run_kind:{m.LAST_SAVE_STEP.name}:max"
SIZE = f"run_kind:{m.CHECKPOINT_SIZE.name}:sum"
TO_BASELINE = f"run_kind:{m.CHECKPOINT_SIZE.name}:baseline_ratio"
TO_MODEL = f"run:{m.CHECKPOINT_SIZE.name}:input_model_ratio"
NODE_STATE = f"run_node:{m.ITERATOR_STATE.name}:max"
COMPONENT = f"run_component:{m.CHECKPOINT_COMPONENT.name}:max"
DURATION = f"run_kind:{m.LAST_SAVE_DURATION.name}:avg"
STALL = f"run:{m.SAVE_STALL.name}:rate"
RETAINED = f"run:{m.RETAINED_BYTES.name}:sum"
FREE = f"run:{m.FILESYSTEM_FREE.name}:min"
FREE_RATIO = f"run:{m.FILESYSTEM_FREE.name}:size_ratio"
SKEW = f"run:{m.RESTORE_STEP_SKEW.name}:max"
RESTARTED = f"run:{m.RESTORES.name}:restarted"
NOT_RESTORED = f"run_kind:{m.RESTORES.name}:failure"


def recordings(config: Config) -> tuple[Recording, ...]:
    """Return the recording rules; later ones may use earlier ones, which Prometheus evaluates first."""
    q = Series(config.selector)
    run, kind = config.run_labels, config.kind_labels
    now, window = duration(config.handover_seconds), duration(config.time_window_seconds)
    return (
        Recording(
            RUN_ACTIVE,
            f"max by ({run}) (last_over_time({q(m.RUN_ACTIVE)}[{now}]))",
            "1 while the run trains, 0 when it has ended as it should. The window makes sure that a last 0 is seen.",
        ),
        Recording(
            INTERVAL,
            f"max by ({run}) (last_over_time({q(m.SAVE_INTERVAL_SECONDS)}[{now}]))",
            "Seconds between saves, for runs that save by time.",
        ),
        Recording(
            LAST_SAVE,
            f"max by ({kind}) (last_over_time({q(m.LAST_SAVE_TIMESTAMP)}[{now}]))",
            "When the run last saved.",
        ),
        Recording(
            LAST_STEP,
            f"max by ({kind}) (last_over_time({q(m.LAST_SAVE_STEP)}[{now}]))",
            "The step it saved.",
        ),
        Recording(
            SIZE,
            f"max by ({kind}) (sum without (part) ({q(m.CHECKPOINT_SIZE)}))",
            "Newest checkpoint, all parts.",
        ),
        Recording(
            TO_BASELINE,
            f"{SIZE}\n/\nmax by ({kind}) ({q(m.CHECKPOINT_BASELINE)})",
            "Newest checkpoint against the run's first ones.",
        ),
        Recording(
            TO_MODEL,
            f'max by ({run}) ({SIZE}{{kind="input_pipeline"}})\n/\nmax by ({run}) ({SIZE}{{kind="model"}})',
            "Newest input checkpoint against the newest model checkpoint.",
        ),
        Recording(
            NODE_STATE,
            f"max by ({run}, iterator, node, transformation) ({q(m.ITERATOR_STATE)})",
            "What each tf.data node takes of the newest input checkpoint: this names the culprit.",
        ),
        Recording(
            COMPONENT,
            f"max by ({run}, component) ({q(m.CHECKPOINT_COMPONENT, kind='model')})",
            "What the newest model checkpoint consists of.",
        ),
        Recording(
            DURATION,
            f"max by ({kind}) (avg_over_time({q(m.LAST_SAVE_DURATION)}[{window}]))",
            "How long saves take. From the last value, since a rate of rare saves is empty between them.",
        ),
        Recording(
            STALL,
            f"sum by ({run}) (rate({q(m.SAVE_STALL, '_sum')}[{window}]))",
            "Share of wall time for which saving holds up training.",
        ),
        Recording(
            RETAINED,
            f"max by ({run}) (sum without (kind) ({q(m.RETAINED_BYTES)}))",
            "All checkpoints that retention has left on disk.",
        ),
        Recording(
            FREE,
            f"min by ({run}) ({q(m.FILESYSTEM_FREE)})",
            "Room on the checkpoints' file system, where it is local.",
        ),
        Recording(
            FREE_RATIO,
            f"{FREE}\n/\nmax by ({run}) ({q(m.FILESYSTEM_SIZE)})",
            "The same as a share of the file system.",
        ),
        Recording(
            SKEW,
            f"max by ({run}) ({q(m.RESTORE_STEP_SKEW)})",
            "By how many steps model and input pipeline were apart when the run resumed.",
        ),
        Recording(
            RESTARTED,
            f"max by ({run}) ({q(m.RESTORES, outcome='restarted')})",
            "Whether the input pipeline began afresh. Counts from 0 in each process, so it tells of this one.",
        ),
        Recording(
            NOT_RESTORED,
            f"max by ({kind}) ({q(m.RESTORES, outcome='failure')})",
            "Whether a checkpoint could not be read back; of this process, too.",
        ),
    )
