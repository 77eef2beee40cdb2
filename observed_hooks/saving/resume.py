"""Bringing the input pipeline to the position that belongs to the model: the rule of `restore`, carried out."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from observed_hooks.clock import Clock
from observed_hooks.errors import RestoreError, one_line
from observed_hooks.events import CheckpointRestored, Event, InputRestarted, RestoreFailed
from observed_hooks.saving.choices import OnStepMismatch
from observed_hooks.saving.input_checkpoints import InputCheckpoints
from observed_hooks.saving.restore import candidates
from observed_hooks.session import SESSION_LOST

log = tf.compat.v1.logging


class Resume:
    """Restores from one directory by one policy, and publishes what became of it."""

    def __init__(
        self, store: InputCheckpoints, policy: OnStepMismatch, publish: Callable[[Event], None], clock: Clock
    ) -> None:
        self._store = store
        self._policy = policy
        self._publish = publish
        self._clock = clock

    def restore(self, session: tf.compat.v1.Session, model_step: int) -> int | None:
        """Restore the best checkpoint for a model at `model_step`; return its step, None for a fresh pipeline.

        A checkpoint that cannot be read is reported, and the next older one is tried.

        Raises:
            RestoreError: there is none, and the policy is `fail`.
        """
        damaged = False
        for step in candidates(self._store.steps(), model_step, self._policy):
            if self._restored(session, step, model_step):
                return step
            damaged = True
        if damaged:
            self._store.reinitialize(session)
        if model_step > 0:
            self._begin_afresh(model_step, damaged=damaged)
        return None

    def _restored(self, session: tf.compat.v1.Session, step: int, model_step: int) -> bool:
        prefix, start = self._store.prefix(step), self._clock.monotonic()
        try:
            self._store.restore(session, step)
        except SESSION_LOST:
            raise
        except (tf.errors.OpError, ValueError, RestoreError) as error:
            log.warning("The input checkpoint %s cannot be restored: %s", prefix, one_line(error))
            self._publish(
                RestoreFailed(kind="input_pipeline", model_step=model_step, prefix=prefix, error=one_line(error))
            )
            return False
        seconds = self._clock.monotonic() - start
        self._publish(
            CheckpointRestored(
                kind="input_pipeline",
                step=step,
                model_step=model_step,
                prefix=prefix,
                duration_seconds=seconds,
            )
        )
        if step != model_step:
            log.warning(
                "The model continues at step %d, and the newest usable input checkpoint before it is %s, of step %d: "
                "the examples of %d steps will be seen a second time.",
                model_step,
                prefix,
                step,
                model_step - step,
            )
        return True

    def _begin_afresh(self, model_step: int, *, damaged: bool) -> None:
        found = (
            "the input checkpoints that belong to it cannot be restored"
            if damaged
            else "no input checkpoint belongs to it"
        )
        situation = f"the model continues at step {model_step} and {found} ({self._store.prefix(model_step)})"
        if self._policy == "fail":
            raise RestoreError(
                f"{situation}; pass on_step_mismatch='nearest' to take an older one, or 'restart' to begin the "
                "input pipeline afresh"
            )
        log.warning("%s: the input pipeline starts at its beginning.", situation[0].upper() + situation[1:])
        self._publish(InputRestarted(model_step=model_step, reason=found))
