"""Checkpoint hooks for TensorFlow that save the model and its input pipeline as a pair, and show what every save costs.

The public names are below. Importing this package loads neither TensorFlow nor prometheus_client: each name brings what
it needs when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from observed_hooks import errors, events, metrics
    from observed_hooks.bus import CheckpointBus
    from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
    from observed_hooks.hooks.model import CheckpointSaverHook
    from observed_hooks.observation import observe
    from observed_hooks.pipeline.eager import buffers
    from observed_hooks.sinks.exporter import serve
    from observed_hooks.sinks.jsonl import JsonlSink
    from observed_hooks.sinks.memory import MemorySink
    from observed_hooks.sinks.prometheus import PrometheusSink
    from observed_hooks.sinks.pushgateway import PushgatewaySink
    from observed_hooks.sinks.tensorboard import TensorBoardSink
    from observed_hooks.sinks.textfile import TextfileSink

__all__ = [
    "CheckpointBus",
    "CheckpointInputPipelineHook",
    "CheckpointSaverHook",
    "JsonlSink",
    "MemorySink",
    "PrometheusSink",
    "PushgatewaySink",
    "TensorBoardSink",
    "TextfileSink",
    "buffers",
    "errors",
    "events",
    "metrics",
    "observe",
    "serve",
]

_HOMES = {
    "CheckpointBus": "bus",
    "CheckpointInputPipelineHook": "hooks.input_pipeline",
    "CheckpointSaverHook": "hooks.model",
    "JsonlSink": "sinks.jsonl",
    "MemorySink": "sinks.memory",
    "PrometheusSink": "sinks.prometheus",
    "PushgatewaySink": "sinks.pushgateway",
    "TensorBoardSink": "sinks.tensorboard",
    "TextfileSink": "sinks.textfile",
    "buffers": "pipeline.eager",
    "observe": "observation",
    "serve": "sinks.exporter",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
