"""A `CheckpointSaverListener` that reports the saves of a hook which knows nothing of the bus.

TensorFlow tells a listener when a save begins and when it is complete, and nothing of one that fails: a save that
began and was never completed is reported as failed when the next one begins, or at the end.
"""

from __future__ import annotations

import os

import tensorflow as tf

from observed_hooks.clock import Clock
from observed_hooks.companion import MeetingPlace, PendingSave, begin_saves, finish_saves
from observed_hooks.errors import ConfigurationError
from observed_hooks.events import KINDS, CheckpointingStarted, Kind, SaveCompleted, SaveFailed
from observed_hooks.session import run_started


class BusListener(tf.compat.v1.train.CheckpointSaverListener):
    """Publishes on a bus what another hook saves. Called on the training thread.

    The duration runs from our `before_save` to our `after_save`: the save, and the listeners that stand behind this
    one in the hook's list.
    """

    def __init__(
        self,
        bus: MeetingPlace,
        kind: Kind,
        checkpoint_dir: str | None,
        checkpoint_basename: str | None,
        *,
        clock: Clock,
    ) -> None:
        if kind not in KINDS:
            raise ConfigurationError(f"expected kind to be one of {', '.join(KINDS)}, got {kind!r}")
        if checkpoint_basename is not None and checkpoint_dir is None:
            raise ConfigurationError(
                f"got checkpoint_basename={checkpoint_basename!r} without checkpoint_dir; give both, or neither"
            )
        self.bus = bus
        self.kind: Kind = kind
        self._directory = checkpoint_dir
        self._basename = checkpoint_basename or ("model.ckpt" if kind == "model" else "input.ckpt")
        self._clock = clock
        self._announced = False
        self._began: tuple[int, float] | None = None
        self._pending: tuple[PendingSave, ...] = ()

    def begin(self) -> None:
        """Join the bus; TensorFlow calls this before the session exists."""
        self._announced = False
        self._began = None
        self.bus.join(self.kind, self._directory, tf.compat.v1.get_default_graph(), run_started())

    def before_save(self, session: tf.compat.v1.Session, global_step_value: int) -> None:
        """Note the time, behind the companions' saves."""
        self._report_unfinished()
        step = int(global_step_value)  # TensorFlow's hook passes one of numpy's, which no JSON holds
        if not self._announced:
            self._announced = True
            self._announce(session, step)
        if self.kind == "model":
            self._pending = begin_saves(self.bus.companions, session, step)
        for save in self._pending:
            save.write(background=False)
        self._began = (step, self._clock.monotonic())

    def after_save(
        self,
        session: tf.compat.v1.Session,
        global_step_value: int,  # noqa: ARG002 - TensorFlow's signature
    ) -> bool | None:
        """Publish the save; ask for a stop when a companion does."""
        if self._began is None:
            return None
        step, began_seconds = self._began
        seconds = self._clock.monotonic() - began_seconds
        self._began = None
        self.bus.publish(
            SaveCompleted(
                kind=self.kind,
                step=step,
                prefix=self._prefix(session, step),
                duration_seconds=seconds,
                stall_seconds=seconds,
                write_seconds=seconds,
            )
        )
        return finish_saves(self._take_pending())

    def end(self, session: tf.compat.v1.Session, global_step_value: int) -> None:
        """Leave the bus: training ended as it should."""
        self._report_unfinished()
        for companion in self.bus.companions if self.kind == "model" else ():
            companion.end(session, int(global_step_value))
        self.bus.leave(self.kind)

    def _announce(self, session: tf.compat.v1.Session, step: int) -> None:
        directory = self._directory or os.path.dirname(self._prefix(session, step))
        self.bus.publish(
            CheckpointingStarted(
                kind=self.kind,
                checkpoint_dir=directory,
                step=step,
                interval_seconds=None,
                interval_steps=None,
            )
        )

    def _take_pending(self) -> tuple[PendingSave, ...]:
        """Let the companions tidy up behind the model's save, and give them out of hand."""
        pending, self._pending = self._pending, ()
        for save in pending:
            save.tidy()
        return pending

    def _report_unfinished(self) -> None:
        if self._began is None:
            return
        step, began_seconds = self._began
        self._began = None
        seconds = self._clock.monotonic() - began_seconds
        self.bus.publish(
            SaveFailed(
                kind=self.kind,
                step=step,
                duration_seconds=seconds,
                stall_seconds=seconds,
                error="the save began and was never completed",
            )
        )
        self._take_pending()

    def _prefix(self, session: tf.compat.v1.Session, step: int) -> str:
        """Return the checkpoint's prefix: as told, else the newest of the graph's saver when it is of `step`."""
        if self._directory is not None:
            return os.path.join(self._directory, f"{self._basename}-{step}")
        savers = session.graph.get_collection(tf.compat.v1.GraphKeys.SAVERS)
        newest = [str(prefix) for saver in savers for prefix in saver.last_checkpoints[-1:]]
        return newest[0] if len(newest) == 1 and newest[0].endswith(f"-{step}") else ""
