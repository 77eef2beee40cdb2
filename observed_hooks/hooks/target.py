"""Where and how often an input hook saves: from an Estimator, or from arguments."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from observed_hooks.errors import ConfigurationError
from observed_hooks.saving.directory import as_directory
from observed_hooks.saving.triggers import Interval
from observed_hooks.task import Task, task_from_environment

DEFAULT_LIMIT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an input hook has to know before there is a graph."""

    directory: str
    basename: str
    interval: Interval | None
    """None: at the steps at which the model hook on the same bus saves."""
    shared: bool
    """Whether the interval is the Estimator's, and so its model hook's as well."""
    limit: int | None
    """How many checkpoints to keep where no model checkpoint says so; None or 0 for all."""


def target_of(
    estimator: Any | None,
    checkpoint_dir: str | os.PathLike[str] | None,
    save_secs: float | None,
    save_steps: int | None,
    *,
    follows_bus: bool,
) -> Target:
    """Combine a hook's arguments.

    Raises:
        ConfigurationError: both or neither of `estimator` and `checkpoint_dir`; something that is no Estimator; an
            interval that `Interval.of` refuses.
        CheckpointDirectoryError: the directory is a file.
    """
    if (estimator is None) == (checkpoint_dir is None):
        raise ConfigurationError(
            "expected either an estimator or checkpoint_dir, "
            f"got estimator={estimator!r} and checkpoint_dir={checkpoint_dir!r}"
        )
    if estimator is not None:
        return _of_estimator(estimator, save_secs, save_steps)
    unscheduled = follows_bus and save_secs is None and save_steps is None
    return Target(
        directory=as_directory(checkpoint_dir),
        basename=_basename(task_from_environment()),
        interval=None if unscheduled else Interval.of(save_secs, save_steps),
        shared=False,
        limit=DEFAULT_LIMIT,
    )


def _of_estimator(estimator: Any, save_secs: float | None, save_steps: int | None) -> Target:
    config = getattr(estimator, "config", None)
    model_dir = getattr(estimator, "model_dir", None)
    if config is None or model_dir is None:
        raise ConfigurationError(
            "expected an Estimator, or an object with model_dir and config, "
            f"got {type(estimator).__name__}; to save without one, pass checkpoint_dir= and save_steps= or save_secs="
        )
    own_schedule = save_secs is None and save_steps is None
    return Target(
        directory=as_directory(model_dir),
        basename=_basename(Task(config.task_type, config.task_id, config.num_worker_replicas)),
        interval=Interval.of(config.save_checkpoints_secs, config.save_checkpoints_steps)
        if own_schedule
        else Interval.of(save_secs, save_steps),
        shared=own_schedule,
        limit=getattr(config, "keep_checkpoint_max", DEFAULT_LIMIT),
    )


def _basename(task: Task) -> str:
    return f"input_{task.type}_{task.index}.ckpt" if task.replicas > 1 else "input.ckpt"
