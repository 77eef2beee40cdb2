"""`CheckpointSaverHook`: TensorFlow's, on a bus, and without graphs in the event files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.clock import Clock, SystemClock
from observed_hooks.errors import ConfigurationError, StateError
from observed_hooks.events import CheckpointingStarted, CheckpointRestored
from observed_hooks.hooks.heard import without_bus_listeners
from observed_hooks.saving.choices import choose
from observed_hooks.saving.directory import as_directory, require_writable
from observed_hooks.saving.model_checkpoints import ModelCheckpoints
from observed_hooks.saving.model_saves import WHEN_BUSY, BackgroundSaves, ImmediateSaves, Listeners, Saves
from observed_hooks.saving.parallel import ParallelSaver
from observed_hooks.saving.reach import reach_of
from observed_hooks.saving.triggers import Interval, SaveTrigger
from observed_hooks.session import global_step_of_graph, run_started


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
        asynchronous: bool = False,
        when_busy: str = "wait",
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
            asynchronous: copy the state between two steps, and write it from a thread while training goes on. The copy
                takes up to the variables' memory. An error in writing is raised at the next save or at the end.
            when_busy: when a save is due and the last one is still being written, `wait` for it or `skip` the new one.
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
        self._asynchronous = asynchronous
        self._store = ModelCheckpoints(
            self._path, writes_graph=save_graph_def, find_saver=self._graph_saver, publish=self._bus.publish
        )
        self._saves: Saves = (
            BackgroundSaves(self._store, self._bus, self._clock, choose("when_busy", when_busy, WHEN_BUSY))
            if asynchronous
            else ImmediateSaves(self._store, self._bus, self._clock)
        )

    def begin(self) -> None:
        """Look at directory and graph, join the bus, and let the listeners begin."""
        self._bus.require_open()
        require_writable(self._directory)
        self._global_step = global_step_of_graph(self)
        self._bus.join("model", self._directory, tf.compat.v1.get_default_graph(), run_started())
        self._store.prepare()
        self._offer_saver()
        self._saving_listeners = without_bus_listeners(self._listeners, self._bus)
        for listener in self._saving_listeners:
            listener.begin()

    def after_create_session(self, session: tf.compat.v1.Session, coord: tf.train.Coordinator) -> None:
        """Save the state with which the session starts, as TensorFlow's hook does."""
        self._saves.abandon()
        self._store.check(staged=self._asynchronous)
        step = int(session.run(self._global_step))
        self._trigger.begin_session(reach_of(session, self._global_step))
        if self._writes_graph:
            graph_def = session.graph.as_graph_def(add_shapes=True)
            tf.io.write_graph(graph_def, self._directory, "graph.pbtxt")
        self._tell_of_start(step)
        self._save_at(session, step)

    def before_run(self, run_context: tf.compat.v1.train.SessionRunContext) -> None:
        """Ask for nothing: an ordinary step pays for no save."""

    def after_run(
        self,
        run_context: tf.compat.v1.train.SessionRunContext,
        run_values: tf.compat.v1.train.SessionRunValues,
    ) -> None:
        """Save when it is due; ask the session to stop when a listener says so."""
        stop = self._saves.poll()
        if self._trigger.may_be_due():
            step = int(run_context.session.run(self._global_step))
            stop = (self._trigger.is_due(step) and self._save_at(run_context.session, step)) or stop
        if stop:
            run_context.request_stop()

    def end(self, session: tf.compat.v1.Session) -> None:
        """Save the last step unless it is saved, and let the listeners end. Not called after an error."""
        last_step = int(session.run(self._global_step))
        # Waited for first, so that the last state is not the one to be skipped for it.
        self._saves.finish()
        if last_step != self._trigger.last_step:
            self._save_at(session, last_step)
            self._saves.finish()
        for one in (*self._bus.companions, *self._saving_listeners):
            one.end(session, last_step)
        self._bus.leave("model")

    def _tell_of_start(self, step: int) -> None:
        self._bus.publish(
            CheckpointingStarted(
                kind="model",
                checkpoint_dir=self._directory,
                step=step,
                interval_seconds=self._interval.seconds,
                interval_steps=self._interval.steps,
            )
        )
        # A session that starts at 0 restored nothing, whatever lies in the directory.
        prefix = self._store.prefix_on_disk(step) if step else None
        if prefix is not None:
            self._bus.publish(
                CheckpointRestored(kind="model", step=step, model_step=step, prefix=prefix, duration_seconds=None)
            )

    def _save_at(self, session: tf.compat.v1.Session, step: int) -> bool:
        """Save the model and those beside it; tell whether somebody wants training to stop."""
        decided_seconds = self._clock.monotonic()

        def before() -> None:
            for listener in self._saving_listeners:
                listener.before_save(session, step)

        def after() -> bool:
            stops = [listener.after_save(session, step) for listener in self._saving_listeners]
            return any(stops)

        stop = self._saves.save(session, step, Listeners(before=before, after=after))
        self._trigger.saved(step, decided_seconds)
        return stop

    def _offer_saver(self) -> None:
        """Give the graph a saver of ours where it has none; the session's scaffold builds it, behind all hooks."""
        savers = tf.compat.v1.get_collection_ref(tf.compat.v1.GraphKeys.SAVERS)
        if self._given_saver is None and self._given_scaffold is None and not savers:
            savers.append(ParallelSaver(staged=self._asynchronous, defer_build=True, allow_empty=True))

    def _graph_saver(self) -> Any:
        """Return the saver of this session's graph; TensorFlow's hook keeps the first graph's for good."""
        if self._given_saver is not None:
            return self._given_saver
        if self._given_scaffold is not None:
            return self._given_scaffold.saver
        savers = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.SAVERS)
        if len(savers) != 1:
            raise StateError(
                f"expected one saver in the graph's SAVERS collection, found {len(savers)}; pass saver= or scaffold= "
                "to CheckpointSaverHook"
            )
        if savers[0].saver_def is None:
            raise StateError(
                "nobody built the graph's saver, because the session's Scaffold has one of its own or there is no "
                "Scaffold; pass saver= or scaffold= to CheckpointSaverHook"
            )
        return savers[0]
