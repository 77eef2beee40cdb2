"""A save of the model and of those beside it: first theirs, then the model's, either before training goes on or while.

Order: companions are complete before the model is begun, so a model checkpoint that exists has its partners.
Threads: everything that takes a copy, and everything that a listener is told, happens on the training thread. In the
background only files are written, by one thread, one save at a time.
Failure: an error in writing the model goes to the user: at once, or, in the background, at the next save or at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

import tensorflow as tf

from observed_hooks.clock import Clock
from observed_hooks.companion import MeetingPlace, PendingSave, abandon_saves, begin_saves, finish_saves
from observed_hooks.errors import SaveError, one_line
from observed_hooks.events import KINDS, SaveSkipped
from observed_hooks.saving.background import BackgroundSave
from observed_hooks.saving.model_checkpoints import ModelCheckpoints
from observed_hooks.saving.parallel import StagedCopy
from observed_hooks.saving.timing import Attempt
from observed_hooks.session import ENDS_IN_SILENCE

log = tf.compat.v1.logging

WhenBusy: TypeAlias = Literal["wait", "skip"]
WHEN_BUSY: tuple[WhenBusy, ...] = get_args(WhenBusy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """How the user's listeners are told of one save, on the training thread."""

    before: Callable[[], None]
    """Called before any state is taken."""
    after: Callable[[], bool]
    """Called once all files are complete; True asks training to stop."""


class Saves(Protocol):
    """How a hook saves. All calls come on the training thread; True asks training to stop."""

    def save(self, session: tf.compat.v1.Session, step: int, listeners: Listeners) -> bool:
        """Save the state of `step`, or begin to; the listeners learn of it."""
        ...

    def poll(self) -> bool:
        """Tell the listeners of a save that has completed meanwhile; called after every step."""
        ...

    def finish(self) -> bool:
        """Wait for the save under way."""
        ...

    def abandon(self) -> None:
        """Wait for a save whose session is gone, and forget its error."""
        ...


class ImmediateSaves:
    """Training waits until the files are complete."""

    def __init__(self, store: ModelCheckpoints, bus: MeetingPlace, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock

    def save(self, session: tf.compat.v1.Session, step: int, listeners: Listeners) -> bool:
        """Save now. Raises what the saver raises."""
        listeners.before()
        job = _Job(
            store=self._store,
            bus=self._bus,
            session=session,
            step=step,
            pending=begin_saves(self._bus.companions, session, step),
            copy=None,
            attempt=Attempt("model", step, clock=self._clock, publish=self._bus.publish),
            listeners=listeners,
        )
        try:
            job.write(background=False)
        except ENDS_IN_SILENCE as error:
            raise save_error(step, error) from error
        return job.land()

    def poll(self) -> bool:
        """Nothing is ever under way."""
        return False

    finish = poll

    def abandon(self) -> None:
        """Nothing is ever under way."""


class BackgroundSaves:
    """Training waits only while a copy is taken; the files are written by a thread."""

    def __init__(self, store: ModelCheckpoints, bus: MeetingPlace, clock: Clock, when_busy: WhenBusy) -> None:
        """Wait, or skip the new save, when the last one is still being written."""
        self._store = store
        self._bus = bus
        self._clock = clock
        self._when_busy = when_busy
        self._under_way: BackgroundSave | None = None
        self._land: Callable[[], bool] = lambda: False

    def save(self, session: tf.compat.v1.Session, step: int, listeners: Listeners) -> bool:
        """Copy the state of `step` and begin to write it.

        Raises:
            SaveError: the last save failed.
        """
        if self._must_skip(step):
            return False
        attempt = Attempt("model", step, clock=self._clock, publish=self._bus.publish)
        with attempt.staging():
            self._wait()
        stop = self._landed()
        listeners.before()
        pending = begin_saves(self._bus.companions, session, step)
        try:
            with attempt.staging():
                copy = self._store.stage(session)
        except BaseException:
            abandon_saves(pending)
            raise
        job = _Job(
            store=self._store,
            bus=self._bus,
            session=session,
            step=step,
            pending=pending,
            copy=copy,
            attempt=attempt,
            listeners=listeners,
        )
        self._land = job.land
        self._under_way = BackgroundSave(lambda: job.write(background=True), step)
        return stop

    def poll(self) -> bool:
        """Tell the listeners of a save that has completed. An error waits for the next save."""
        under_way = self._under_way
        return under_way is not None and under_way.done and under_way.error is None and self._landed()

    def finish(self) -> bool:
        """Wait for the save under way.

        Raises:
            SaveError: it failed.
        """
        self._wait()
        return self._landed()

    def abandon(self) -> None:
        """Wait for a save whose session is gone: it was counted, and the restored session saves anew."""
        self._wait()
        self._under_way = None

    def _must_skip(self, step: int) -> bool:
        under_way = self._under_way
        if self._when_busy == "wait" or under_way is None or under_way.done:
            return False
        reason = f"the save of step {under_way.step} is still being written"
        log.warning("The save of step %d is skipped: %s.", step, reason)
        for kind in KINDS:
            if self._bus.has_joined(kind):
                self._bus.publish(SaveSkipped(kind=kind, step=step, reason=reason))
        return True

    def _wait(self) -> None:
        if self._under_way is not None:
            self._under_way.wait()

    def _landed(self) -> bool:
        """Take a save that has ended off the list: raise its error, or tell the listeners."""
        ended, self._under_way = self._under_way, None
        if ended is None:
            return False
        if ended.error is not None:
            raise save_error(ended.step, ended.error) from ended.error
        return self._land()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One save of the model and of those beside it, begun and not yet written."""

    store: ModelCheckpoints
    bus: MeetingPlace
    session: tf.compat.v1.Session
    step: int
    pending: tuple[PendingSave, ...]
    copy: StagedCopy | None
    attempt: Attempt
    listeners: Listeners

    def write(self, *, background: bool) -> None:
        """Write what is pending beside the model, then the model; tidy up, whatever the end; publish.

        A model's save that fails leaves nothing half-written, and its error goes on.
        """
        for save in self.pending:
            save.write(background=background)
        try:
            with self.session.graph.as_default(), self.attempt.writing(background=background):
                prefix = self.store.write(self.session, self.step, self.copy)
        except BaseException:
            self.store.clean(self.step)
            raise
        finally:
            for save in self.pending:
                save.tidy()
        self.bus.publish(self.attempt.completed(prefix))

    def land(self) -> bool:
        """Tell those who listen that all is on disk; True asks training to stop."""
        stops = [finish_saves(self.pending), self.listeners.after()]
        return any(stops)


def save_error(step: int, error: BaseException) -> SaveError:
    """Return the error for the user, of a type that no session takes for the end of the data."""
    return SaveError(f"the checkpoint of step {step} could not be written: {one_line(error)}")
