"""One repeat of one case, measured in this process, and told as events on a bus.

The library's own hooks save, restore and sample; what they publish are the figures. Only what no training asks for is
added here: how long the first batch takes, how fast it goes on, how much memory that takes, and how well it is mixed.

Each part has a graph and a session of its own, in this order:

1. Reading, without any hook, from a cold pipeline on: throughput in the steady state, then the peak of memory. It comes
   first because a save takes memory too: no save has been made yet, and the buffer has been full for a while.
2. A cold start: the first batch, a few more, of which each is followed by a sample of the buffers, and a save. The
   pipeline of a user's may not stay full to the end of an epoch, so the save comes while it is.
3. A resumption of that, with its first batch, and a second save; left out where nothing could be saved.
4. The order of one epoch, which may take whatever memory it likes.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from observed_hooks.bus import CheckpointBus
from observed_hooks.checkpoints.baseline import OWN_DIRECTORY
from observed_hooks.checkpoints.composition import composition
from observed_hooks.checkpoints.measure import Measurement
from observed_hooks.clock import Clock, SystemClock
from observed_hooks.compare.case import Case
from observed_hooks.compare.examples import components, rows
from observed_hooks.compare.memory import forget_peak, peak_bytes
from observed_hooks.compare.order import mixing_of_case
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.sources import batches_of
from observed_hooks.compare.stopwatch import Stopwatch
from observed_hooks.compare.survey import load
from observed_hooks.demo.graph import next_batch
from observed_hooks.dispatch import Sink
from observed_hooks.errors import StateError
from observed_hooks.events import (
    FirstBatchRead,
    InputRead,
    InputRestarted,
    MemoryPeaked,
    MixingMeasured,
    Record,
    RestoreFailed,
    SaveFailed,
    SaveSkipped,
)
from observed_hooks.sinks.jsonl import JsonlSink
from observed_hooks.sinks.tensorboard import TensorBoardSink
from observed_hooks.tally import ALL_SINKS, MEASURE_STAGE

if TYPE_CHECKING:
    import tensorflow as tf
_EVENTS = "events.jsonl"
_NEEDED = {JsonlSink.name, ALL_SINKS, MEASURE_STAGE}
"""Where the bus counts what is lost of the figures; TensorBoard's scalars are none."""
FIRST_BATCHES = 3
"""Read before a save: the buffer is full from the first on, and has been sampled at the last."""
FEWEST_BATCHES = 10
"""Of a stretch in the steady state."""

_WARM_UP_SHARE = 0.2
"""Of the time of reading, before it counts."""
_PATIENCE = 10
"""Times the time of reading, for the end of an epoch."""
_SAMPLE_SECONDS = 1e-6
"""At every step: none of these is timed but the first."""
_NEVER = 2**62
_FLUSH_SECONDS = 120.0
_SPOKEN = {"model": "model", "input_pipeline": "input pipeline"}
_CHECKPOINTS = ("checkpoint*", "model.ckpt*", "input*.ckpt*")


def measure(plan: Plan, case: Case, number: int, clock: Clock | None = None) -> None:
    """Measure one repeat of `case`; events and scalars are in its directory when this returns, and no checkpoints.

    Args:
        plan: what is compared; its source was surveyed.
        case: what to measure.
        number: of the repeat, from 1; it is the seed, too.
        clock: for durations.

    Raises:
        StateError: a save or a restore failed.
        ConfigurationError: the pipeline cannot be built.
    """
    directory = plan.repeat(case, number)
    _remove_earlier(directory)
    try:
        with _bus(directory, case) as bus:
            _Repeat(plan, case, number, bus, clock or SystemClock()).run()
    finally:
        _remove_checkpoints(directory)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one step fetches."""

    number: tf.Tensor
    """The global step, which it advances once the batch is there."""
    examples: tf.Tensor
    """How many the batch holds."""


class _Repeat:
    """The parts of one repeat."""

    def __init__(self, plan: Plan, case: Case, number: int, bus: CheckpointBus, clock: Clock) -> None:
        self._plan = plan
        self._case = case
        self._number = number
        self._survey = load(plan)
        self._bus = bus
        self._directory = plan.repeat(case, number)
        self._clock = clock
        self._troubles: list[str] = []

    def run(self) -> None:
        """Do all of them."""
        self._bus.subscribe(self._note_trouble)
        self._read_steadily()
        step = self._start(resumed=False)
        if not self._troubles:
            # Once is enough: of a large state this takes a second and more.
            self._bus.publish(composition("input_pipeline", step, self._prefix(step), rest=lambda: None))
            step = self._start(resumed=True)
        mixing = mixing_of_case(self._plan, self._case, self._survey, self._number)
        self._bus.publish(
            MixingMeasured(
                step=step,
                displacement=mixing.displacement,
                neighbours=mixing.neighbours,
                labels=mixing.labels,
                left_out=mixing.left_out,
            )
        )
        self._bus.flush(_FLUSH_SECONDS)
        if self._troubles:
            raise StateError(self._troubles[0])
        self._require_events()

    def _require_events(self) -> None:
        """Raise when events were lost: a bus takes care that nobody suffers from that, and figures do."""
        told = self._bus.totals()
        lost = sum(count for name, count in (*told.dropped, *told.failed) if name in _NEEDED)
        if lost:
            path = os.path.join(self._plan.repeat(self._case, self._number), OWN_DIRECTORY, _EVENTS)
            raise StateError(f"{lost} events could not be written to {path}; is there room on the disk?")

    def _read_steadily(self) -> None:
        import tensorflow as tf

        with self._graph() as step, tf.compat.v1.Session() as session:
            session.run([tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()])
            forget_peak()
            session.run(step.examples)
            self._read(session, step, FIRST_BATCHES, self._plan.read_seconds * _WARM_UP_SHARE)
            start = self._clock.monotonic()
            examples = self._read(session, step, FEWEST_BATCHES, self._plan.read_seconds)
            if not self._is_steady:
                examples += self._read_to_end_of_epoch(session, step, examples)
            seconds = self._clock.monotonic() - start
            peak = peak_bytes()
        self._bus.publish(InputRead(step=0, examples=examples, duration_seconds=seconds))
        self._bus.publish(MemoryPeaked(step=0, peak_bytes=peak))

    def _read(self, session: Any, step: _Step, fewest: int, seconds: float) -> int:
        """Read batches for some time; return how many examples came."""
        examples, batches, end = 0, 0, self._clock.monotonic() + seconds
        while batches < fewest or self._clock.monotonic() < end:
            examples += int(session.run(step.examples))
            batches += 1
        return examples

    @property
    def _is_steady(self) -> bool:
        """Whether examples are read and handed on at the same pace all the time.

        A buffer that holds whole epochs is filled with several, and then not before one of them has gone; and nobody
        knows what a user's pipeline does where an epoch ends.
        """
        return self._plan.source.kind != "pipeline" and self._case.buffer_size < self._survey.examples

    def _read_to_end_of_epoch(self, session: Any, step: _Step, examples: int) -> int:
        """Read until there are as many examples as in whole epochs; give up when that takes long."""
        left = -examples % self._survey.examples
        more, end = 0, self._clock.monotonic() + _PATIENCE * self._plan.read_seconds
        while more < left and self._clock.monotonic() < end:
            more += int(session.run(step.examples))
        return more

    def _start(self, *, resumed: bool) -> int:
        """Train a few steps from the newest checkpoint, if there is one, and save; return the last step."""
        import tensorflow as tf

        watch = Stopwatch(self._clock)
        with (
            self._graph() as step,
            tf.compat.v1.train.MonitoredTrainingSession(
                checkpoint_dir=self._directory,
                hooks=[watch.before, *_hooks(self._directory, self._bus), watch.behind],
                save_checkpoint_secs=None,
                save_checkpoint_steps=None,
                save_summaries_secs=None,
                save_summaries_steps=None,
                log_step_count_steps=None,
            ) as session,
        ):
            first = int(session.run(step.number))
            seconds = watch.first_batch_seconds(resumed=resumed)
            self._bus.publish(FirstBatchRead(step=first, resumed=resumed, duration_seconds=seconds))
            for _ in range(FIRST_BATCHES - 1):
                last = int(session.run(step.number))
        # The observer's own work is to fall into no figure.
        self._bus.flush(_FLUSH_SECONDS)
        return last

    def _prefix(self, step: int) -> str:
        return os.path.join(self._directory, f"input.ckpt-{step}")

    @contextlib.contextmanager
    def _graph(self) -> Iterator[_Step]:
        """Make a graph that reads the case's batches, the default one during the block."""
        import tensorflow as tf

        with tf.Graph().as_default():
            # Repeats are to differ: mixing has a spread, too.
            tf.compat.v1.set_random_seed(self._number)
            batch = next_batch(batches_of(self._plan, self._case))
            global_step = tf.compat.v1.train.get_or_create_global_step()
            with tf.control_dependencies(components(batch)):
                step = _Step(global_step.assign_add(1), tf.identity(rows(batch)))
            yield step

    def _note_trouble(self, record: Record) -> None:
        """Note what training would survive, and a figure does not. On the bus's thread."""
        event = record.event
        if isinstance(event, SaveFailed):
            self._troubles.append(f"the {_SPOKEN[event.kind]} could not be saved: {event.error}")
        elif isinstance(event, SaveSkipped):
            self._troubles.append(event.reason)
        elif isinstance(event, RestoreFailed):
            self._troubles.append(f"the {_SPOKEN[event.kind]} could not be restored: {event.error}")
        elif isinstance(event, InputRestarted):
            self._troubles.append(f"the input pipeline was not restored: {event.reason}")


@contextlib.contextmanager
def _bus(directory: str, case: Case) -> Iterator[CheckpointBus]:
    """Open the bus of one repeat.

    It looks into no checkpoint by itself: it would do so while something else is timed, and leave some of them out.
    """
    own = os.path.join(directory, OWN_DIRECTORY)
    sinks: list[Sink] = [
        JsonlSink(os.path.join(own, _EVENTS)),
        TensorBoardSink(os.path.join(own, "tensorboard")),
    ]
    bus = CheckpointBus(sinks, run=case.name, task="worker-0", measure=Measurement())
    try:
        yield bus
    finally:
        bus.close(_FLUSH_SECONDS)


def _hooks(directory: str, bus: CheckpointBus) -> list[Any]:
    """Return the hooks of a training job that saves when it ends."""
    from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
    from observed_hooks.hooks.model import CheckpointSaverHook

    return [
        CheckpointSaverHook(directory, save_steps=_NEVER, bus=bus),
        CheckpointInputPipelineHook(
            # A user's pipeline may augment at random: what saving costs can be measured all the same.
            external_state_policy="ignore",
            # What cannot be saved is told by an event, and the rest is measured.
            on_unserializable="disable",
            checkpoint_dir=directory,
            bus=bus,
            sample_buffers_secs=_SAMPLE_SECONDS,
        ),
    ]


def _remove_earlier(directory: str) -> None:
    _remove_checkpoints(directory)
    shutil.rmtree(os.path.join(directory, OWN_DIRECTORY), ignore_errors=True)


def _remove_checkpoints(directory: str) -> None:
    for pattern in _CHECKPOINTS:
        for path in glob.glob(os.path.join(glob.escape(directory), pattern)):
            with contextlib.suppress(OSError):
                os.remove(path)
