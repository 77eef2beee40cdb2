"""The hooks under test, by name. Another way to save is one more function here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from observed_hooks import CheckpointBus, CheckpointInputPipelineHook, CheckpointSaverHook
from observed_hooks.saving.parallel import ParallelSaver

STEPS_BETWEEN_SAVES = 5
SECONDS_BETWEEN_SAVES = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When to save: one of the two is None."""

    save_steps: int | None = None
    save_secs: float | None = None


TRIGGERS = {
    "steps": Trigger(save_steps=STEPS_BETWEEN_SAVES),
    "secs": Trigger(save_secs=SECONDS_BETWEEN_SAVES),
}


def ours(directory: str, trigger: Trigger, scaffold: Any) -> list[Any]:
    """Both hooks of this package on one bus."""
    bus = CheckpointBus()
    return [
        CheckpointSaverHook(directory, trigger.save_secs, trigger.save_steps, scaffold=scaffold, bus=bus),
        CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus),
    ]


def asynchronous(directory: str, trigger: Trigger, scaffold: Any) -> list[Any]:
    """Both hooks of this package, writing from a thread."""
    bus = CheckpointBus()
    return [
        CheckpointSaverHook(
            directory, trigger.save_secs, trigger.save_steps, scaffold=scaffold, bus=bus, asynchronous=True
        ),
        CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus),
    ]


def tensorflow(directory: str, trigger: Trigger, scaffold: Any) -> list[Any]:
    """Both hooks of TensorFlow 2.15, which removed the second one afterwards."""
    config = SimpleNamespace(
        num_worker_replicas=1, save_checkpoints_secs=trigger.save_secs, save_checkpoints_steps=trigger.save_steps
    )
    estimator = SimpleNamespace(model_dir=directory, config=config, _config=config)
    return [
        tf.compat.v1.train.CheckpointSaverHook(directory, trigger.save_secs, trigger.save_steps, scaffold=scaffold),
        tf.data.experimental.CheckpointInputPipelineHook(estimator),
    ]


def model_only(directory: str, trigger: Trigger, scaffold: Any) -> list[Any]:
    """Forgets the position of the input pipeline: what the harness must find."""
    return [CheckpointSaverHook(directory, trigger.save_secs, trigger.save_steps, scaffold=scaffold)]


def nothing(directory: str, trigger: Trigger, scaffold: Any) -> list[Any]:
    """Saves nothing: the uninterrupted run."""
    return []


def saver_for(mode: str, *, max_to_keep: int, sharded: bool) -> Any:
    """Return the saver of the model for a mode; to be called in the graph, behind its variables."""
    if mode == "asynchronous":
        return ParallelSaver(staged=True, max_to_keep=max_to_keep)
    return tf.compat.v1.train.Saver(max_to_keep=max_to_keep, sharded=sharded)


MODES: dict[str, Callable[[str, Trigger, Any], list[Any]]] = {
    "ours": ours,
    "asynchronous": asynchronous,
    "tensorflow": tensorflow,
    "model-only": model_only,
    "nothing": nothing,
}
