"""Those that save something beside the model, at the model's steps, and whom they accompany."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from observed_hooks.events import Event, Kind, RunStarted

if TYPE_CHECKING:
    import tensorflow as tf


class PendingSave(Protocol):
    """A companion's save, decided and copied where it can be, not yet written."""

    def write(self, *, background: bool) -> None:
        """Write it, before the model is written. Called on the training thread, or with `background` on another.

        A save that fails is the companion's own affair: it does not raise, and the model's save goes on.
        """
        ...

    def abandon(self) -> None:
        """Give it up: the model's save will not be begun. Instead of `write`; on the training thread."""
        ...

    def tidy(self) -> None:
        """Learn that the model's save has ended, well or not. On the thread that wrote; does not raise."""
        ...

    def finish(self) -> bool:
        """Learn that the pair is on disk; return True to stop training. On the training thread; may raise."""
        ...


class Companion(Protocol):
    """Saves something beside the model."""

    def begin_save(self, session: tf.compat.v1.Session, global_step_value: int) -> PendingSave | None:
        """Take what is to be saved as it is at this step; None when there is nothing. On the training thread."""
        ...

    def end(self, session: tf.compat.v1.Session, global_step_value: int) -> None:
        """Learn that the model was saved for the last time, and training ended as it should."""
        ...


class MeetingPlace(Protocol):
    """What a hook or listener that saves needs of the bus."""

    @property
    def companions(self) -> tuple[Companion, ...]:
        """Those to call around a save of the model."""
        ...

    def publish(self, event: Event) -> None:
        """Hand on an event."""
        ...

    def join(self, kind: Kind, checkpoint_dir: str | None, scope: object, start: RunStarted) -> None:
        """Say that saves of `kind` will be published."""
        ...

    def has_joined(self, kind: Kind) -> bool:
        """Tell whether saves of `kind` are published now."""
        ...

    def leave(self, kind: Kind) -> None:
        """Say that saves of `kind` have ended as they should."""
        ...


def begin_saves(
    companions: tuple[Companion, ...], session: tf.compat.v1.Session, global_step_value: int
) -> tuple[PendingSave, ...]:
    """Let every companion begin; return the saves that are now pending. When one raises, the others are given up."""
    pending: list[PendingSave] = []
    try:
        for companion in companions:
            save = companion.begin_save(session, global_step_value)
            if save is not None:
                pending.append(save)
    except BaseException:
        abandon_saves(pending)
        raise
    return tuple(pending)


def abandon_saves(pending: Iterable[PendingSave]) -> None:
    """Give every pending save up."""
    for save in pending:
        save.abandon()


def finish_saves(pending: tuple[PendingSave, ...]) -> bool:
    """Finish every pending save; tell whether one of them wants training to stop."""
    stops = [save.finish() for save in pending]
    return any(stops)
