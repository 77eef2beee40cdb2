"""Those that save something beside the model, at the model's steps, and whom they accompany."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from observed_hooks.events import Event, Kind, RunStarted

if TYPE_CHECKING:
    import tensorflow as tf


class Companion(Protocol):
    """Saves something beside the model. Called on the training thread.

    A save of its own that fails is its own affair: the model's save goes on.
    """

    def before_save(self, session: tf.compat.v1.Session, global_step_value: int) -> None:
        """Save now: the model's save follows."""
        ...

    def after_save(self, session: tf.compat.v1.Session, global_step_value: int, *, succeeded: bool) -> bool:
        """Learn that the model's checkpoint is complete, or was not made; return True to stop training."""
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

    def leave(self, kind: Kind) -> None:
        """Say that saves of `kind` have ended as they should."""
        ...
