"""The bus that the hooks of one run share: events go in, records come out at every sink.

It knows neither hooks nor sinks. Hooks meet on it in two ways. They publish events; and whoever saves something beside
the model (the input pipeline's hook) asks with `accompany` to be called around every model save, so that both lie on
disk for the same steps, the companion's first.

    bus = CheckpointBus([PrometheusSink(), JsonlSink("events.jsonl")])
    estimator.train(input_fn, saving_listeners=[bus.listener("model")])
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from observed_hooks.checkpoints.composition import LookingInside
from observed_hooks.checkpoints.measure import Measurement
from observed_hooks.clock import Clock, SystemClock
from observed_hooks.companion import Companion
from observed_hooks.dispatch import Dispatcher, Limits, Measure, Sink
from observed_hooks.errors import BusClosedError
from observed_hooks.events import Event, Kind, ObserverReport, Record, RunEnded, RunStarted
from observed_hooks.task import task_from_environment

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger("observed_hooks")

EXIT_TIMEOUT_SECONDS = 5.0
UNNAMED = "unnamed"
"""The `run` label of a bus that was given no name and that nobody has joined."""


class CheckpointBus:
    """Takes events from hooks and listeners, and hands them to sinks on threads of its own.

    `publish` may be called from any thread. It costs microseconds, never blocks and never raises.
    """

    def __init__(  # noqa: PLR0913 - each has its default, and its own reason to be replaced
        self,
        sinks: Iterable[Sink] = (),
        *,
        run: str | None = None,
        task: str | None = None,
        measure: Measure | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Serve `sinks`, in this order; threads start with the first event.

        Args:
            sinks: whatever has `write(record)` and `close()`.
            run: value of the `run` label; the name of the first hook's checkpoint directory when not given.
            task: value of the `task` label; from `TF_CONFIG`, `worker-0` without one, when not given.
            measure: turns an event into those that the sinks get; when not given, sizes of files are measured, and what
                checkpoints are made of.
            clock: the clocks to use.
            limits: queue length and patience with slow sinks.
        """
        self._clock = clock or SystemClock()
        # Whoever brings a measure of their own says all that there is to say.
        look = LookingInside(self._clock.monotonic) if measure is None else None
        self._dispatcher = Dispatcher(measure or Measurement(), self._clock, limits or Limits(), look)
        self._run = run
        self._task = task_from_environment().label if task is None else task
        self._lock = threading.Lock()
        self._kinds: set[Kind] = set()
        self._companions: dict[str, Companion] = {}
        self._scope: object = None
        self._closes_at_exit = False
        self._closed = False
        for sink in sinks:
            self._dispatcher.add(sink)

    @property
    def run(self) -> str:
        """The value of the `run` label."""
        return self._run or UNNAMED

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def publish(self, event: Event, *, time_seconds: float | None = None) -> None:
        """Hand `event` to the sinks; on a closed bus it is dropped and counted.

        Args:
            event: what happened.
            time_seconds: when, in seconds since the epoch; now when not given.
        """
        when = self._clock.time() if time_seconds is None else time_seconds
        if self._closed:
            self._refuse(type(event).__name__)
        else:
            self._dispatcher.put((self._run or UNNAMED, self._task, when, event))

    def publish_later(self, make: Callable[[], Event | None]) -> None:
        """Publish what `make` returns, unless that is None; it is called on the bus's thread, in its turn.

        For events that take longer to make than the caller shall wait. What `make` raises is caught and counted.
        """
        if self._closed:
            self._refuse("one that was still to be made")
        else:
            self._dispatcher.put((self._run or UNNAMED, self._task, self._clock.time(), make))

    def subscribe(self, callback: Callable[[Record], object]) -> None:
        """Call `callback` with every record from now on, under the same guard as a sink.

        Raises:
            BusClosedError: the bus is closed.
        """
        self.require_open()
        self._dispatcher.add(_Subscriber(callback))

    def listener(
        self, kind: Kind, checkpoint_dir: str | None = None, checkpoint_basename: str | None = None
    ) -> tf.compat.v1.train.CheckpointSaverListener:
        """Return a listener that reports the saves of any `CheckpointSaverHook`, TensorFlow's own included.

        Args:
            kind: what the hook saves.
            checkpoint_dir: where it saves to; found from the graph's saver when not given.
            checkpoint_basename: the hook's; only together with `checkpoint_dir`.

        Raises:
            BusClosedError: the bus is closed.
            ConfigurationError: `kind` is neither `model` nor `input_pipeline`.
        """
        from observed_hooks.listener import BusListener

        self.require_open()
        return BusListener(self, kind, checkpoint_dir, checkpoint_basename, clock=self._clock)

    def join(self, kind: Kind, checkpoint_dir: str | None, scope: object, start: RunStarted) -> None:
        """Say that saves of `kind` will be published; `start` is published for the first to join a run.

        All that join one run share a `scope`, the graph. Joining with another one drops what a training that died
        without leaving has left behind.
        """
        with self._lock:
            if self._scope is not scope:
                self._scope = scope
                self._kinds.clear()
                self._companions.clear()
            starts = not self._kinds
            self._kinds.add(kind)
            if self._run is None and checkpoint_dir:
                self._run = os.path.basename(os.path.normpath(checkpoint_dir))
            if not self._closes_at_exit:
                self._closes_at_exit = True
                _close_at_exit(self)
        if starts:
            self.publish(start)

    def leave(self, kind: Kind) -> None:
        """Say that saves of `kind` have ended as they should; the last to leave ends the run."""
        with self._lock:
            ends = self._kinds == {kind}
            self._kinds.discard(kind)
            if ends:
                self._companions.clear()
                self._scope = None
        if ends:
            self.publish(RunEnded())

    def has_joined(self, kind: Kind) -> bool:
        """Tell whether saves of `kind` are published on this bus now."""
        return kind in self._kinds

    def accompany(self, name: str, companion: Companion) -> None:
        """Have `companion` called around every model save of this run; one per `name`, the newest counts."""
        with self._lock:
            self._companions[name] = companion

    @property
    def companions(self) -> tuple[Companion, ...]:
        """Those that save at the model's steps; whoever saves the model calls them around its save."""
        return tuple(self._companions.values())

    def totals(self) -> ObserverReport:
        """Return what watching has cost so far, and where it failed."""
        return self._dispatcher.tally.total()

    def flush(self, timeout: float = EXIT_TIMEOUT_SECONDS) -> bool:
        """Wait until the sinks have all that was published; tell whether they have within `timeout` seconds."""
        return self._dispatcher.flush(timeout)

    def close(self, timeout: float = EXIT_TIMEOUT_SECONDS) -> bool:
        """Flush and close the sinks; tell whether all was done within `timeout` seconds. Safe to call twice."""
        with self._lock:
            if self._closed:
                return True
            self._closed = True
        return self._dispatcher.close(timeout)

    def require_open(self) -> None:
        """Raise `BusClosedError` when the bus is closed."""
        if self._closed:
            message = "this CheckpointBus is closed; make a new one for the next run"
            raise BusClosedError(message)

    def _refuse(self, what: str) -> None:
        if self._dispatcher.refuse() == 1:
            log.warning(
                "The bus of run %s is closed; events such as %s are lost.",
                self.run,
                what,
            )


class _Subscriber:
    """A callable as a sink."""

    def __init__(self, callback: Callable[[Record], object]) -> None:
        self._callback = callback
        self.name = getattr(callback, "__qualname__", type(callback).__name__)

    def write(self, record: Record) -> None:
        self._callback(record)

    def close(self) -> None:
        """A callable holds nothing to close."""


def _close_at_exit(bus: CheckpointBus) -> None:
    """Give the last events a chance to reach the sinks when a program forgets to close its bus."""
    reference = weakref.ref(bus)

    def close() -> None:
        forgotten = reference()
        if forgotten is not None:
            forgotten.close(EXIT_TIMEOUT_SECONDS)

    atexit.register(close)
