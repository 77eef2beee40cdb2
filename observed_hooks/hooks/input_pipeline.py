"""`CheckpointInputPipelineHook`: the position of the input pipeline, saved beside the model and restored by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.clock import Clock, SystemClock
from observed_hooks.companion import PendingSave
from observed_hooks.errors import ConfigurationError
from observed_hooks.events import CheckpointingStarted
from observed_hooks.hooks.heard import without_bus_listeners
from observed_hooks.hooks.target import target_of
from observed_hooks.pipeline.probe import BufferProbe
from observed_hooks.saving.choices import (
    ON_OVERSIZE,
    ON_STEP_MISMATCH,
    ON_UNSERIALIZABLE,
    choose,
)
from observed_hooks.saving.choices import external_state_policy as choose_external_state_policy
from observed_hooks.saving.cleaning import remove_older
from observed_hooks.saving.directory import require_writable
from observed_hooks.saving.following import ModelWatch
from observed_hooks.saving.input_checkpoints import InputCheckpoints, iterator_saver, state_file_of
from observed_hooks.saving.input_writer import InputWriter, PendingInput, Tolerance
from observed_hooks.saving.reach import reach_of
from observed_hooks.saving.resume import Resume
from observed_hooks.saving.shuffles import ShuffleRecord, sizes_of_graph
from observed_hooks.saving.triggers import SaveTrigger
from observed_hooks.session import global_step_of_graph, run_started


class CheckpointInputPipelineHook(tf.compat.v1.train.SessionRunHook):
    """Saves the iterators in the "iterators" collection, and restores them to the model's step.

    What `tf.data.experimental.CheckpointInputPipelineHook` was up to TensorFlow 2.15, with or without an Estimator. Its
    checkpoints restore here, and the other way round.

    On a bus with a model hook (`CheckpointSaverHook` of this package, or any hook with `bus.listener("model")`), it
    saves at exactly the steps at which the model is saved, and first. Alone it saves by its own schedule; with an
    Estimator's, whenever the Estimator's own hook has saved the model.

    A save that fails is reported and logged, and training goes on: the model's checkpoint does not depend on it. A
    pipeline that can never be saved is an error at the first save.

    All methods are called by the session, on the training thread.
    """

    def __init__(
        self,
        estimator: Any | None = None,
        external_state_policy: Any | None = None,
        *,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any | None = None,
        scaffold: tf.compat.v1.train.Scaffold | None = None,
        listeners: Sequence[tf.compat.v1.train.CheckpointSaverListener] | None = None,
        bus: CheckpointBus | None = None,
        on_step_mismatch: str = "nearest",
        on_unserializable: str = "raise",
        max_input_checkpoint_bytes: int | None = None,
        on_oversize: str = "warn",
        sample_buffers_secs: float | None = 10.0,
        clock: Clock | None = None,
    ) -> None:
        """Check the arguments; nothing is touched on disk yet.

        Args:
            estimator: an Estimator, or anything with `model_dir` and `config`, to take directory and schedule from.
            external_state_policy: what to do with state that cannot be saved, such as a random op's: `fail`, the
                default, `warn` or `ignore`; or a `tf.data.experimental.ExternalStatePolicy`.
            checkpoint_dir: where to save, when there is no Estimator.
            save_secs: save every so many seconds.
            save_steps: save every so many steps. With a bus both may be left out: the model hook on it decides.
            saver: saves the iterators, and keeps what it likes; one is made when not given.
            scaffold: where to find such a saver.
            listeners: called around each save of the input pipeline; they may raise, and stop training.
            bus: where saves are reported, and where the model's hook is met.
            on_step_mismatch: when there is no input checkpoint of the model's step: `nearest` takes the newest one
                before it, `fail` raises, `restart` begins the pipeline afresh.
            on_unserializable: when the pipeline can never be saved: `raise` an error at the first save, or `disable`
                this hook and train on with one warning, each save counted as skipped.
            max_input_checkpoint_bytes: what an input checkpoint may weigh on disk; None for any weight.
            on_oversize: when one weighs more: `warn` once and keep it, `skip` it, which removes it again, or `raise`.
            sample_buffers_secs: how often the buffers of the pipeline are sampled for the bus, beside once after each
                save; the sample rides along with a step. None switches it off.
            clock: the clocks to use.

        Raises:
            ConfigurationError: arguments that are wrong, or exclude each other.
            CheckpointDirectoryError: the directory is a file.
            BusClosedError: the bus is closed.
        """
        if saver is not None and scaffold is not None:
            raise ConfigurationError("got both saver and scaffold; give one of them, or neither")
        self._external_state_policy = choose_external_state_policy(external_state_policy)
        self._target = target_of(estimator, checkpoint_dir, save_secs, save_steps, follows_bus=bus is not None)
        self._on_step_mismatch = choose("on_step_mismatch", on_step_mismatch, ON_STEP_MISMATCH)
        self._tolerance = Tolerance(
            on_unserializable=choose("on_unserializable", on_unserializable, ON_UNSERIALIZABLE),
            max_bytes=max_input_checkpoint_bytes,
            on_oversize=choose("on_oversize", on_oversize, ON_OVERSIZE),
        )
        self._bus = bus or CheckpointBus()
        self._bus.require_open()
        self._clock = clock or SystemClock()
        self._given_saver = saver
        self._scaffold = scaffold
        self._saving_listeners = without_bus_listeners(listeners, self._bus)
        self._probe = _probe(sample_buffers_secs, self._clock) if bus is not None else None
        self._session: tf.compat.v1.Session | None = None
        """The session in which the iterators have been brought to the model's step."""
        self._trigger: SaveTrigger | None = None

    def begin(self) -> None:
        """Add the ops that save the iterators, join the bus, and let the listeners begin."""
        self._bus.require_open()
        require_writable(self._target.directory)
        self._global_step = global_step_of_graph(self)
        self._own_saver = iterator_saver(self._external_state_policy) if self._makes_its_saver else None
        self._shuffle_sizes = sizes_of_graph()
        if self._probe:
            self._probe.begin()
        self._session = None
        self._bus.join("input_pipeline", self._target.directory, tf.compat.v1.get_default_graph(), run_started())
        self._bus.accompany(self._target.basename, _AtModelSteps(self._begin_beside_model, self._end_beside_model))
        removed = remove_older(
            "input_pipeline", self._target.directory, self._target.basename, state_file_of(self._target.basename)
        )
        if removed:
            self._bus.publish(removed)
        for listener in self._saving_listeners:
            listener.begin()

    def before_run(self, run_context: tf.compat.v1.train.SessionRunContext) -> tf.compat.v1.train.SessionRunArgs | None:
        """Restore at the first step of a session, when all iterators are sure to be initialised.

        Where a sample of the buffers is due, have it fetched along with the step.
        """
        if run_context.session is not self._session:
            self._settle(run_context.session)
        if self._trigger:
            self._model.look_again()
        buffers = self._probe.fetches() if self._probe else []
        return tf.compat.v1.train.SessionRunArgs([self._global_step, buffers]) if buffers else None

    def after_run(
        self,
        run_context: tf.compat.v1.train.SessionRunContext,
        run_values: tf.compat.v1.train.SessionRunValues,
    ) -> None:
        """Save when it is due and no model hook decides; ask the session to stop when a listener says so."""
        if self._probe and run_values.results:
            step, buffers = run_values.results
            self._bus.publish_later(self._probe.take(int(step), buffers))
        if self._trigger and self._is_due(self._trigger, run_context.session):
            step = int(run_context.session.run(self._global_step))
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: tf.compat.v1.Session) -> None:
        """Save the last step unless it is saved, and let the listeners end. Not called after an error.

        Beside a model hook its end is waited for, which may save once more.
        """
        if self._trigger is None and session is self._session:
            return
        last_step = int(session.run(self._global_step))
        if self._trigger and session is self._session and last_step != self._trigger.last_step:
            self._save(session, last_step)
        self._end(session, last_step)

    def _end(self, session: tf.compat.v1.Session, last_step: int) -> None:
        for listener in self._saving_listeners:
            listener.end(session, last_step)
        self._bus.leave("input_pipeline")

    def _is_due(self, trigger: SaveTrigger, session: tf.compat.v1.Session) -> bool:
        """Tell whether to save now: with an Estimator's model, where it is seen to be saved, else by the schedule."""
        if self._target.shared and self._model.saved():
            return True
        if self._model.ever_saved or not trigger.may_be_due():
            return False
        return trigger.is_due(int(session.run(self._global_step)))

    @property
    def _makes_its_saver(self) -> bool:
        return self._given_saver is None and self._scaffold is None

    def _settle(self, session: tf.compat.v1.Session) -> None:
        """Bring the pipeline to the model's step, and make sure that this step has an input checkpoint."""
        step = int(session.run(self._global_step))
        store = self._make_store()
        self._writer = InputWriter(store, self._tolerance, clock=self._clock, publish=self._bus.publish)
        self._trigger = self._make_trigger(session)
        self._publish_start(step)
        restored_step = Resume(store, self._on_step_mismatch, self._bus.publish, self._clock).restore(session, step)
        self._session = session
        if restored_step != step:
            self._save(session, step)
        elif self._trigger:
            self._trigger.saved(step, self._clock.monotonic())
        if self._probe:
            self._bus.publish_later(self._probe.settle(session, step))

    def _make_store(self) -> InputCheckpoints:
        given = self._scaffold.saver if self._scaffold else self._given_saver
        return InputCheckpoints(
            self._target.directory,
            self._target.basename,
            given if given is not None else self._own_saver,
            limit=self._target.limit,
            saver_keeps=not self._makes_its_saver,
            shuffles=ShuffleRecord(self._target.directory, self._target.basename, self._shuffle_sizes),
        )

    def _make_trigger(self, session: tf.compat.v1.Session) -> SaveTrigger | None:
        """Return this hook's own schedule; None when a model hook on the bus decides."""
        if self._bus.has_joined("model"):
            return None
        if self._target.interval is None:
            raise ConfigurationError(
                "expected a model hook on the bus to decide when to save, and found none; add a CheckpointSaverHook "
                "or bus.listener('model') on the same bus, or pass save_steps or save_secs"
            )
        trigger = SaveTrigger(self._target.interval, self._clock)
        trigger.begin_session(reach_of(session, self._global_step))
        self._model = ModelWatch(session.graph)
        return trigger

    def _publish_start(self, step: int) -> None:
        interval = self._target.interval if self._trigger else None
        self._bus.publish(
            CheckpointingStarted(
                kind="input_pipeline",
                checkpoint_dir=self._target.directory,
                step=step,
                interval_seconds=interval.seconds if interval else None,
                interval_steps=interval.steps if interval else None,
            )
        )

    def _save(self, session: tf.compat.v1.Session, step: int) -> bool:
        """Save by this hook's own decision; tell whether a listener wants training to stop."""
        decided_seconds = self._clock.monotonic()
        pending = self._begin_save(session, step)
        if pending is None:
            return False
        pending.write(background=False)
        pending.tidy()
        if self._trigger and pending.succeeded:
            self._trigger.saved(step, decided_seconds)
        return pending.finish()

    def _begin_save(self, session: tf.compat.v1.Session, step: int) -> PendingInput | None:
        for listener in self._saving_listeners:
            listener.before_save(session, step)

        def on_complete() -> bool:
            stops = [listener.after_save(session, step) for listener in self._saving_listeners]
            return any(stops)

        if self._probe:
            self._probe.request()
        return self._writer.begin(session, step, on_complete)

    def _begin_beside_model(self, session: tf.compat.v1.Session, step: int) -> PendingInput | None:
        return self._begin_save(session, step) if session is self._session else None

    def _end_beside_model(self, session: tf.compat.v1.Session, last_step: int) -> None:
        if session is self._session:
            self._end(session, last_step)


def _probe(every_seconds: float | None, clock: Clock) -> BufferProbe | None:
    if every_seconds is not None and not every_seconds > 0:
        raise ConfigurationError(
            f"expected sample_buffers_secs to be positive, or None for no samples; got {every_seconds}"
        )
    return None if every_seconds is None else BufferProbe(every_seconds, clock)


class _AtModelSteps:
    """The hook as a companion of the model's saves.

    At the start of a session the model hook saves the step it has just restored, before the iterators can be restored:
    saving them then would overwrite the good state of that step. So `begin` begins nothing before the hook has settled
    in this very session.
    """

    def __init__(
        self,
        begin: Callable[[tf.compat.v1.Session, int], PendingInput | None],
        end: Callable[[tf.compat.v1.Session, int], None],
    ) -> None:
        self._begin = begin
        self._end = end

    def begin_save(self, session: tf.compat.v1.Session, global_step_value: int) -> PendingSave | None:
        """Take the input pipeline's state at the model's step."""
        return self._begin(session, global_step_value)

    def end(self, session: tf.compat.v1.Session, global_step_value: int) -> None:
        """Let the hook's listeners end behind the model's last save."""
        self._end(session, global_step_value)
