"""`CheckpointSaverHook`: TensorFlow's, on a bus, and without graphs in the event files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.checkpoints.files import checkpoints
from observed_hooks.clock import Clock, SystemClock
from observed_hooks.companion import Companion
from observed_hooks.errors import ConfigurationError, SaveError, StateError, one_line
from observed_hooks.events import CheckpointingStarted, CheckpointRestored, SaveCompleted
from observed_hooks.hooks.heard import without_bus_listeners
from observed_hooks.saving import state_file
from observed_hooks.saving.cleaning import remove_of_step, remove_older
from observed_hooks.saving.directory import as_directory, require_writable
from observed_hooks.saving.neighbours import Neighbours
from observed_hooks.saving.timing import timed_save
from observed_hooks.saving.triggers import ANY_STEPS, Interval, SaveTrigger
from observed_hooks.session import ENDS_IN_SILENCE, global_step_of_graph, run_started

log = tf.compat.v1.logging


class CheckpointSaverHook(tf.compat.v1.train.CheckpointSaverHook):
    """Saves the model every N steps or seconds, and tells the bus what it cost.

    A drop-in for `tf.compat.v1.train.CheckpointSaverHook`: the same arguments by position, triggers, listener calls and
    file names. It differs in what it does not write: no GraphDef and no MetaGraphDef in any event file, whatever the
    flags, and `graph.pbtxt` and `.meta` files only with `save_graph_def=True`. Seconds are counted on a monotonic
    clock. A save that failed is due again at the next step.

    On a bus with a `CheckpointInputPipelineHook`, each save is preceded by one of the input pipeline at the same step.

    All methods are called by the session, on the training thread.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any | None = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: tf.compat.v1.train.Scaffold | None = None,
        listeners: Sequence[tf.compat.v1.train.CheckpointSaverListener] | None = None,
        save_graph_def: bool = False,
        *,
        bus: CheckpointBus | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Check the arguments; nothing is touched on disk yet.

        Args:
            checkpoint_dir: directory of the checkpoints; made by `begin` when it is not there.
            save_secs: save every so many seconds.
            save_steps: save every so many steps.
            saver: saves the variables; the scaffold's, or the graph's only one, when not given.
            checkpoint_basename: files are named `<checkpoint_basename>-<step>`.
            scaffold: where to find the saver.
            listeners: called around each save, as TensorFlow does; they may raise, and stop training.
            save_graph_def: write `graph.pbtxt` once and a `.meta` file with every checkpoint.
            bus: where saves are reported, and where the input pipeline's hook is met.
            clock: the clocks to use.

        Raises:
            ConfigurationError: not exactly one of `save_secs` and `save_steps`, or one that is not positive; both
                `saver` and `scaffold`.
            CheckpointDirectoryError: `checkpoint_dir` is a file.
            BusClosedError: the bus is closed.
        """
        if saver is not None and scaffold is not None:
            raise ConfigurationError(
                "got both saver and scaffold; give one of them, or neither for the graph's own saver"
            )
        interval = Interval.of(save_secs, save_steps)
        directory = as_directory(checkpoint_dir)
        self._bus = bus or CheckpointBus()
        self._bus.require_open()
        super().__init__(
            directory, save_secs, save_steps, saver, checkpoint_basename, scaffold, listeners, save_graph_def
        )
        self._directory = directory
        self._path = os.path.join(directory, checkpoint_basename)
        self._given_saver = saver
        self._given_scaffold = scaffold
        # TensorFlow's own name and a list of ours: Estimator.train(saving_listeners=...) appends to it.
        self._listeners = list(listeners or ())
        self._writes_graph = save_graph_def
        self._interval = interval
        self._clock = clock or SystemClock()
        self._trigger = SaveTrigger(interval, self._clock)

    def begin(self) -> None:
        """Look at directory and graph, join the bus, and let the listeners begin."""
        self._bus.require_open()
        require_writable(self._directory)
        self._prepare_directory()
        self._global_step = global_step_of_graph(self)
        self._neighbours = Neighbours(self._directory)
        self._bus.join("model", self._directory, tf.compat.v1.get_default_graph(), run_started())
        self._saving_listeners = without_bus_listeners(self._listeners, self._bus)
        for listener in self._saving_listeners:
            listener.begin()

    def after_create_session(self, session: tf.compat.v1.Session, coord: tf.train.Coordinator) -> None:
        """Save the state with which the session starts, as TensorFlow's hook does."""
        step = int(session.run(self._global_step))
        if self._writes_graph:
            graph_def = session.graph.as_graph_def(add_shapes=True)
            tf.io.write_graph(graph_def, self._directory, "graph.pbtxt")
        self._bus.publish(
            CheckpointingStarted(
                kind="model",
                checkpoint_dir=self._directory,
                step=step,
                interval_seconds=self._interval.seconds,
                interval_steps=self._interval.steps,
            )
        )
        self._report_restore(step)
        self._save_at(session, step)

    def before_run(self, run_context: tf.compat.v1.train.SessionRunContext) -> tf.compat.v1.train.SessionRunArgs:
        """Ask for the global step, which may be read before or after this run advances it."""
        return tf.compat.v1.train.SessionRunArgs(self._global_step)

    def after_run(
        self,
        run_context: tf.compat.v1.train.SessionRunContext,
        run_values: tf.compat.v1.train.SessionRunValues,
    ) -> None:
        """Save when it is due; ask the session to stop when a listener says so."""
        if not self._trigger.is_due(run_values.results + ANY_STEPS):
            return
        step = int(run_context.session.run(self._global_step))
        if self._trigger.is_due(step) and self._save_at(run_context.session, step):
            run_context.request_stop()

    def end(self, session: tf.compat.v1.Session) -> None:
        """Save the last step unless it is saved, and let the listeners end. Not called after an error."""
        last_step = int(session.run(self._global_step))
        if last_step != self._trigger.last_step:
            self._save_at(session, last_step)
        for listener in self._saving_listeners:
            listener.end(session, last_step)
        self._bus.leave("model")

    def _prepare_directory(self) -> None:
        """Put right what a killed run has left, before the session looks for a checkpoint to restore."""
        directory, basename = os.path.split(self._path)
        removed = remove_older("model", directory, basename, self._clock.time())
        if removed:
            self._bus.publish(removed)
        state_file.mend(directory, basename)

    def _report_restore(self, step: int) -> None:
        """Tell of the model that the session has restored; a session that starts at 0 restored none."""
        restored = checkpoints(*os.path.split(self._path)).get(step) if step else None
        if restored is not None:
            self._bus.publish(
                CheckpointRestored(
                    kind="model", step=step, model_step=step, prefix=restored.prefix, duration_seconds=None
                )
            )

    def _save_at(self, session: tf.compat.v1.Session, step: int) -> bool:
        """Save the companions' state and the model; tell whether somebody wants training to stop."""
        decided_seconds = self._clock.monotonic()
        for listener in self._saving_listeners:
            listener.before_save(session, step)
        companions = self._bus.companions
        for companion in companions:
            companion.before_save(session, step)
        saved = self._saved(session, step, companions)
        self._trigger.saved(step, decided_seconds)
        self._bus.publish(saved)
        stops = [companion.after_save(session, step, succeeded=True) for companion in companions]
        stops += [listener.after_save(session, step) for listener in self._saving_listeners]
        return any(stops)

    def _saved(self, session: tf.compat.v1.Session, step: int, companions: tuple[Companion, ...]) -> SaveCompleted:
        """Write the checkpoint; when that fails, leave nothing half-written and let the error go on to the user."""
        try:
            return timed_save(
                "model", step, lambda: self._write(session, step), clock=self._clock, publish=self._bus.publish
            )
        except BaseException as error:
            removed = remove_of_step("model", *os.path.split(self._path), step)
            if removed:
                self._bus.publish(removed)
            for companion in companions:
                companion.after_save(session, step, succeeded=False)
            if isinstance(error, ENDS_IN_SILENCE):
                raise SaveError(
                    f"the checkpoint of step {step} could not be written to {self._path}: {one_line(error)}"
                ) from error
            raise

    def _write(self, session: tf.compat.v1.Session, step: int) -> str:
        """Write the checkpoint of `step`; return its prefix once all files are complete."""
        saver = self._graph_saver()
        self._warn_of_neighbour(saver)
        log.info("Saving checkpoints for %d into %s.", step, self._path)
        prefix = saver.save(session, self._path, global_step=step, write_meta_graph=self._writes_graph)
        self._neighbours.ours(prefix)
        return str(prefix)

    def _graph_saver(self) -> Any:
        """Return the saver of this session's graph; TensorFlow's hook keeps the first graph's for good."""
        if self._given_saver is not None:
            return self._given_saver
        if self._given_scaffold is not None:
            return self._given_scaffold.saver
        savers = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SAVERS)
        if len(savers) != 1:
            raise StateError(
                f"expected one saver in the graph's SAVERS collection, found {len(savers)}; "
                "pass saver= or scaffold= to CheckpointSaverHook"
            )
        return savers[0]

    def _warn_of_neighbour(self, saver: Any) -> None:
        newcomer = self._neighbours.newcomer(saver)
        if newcomer is not None:
            log.warning(
                "Another CheckpointSaverHook saves to %s as well: it wrote %s. Pass save_checkpoint_secs=None and "
                "save_checkpoint_steps=None to MonitoredTrainingSession, so that each step is written once.",
                self._directory,
                newcomer,
            )
