"""Saving the input pipeline so that a failure costs nothing but the checkpoint: what is raised, and what only told.

A pipeline that can never be saved and a checkpoint beyond its limit are the user's to decide about. Everything else
that goes wrong in a save is reported, and training goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from observed_hooks.clock import Clock
from observed_hooks.errors import InputTooLargeError, UnserializableError, one_line
from observed_hooks.events import Event, SaveCompleted, SaveSkipped
from observed_hooks.saving.choices import OnOversize, OnUnserializable
from observed_hooks.saving.input_checkpoints import InputCheckpoints, unserializable
from observed_hooks.saving.parallel import StagedCopy
from observed_hooks.saving.timing import Attempt
from observed_hooks.session import SESSION_LOST

log = tf.compat.v1.logging

SURVIVABLE = (tf.errors.OpError, OSError, ValueError)
"""What may go wrong in a save of the input pipeline without training taking notice, a lost session excepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What to do when an input checkpoint cannot, or should not, be made."""

    on_unserializable: OnUnserializable = "raise"
    max_bytes: int | None = None
    on_oversize: OnOversize = "warn"


class InputWriter:
    """Begins the saves of one session's iterators. Used by the training thread only."""

    def __init__(
        self, store: InputCheckpoints, tolerance: Tolerance, *, clock: Clock, publish: Callable[[Event], None]
    ) -> None:
        self._store = store
        self._tolerance = tolerance
        self._clock = clock
        self._publish = publish
        self._limit = SizeLimit(store, tolerance, publish)
        self._disabled_because: str | None = None

    def begin(self, session: tf.compat.v1.Session, step: int, on_complete: Callable[[], bool]) -> PendingInput | None:
        """Take the iterators' state as it is at `step`; None when training goes on without this save.

        Args:
            session: the session in which the iterators are.
            step: the global step.
            on_complete: called on the training thread once the checkpoint is there; True stops training.

        Raises:
            UnserializableError: the pipeline can never be saved, and `on_unserializable` is `raise`.
        """
        if self._disabled_because is not None:
            self._skip(step, self._disabled_because)
            return None
        attempt = Attempt("input_pipeline", step, clock=self._clock, publish=self._publish)
        pending = PendingInput(self._store, self._limit, session, step, attempt, on_complete, self._publish)
        try:
            pending.stage()
        except SESSION_LOST:
            raise
        except SURVIVABLE as error:
            self._take(error, step)
            return None
        return pending

    def _take(self, error: Exception, step: int) -> None:
        """Decide what a failure means; return when training goes on."""
        refusal = unserializable(error)
        if refusal is None:
            tell_of_failure(self._store, step, error, self._publish)
        elif self._tolerance.on_unserializable == "raise":
            raise UnserializableError(f"{refusal}; {_remedy(error)}") from error
        else:
            self._disabled_because = refusal
            log.warning("%s: training goes on without input checkpoints.", refusal[0].upper() + refusal[1:])
            self._skip(step, refusal)

    def _skip(self, step: int, reason: str) -> None:
        self._publish(SaveSkipped(kind="input_pipeline", step=step, reason=reason))


def _remedy(error: Exception) -> str:
    disable = "on_unserializable='disable' to train without input checkpoints"
    if isinstance(error, tf.errors.UnimplementedError):  # no policy makes a dataset able to be saved
        return f"use a dataset that supports it (MirroredStrategy's iterators do not), or pass {disable}"
    return f"pass external_state_policy='warn' or 'ignore' if that state may be lost, or {disable}"


class PendingInput:
    """One save of the input pipeline, from its copy to its end: `stage`, `write`, `tidy`, `finish`, in this order."""

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place only
        self,
        store: InputCheckpoints,
        limit: SizeLimit,
        session: tf.compat.v1.Session,
        step: int,
        attempt: Attempt,
        on_complete: Callable[[], bool],
        publish: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._limit = limit
        self._session = session
        self._step = step
        self._attempt = attempt
        self._on_complete = on_complete
        self._publish = publish
        self._copy: StagedCopy | None = None
        self._prefix: str | None = None
        self._saved: SaveCompleted | None = None
        self._objection: Exception | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the checkpoint is on disk, and may stay."""
        return self._saved is not None

    def stage(self) -> None:
        """Copy the state, on the training thread; write it at once where the user's saver cannot copy."""
        if self._store.stages:
            with self._attempt.staging():
                self._copy = self._store.stage(self._session)
        else:
            with self._attempt.writing(background=False):
                self._prefix = self._store.save(self._session, self._step, None)

    def write(self, *, background: bool) -> None:
        """Write the copy. A failure is told of, and nothing more."""
        try:
            if self._prefix is None:
                with self._attempt.writing(background=background):
                    self._prefix = self._store.save(self._session, self._step, self._copy)
        except SESSION_LOST as error:
            self._objection = error
        except SURVIVABLE as error:
            tell_of_failure(self._store, self._step, error, self._publish)
        else:
            self._weigh(self._attempt.completed(self._prefix))

    def abandon(self) -> None:
        """Give the copy up: the model's save was never begun."""
        if self._copy is not None:
            self._copy.discard()

    def tidy(self) -> None:
        """Remove what may go, now that the model's save has ended, and publish this one."""
        if self._saved is None:
            return
        try:
            self._store.tidy(self._step)
        except SURVIVABLE as error:
            log.warning("Old input checkpoints beside %s could not be removed: %s", self._prefix, one_line(error))
        self._publish(self._saved)

    def finish(self) -> bool:
        """Tell the listeners, on the training thread; True asks training to stop.

        Raises:
            InputTooLargeError: the checkpoint was beyond its limit, and `on_oversize` is `raise`.
            tf.errors.OpError: the session is lost.
        """
        if self._objection is not None:
            raise self._objection
        return self._saved is not None and self._on_complete()

    def _weigh(self, saved: SaveCompleted) -> None:
        try:
            if self._limit.permits(saved):
                self._saved = saved
        except InputTooLargeError as error:
            self._objection = error


class SizeLimit:
    """What an input checkpoint may weigh, and what becomes of one that weighs more."""

    def __init__(self, store: InputCheckpoints, tolerance: Tolerance, publish: Callable[[Event], None]) -> None:
        self._store = store
        self._tolerance = tolerance
        self._publish = publish
        self._warned = False

    def permits(self, saved: SaveCompleted) -> bool:
        """Tell whether the checkpoint may stay; otherwise remove it.

        Raises:
            InputTooLargeError: it may not, and `on_oversize` is `raise`.
        """
        limit = self._tolerance.max_bytes
        size = self._store.size_bytes(saved.step) if limit is not None else None
        if limit is None or size is None or size <= limit:
            return True
        excess = f"the input checkpoint {saved.prefix} has {size} bytes, more than max_input_checkpoint_bytes={limit}"
        remedy = "`observed-hooks inspect` tells which buffer makes it so large"
        if self._tolerance.on_oversize == "warn":
            self._warn(f"{excess}; {remedy}")
            return True
        self._store.remove(saved.step)
        self._publish(SaveSkipped(kind="input_pipeline", step=saved.step, reason=excess))
        if self._tolerance.on_oversize == "raise":
            raise InputTooLargeError(f"{excess}; {remedy}, or pass on_oversize='warn' or 'skip'")
        self._warn(f"{excess} and was removed; {remedy}")
        return False

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            log.warning("%s.", text[0].upper() + text[1:])


def tell_of_failure(store: InputCheckpoints, step: int, error: Exception, publish: Callable[[Event], None]) -> None:
    """Remove what a failed save has left half-written, and say that training goes on."""
    removed = store.clean(step)
    if removed is not None:
        publish(removed)
    log.warning("The input pipeline could not be saved at step %d; training goes on without. %s", step, one_line(error))
