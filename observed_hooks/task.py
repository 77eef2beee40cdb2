"""Which task of a distributed job this process is, as `TF_CONFIG` tells it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

_CHIEFS = ("chief", "master")
_JOBS_THAT_TRAIN = (*_CHIEFS, "worker")


@dataclass(frozen=True, slots=True)
class Task:
    """One process of a job."""

    type: str = "worker"
    index: int = 0
    replicas: int = 1
    """Processes of the job that train, this one included."""

    is_chief: bool = True
    """Whether this one saves the model."""

    @property
    def label(self) -> str:
        """The value of the metrics' `task` label, such as `worker-0`."""
        return f"{self.type}-{self.index}"


def task_from_environment(environment: Mapping[str, str] | None = None) -> Task:
    """Read the task from `TF_CONFIG`; without one, or with one that cannot be read, a job of one worker."""
    text = (os.environ if environment is None else environment).get("TF_CONFIG", "")
    try:
        config = json.loads(text or "{}")
        cluster, task = config.get("cluster", {}), config.get("task", {})
        replicas = sum(len(cluster.get(job, ())) for job in _JOBS_THAT_TRAIN)
        kind, index = str(task.get("type", "worker")), int(task.get("index", 0))
        return Task(kind, index, max(replicas, 1), is_chief=_is_chief(kind, index, cluster))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return Task()


def _is_chief(kind: str, index: int, cluster: Mapping[str, object]) -> bool:
    """Tell whether a task is the chief: the one of that name, or else the first worker."""
    if any(cluster.get(job) for job in _CHIEFS):
        return kind in _CHIEFS
    return kind == "worker" and index == 0
