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
from observed_hooks.saving.timing import timed_save
from observed_hooks.session import SESSION_LOST

log = tf.compat.v1.logging


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What to do when an input checkpoint cannot, or should not, be made."""

    on_unserializable: OnUnserializable = "raise"
    max_bytes: int | None = None
    on_oversize: OnOversize = "warn"


class InputWriter:
    """Writes input checkpoints. Used by the training thread only."""

    def __init__(
        self, store: InputCheckpoints, tolerance: Tolerance, *, clock: Clock, publish: Callable[[Event], None]
    ) -> None:
        self._store = store
        self._tolerance = tolerance
        self._clock = clock
        self._publish = publish
        self._disabled_because: str | None = None
        self._warned_of_size = False

    def write(self, session: tf.compat.v1.Session, step: int) -> SaveCompleted | None:
        """Write the checkpoint of `step`; return it, or None when training goes on without.

        Raises:
            UnserializableError: the pipeline can never be saved, and `on_unserializable` is `raise`.
            InputTooLargeError: the checkpoint is beyond `max_bytes`, and `on_oversize` is `raise`.
        """
        if self._disabled_because is not None:
            self._publish(SaveSkipped(kind="input_pipeline", step=step, reason=self._disabled_because))
            return None
        try:
            saved = timed_save(
                "input_pipeline",
                step,
                lambda: self._store.save(session, step),
                clock=self._clock,
                publish=self._publish,
            )
        except SESSION_LOST:
            raise
        except (tf.errors.OpError, OSError, ValueError) as error:
            self._take(error, step)
            return None
        return saved if self._may_stay(saved) else None

    def finish(self, saved: SaveCompleted) -> None:
        """Remove what may go, now that the model's checkpoint is made, and publish the save."""
        try:
            self._store.tidy(saved.step)
        except (tf.errors.OpError, OSError) as error:
            log.warning("Old input checkpoints beside %s could not be removed: %s", saved.prefix, one_line(error))
        self._publish(saved)

    def _take(self, error: Exception, step: int) -> None:
        """Decide what a failed save means; return when training goes on."""
        refusal = unserializable(error)
        if refusal is None:
            removed = self._store.clean(step)
            if removed:
                self._publish(removed)
            log.warning(
                "The input pipeline could not be saved at step %d; training goes on without. %s", step, one_line(error)
            )
            return
        if self._tolerance.on_unserializable == "raise":
            raise UnserializableError(
                f"{refusal}; pass external_state_policy='warn' or 'ignore' if that state may be lost, or "
                "on_unserializable='disable' to train without input checkpoints"
            ) from error
        self._disabled_because = refusal
        log.warning("%s: training goes on without input checkpoints.", refusal[0].upper() + refusal[1:])
        self._publish(SaveSkipped(kind="input_pipeline", step=step, reason=refusal))

    def _may_stay(self, saved: SaveCompleted) -> bool:
        limit = self._tolerance.max_bytes
        size = self._store.size_bytes(saved.step) if limit is not None else None
        if limit is None or size is None or size <= limit:
            return True
        excess = f"the input checkpoint {saved.prefix} has {size} bytes, more than max_input_checkpoint_bytes={limit}"
        remedy = "`observed-hooks inspect` tells which buffer makes it so large"
        if self._tolerance.on_oversize == "warn":
            self._warn_of_size(f"{excess}; {remedy}")
            return True
        self._store.remove(saved.step)
        self._publish(SaveSkipped(kind="input_pipeline", step=saved.step, reason=excess))
        if self._tolerance.on_oversize == "raise":
            raise InputTooLargeError(f"{excess}; {remedy}, or pass on_oversize='warn' or 'skip'")
        self._warn_of_size(f"{excess} and was removed; {remedy}")
        return False

    def _warn_of_size(self, text: str) -> None:
        if not self._warned_of_size:
            self._warned_of_size = True
            log.warning("%s.", text[0].upper() + text[1:])
