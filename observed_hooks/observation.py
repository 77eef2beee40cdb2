"""`observe`: the one call that wires hooks, bus and sinks, and the one place that knows all three."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from observed_hooks.bus import EXIT_TIMEOUT_SECONDS, CheckpointBus
from observed_hooks.checkpoints.baseline import OWN_DIRECTORY
from observed_hooks.checkpoints.files import is_remote
from observed_hooks.dispatch import Sink
from observed_hooks.errors import SinkError
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.hooks.model import CheckpointSaverHook
from observed_hooks.saving.directory import as_directory
from observed_hooks.sinks.exporter import DEFAULT_PORT, Exporter, serve
from observed_hooks.sinks.jsonl import JsonlSink
from observed_hooks.sinks.prometheus import PrometheusSink
from observed_hooks.sinks.tensorboard import TensorBoardSink
from observed_hooks.task import task_from_environment

if TYPE_CHECKING:
    import tensorflow as tf
    from typing_extensions import Self

log = logging.getLogger("observed_hooks")

LINGER_SECONDS = 130.0
"""Two scrapes of a Prometheus that scrapes once a minute."""


class Observed:
    """Hooks for a session, and what watches them. A context manager; leaving it closes the bus and the exporter.

    Attributes:
        hooks: for `MonitoredTrainingSession(hooks=...)` or `Estimator.train(hooks=...)`, any number of times.
        bus: for listeners and subscribers of your own.
        exporter: where Prometheus scrapes, None when that is switched off or not possible.
        directory: where the observer's own files lie.
    """

    def __init__(
        self,
        hooks: list[tf.compat.v1.train.SessionRunHook],
        bus: CheckpointBus,
        exporter: Exporter | None,
        directory: str,
        linger_seconds: float = 0.0,
    ) -> None:
        self.hooks = hooks
        self.bus = bus
        self.exporter = exporter
        self.directory = directory
        self._linger_seconds = linger_seconds

    def close(self, timeout: float = EXIT_TIMEOUT_SECONDS) -> bool:
        """Hand the last events to the sinks and stop the exporter; tell whether the sinks had all in `timeout` seconds.

        Somebody who scrapes regularly gets the time to see that the run has ended; see `linger_seconds` of `observe`.
        """
        return self._close(timeout, self._linger_seconds)

    def _close(self, timeout: float, linger_seconds: float) -> bool:
        done = self.bus.close(timeout)
        if self.exporter is not None:
            try:
                self.exporter.linger(linger_seconds)
            finally:
                self.exporter.close()
        return done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What has died says nothing worth waiting for.
        self._close(EXIT_TIMEOUT_SECONDS, self._linger_seconds if error is None else 0.0)


def observe(  # noqa: PLR0913 - one switch for each thing that users switch
    checkpoint_dir: str | os.PathLike[str],
    *,
    save_steps: int | None = None,
    save_secs: float | None = None,
    asynchronous: bool = False,
    input_pipeline: bool = True,
    external_state_policy: Any | None = None,
    on_step_mismatch: str = "nearest",
    sample_buffers_secs: float | None = 10.0,
    prometheus_port: int | None = DEFAULT_PORT,
    prometheus_addr: str = "127.0.0.1",
    tensorboard: bool = True,
    jsonl: bool = True,
    run: str | None = None,
    task: str | None = None,
    linger_seconds: float = LINGER_SECONDS,
) -> Observed:
    """Return paired hooks for `checkpoint_dir`, reporting to Prometheus, TensorBoard and a file of JSON lines.

    A sink that cannot be set up is left out with a warning: training matters more. In a job of several workers, as
    `TF_CONFIG` tells it, only the chief saves the model, and each has a directory of its own in `observed_hooks/`.

        with observe(directory, save_steps=1000) as observed:
            with tf.compat.v1.train.MonitoredTrainingSession(
                checkpoint_dir=directory, hooks=observed.hooks, save_checkpoint_secs=None, save_checkpoint_steps=None
            ) as session:
                ...

    Args:
        checkpoint_dir: where model and input pipeline are saved; own files go to `observed_hooks/` in it.
        save_steps: save every so many steps.
        save_secs: save every so many seconds; exactly one of the two.
        asynchronous: see `CheckpointSaverHook`.
        input_pipeline: save the iterators too. False for a graph that has none.
        external_state_policy: see `CheckpointInputPipelineHook`.
        on_step_mismatch: see `CheckpointInputPipelineHook`.
        sample_buffers_secs: see `CheckpointInputPipelineHook`.
        prometheus_port: where to serve metrics; 0 for any free port, None for no exporter.
        prometheus_addr: the address to bind; this machine alone by default.
        tensorboard: write scalars to `<checkpoint_dir>/observed_hooks/tensorboard`.
        jsonl: append events to `<checkpoint_dir>/observed_hooks/events.jsonl`.
        run: value of the metrics' `run` label; the directory's name when not given.
        task: value of the metrics' `task` label; from `TF_CONFIG` when not given.
        linger_seconds: when training has ended as it should, stay so long at most for Prometheus to scrape twice more
            and see it, or the end looks like a death and raises alerts; nobody who scrapes, no wait. 0 never waits.

    Raises:
        ConfigurationError: arguments that the hooks refuse.
    """
    directory = as_directory(checkpoint_dir)
    here = task_from_environment()
    own = os.path.join(directory, OWN_DIRECTORY, *([here.label] if here.replicas > 1 else []))
    prometheus = _attempt("Prometheus", PrometheusSink) if prometheus_port is not None else None
    sinks = [prometheus, *_file_sinks(own, tensorboard=tensorboard, jsonl=jsonl)]
    name = run or os.path.basename(os.path.normpath(directory))
    bus = CheckpointBus([sink for sink in sinks if sink is not None], run=name, task=task)
    hooks: list[Any] = []
    if here.is_chief:
        hooks.append(CheckpointSaverHook(directory, save_secs, save_steps, bus=bus, asynchronous=asynchronous))
    if input_pipeline:
        hooks.append(
            CheckpointInputPipelineHook(
                None,
                external_state_policy,
                checkpoint_dir=directory,
                save_secs=save_secs,
                save_steps=save_steps,
                bus=bus,
                on_step_mismatch=on_step_mismatch,
                sample_buffers_secs=sample_buffers_secs,
            )
        )
    exporter = None
    if prometheus is not None and prometheus_port is not None:
        port, served = prometheus_port, prometheus
        exporter = _attempt("the exporter", lambda: serve(served, port, prometheus_addr))
    return Observed(hooks, bus, exporter, own, linger_seconds)


def _file_sinks(own: str, *, tensorboard: bool, jsonl: bool) -> Iterator[Sink | None]:
    if tensorboard:
        yield _attempt("TensorBoard", lambda: TensorBoardSink(os.path.join(own, "tensorboard")))
    if jsonl and not is_remote(own):  # lines cannot be appended to an object in a remote store
        yield _attempt("JSON lines", lambda: JsonlSink(os.path.join(own, "events.jsonl")))


def _attempt(what: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except SinkError as error:
        log.warning("Training goes on without %s: %s", what, error)
        return None
