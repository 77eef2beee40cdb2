"""Samples the buffers of graph-mode iterators: the op that asks rides along with a training step that is run anyway.

TensorFlow answers from 2.16 on, where autotuning is on. Elsewhere a sample holds the capacities alone.

An op that fails would take the training step with it. So the ops are tried once in each session, by a run of their own
before the first step, and only those that answered ride along from then on. An iterator with several initialisers is
never asked: the next one may lead to a pipeline that does not answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from observed_hooks.checkpoints.iterator_state import iterator_name
from observed_hooks.clock import Clock
from observed_hooks.events import BuffersSampled, BufferState
from observed_hooks.pipeline.plan import Planned, initializers, plan_of_resource
from observed_hooks.pipeline.snapshot import Snapshots, largest, planned_snapshot

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger("observed_hooks")

T = TypeVar("T")

Sample: TypeAlias = Callable[[], BuffersSampled | None]
"""Tells what buffers held, when it is called; None when there is nothing to tell."""

_SILENT = (
    "TensorFlow %s does not tell what the buffers of %s hold (it does from 2.16 on, where autotuning is on, for "
    "iterators with one initialiser that has run); their capacities are told all the same."
)


@dataclass(frozen=True, slots=True)
class _Iterator:
    """One iterator of the graph."""

    name: str
    plan: Planned | None
    op: tf.Tensor | None
    """Its model, serialized; None where it cannot be asked."""
    snapshots: Snapshots


class BufferProbe:
    """Tells what the buffers of the graph's iterators hold, now and then.

    Called on the training thread; what the fetched values say is found out by whoever calls what `settle` and `take`
    return, one after the other. Nothing raises: a probe that fails is switched off with one warning.

        probe.begin()                       # while the graph is built
        sample = probe.settle(session, step)         # once a session, when the iterators are initialised
        fetches = probe.fetches()                    # before each step: empty unless a sample is due
        sample = probe.take(step, values_of_fetches) # behind that step
        event = sample()                             # on another thread, or at once
    """

    def __init__(self, every_seconds: float, clock: Clock) -> None:
        """Sample every `every_seconds`, and when asked to."""
        self._every_seconds = every_seconds
        self._clock = clock
        self._due_seconds = 0.0
        self._iterators: tuple[_Iterator, ...] = ()
        self._answering: tuple[_Iterator, ...] = ()
        self._told = False

    def begin(self) -> None:
        """Add an op for each iterator in the "iterators" collection to the default graph."""
        self._answering = ()
        self._iterators = self._guarded(_iterators_of_graph, ())

    def settle(self, session: tf.compat.v1.Session, step: int) -> Sample:
        """Find out which iterators answer, and return what tells the first sample."""
        return self.take(step, self._guarded(lambda: self._settled(session), []))

    def request(self) -> None:
        """Have a sample taken with the next step."""
        self._due_seconds = 0.0

    def fetches(self) -> list[tf.Tensor]:
        """Return what the next step shall fetch beside its own; empty unless a sample is due."""
        if not self._answering:
            return []
        now = self._clock.monotonic()
        if now < self._due_seconds:
            return []
        self._due_seconds = now + self._every_seconds
        return [each.op for each in self._answering]

    def take(self, step: int, values: Sequence[bytes]) -> Sample:
        """Return what tells the sample that `values` hold, the fetches of `step`."""
        iterators, answering = self._iterators, self._answering
        return lambda: self._guarded(lambda: _sampled(step, iterators, answering, values), None)

    def _settled(self, session: tf.compat.v1.Session) -> list[bytes]:
        askable = [each for each in self._iterators if each.op is not None]
        answers = _ask(session, askable)
        self._answering = tuple(each for each in askable if each.name in answers)
        self._due_seconds = self._clock.monotonic() + self._every_seconds
        self._tell_once([each.name for each in self._iterators if each.name not in answers])
        return [answers[each.name] for each in self._answering]

    def _tell_once(self, silent: Sequence[str]) -> None:
        import tensorflow as tf

        if silent and not self._told:
            self._told = True
            log.info(_SILENT, tf.__version__, ", ".join(silent))

    def _guarded(self, act: Callable[[], T], otherwise: T) -> T:
        """Return what `act` returns; `otherwise` when it fails, for training matters more."""
        try:
            return act()
        except Exception as error:
            self._iterators = self._answering = ()
            log.warning("The buffers of the input pipeline cannot be sampled any more.", exc_info=error)
            return otherwise


def _sampled(
    step: int, iterators: Sequence[_Iterator], answering: Sequence[_Iterator], values: Sequence[bytes]
) -> BuffersSampled | None:
    answers = dict(zip((each.name for each in answering), values, strict=True))
    buffers = [state for each in iterators for state in _states(each, answers.get(each.name))]
    return BuffersSampled(step=step, buffers=largest(buffers)) if buffers or answers else None


def _iterators_of_graph() -> tuple[_Iterator, ...]:
    from observed_hooks import _tensorflow

    return tuple(_iterator(resource) for resource in _tensorflow.iterator_resources())


def _iterator(resource: tf.Tensor) -> _Iterator:
    import tensorflow as tf

    ask = getattr(tf.raw_ops, "IteratorGetModelProto", None)
    op = ask(iterator=resource) if ask is not None and len(initializers(resource)) <= 1 else None
    name, plan = iterator_name(resource.name), plan_of_resource(resource)
    return _Iterator(name, plan, op, Snapshots(name, plan))


def _ask(session: tf.compat.v1.Session, iterators: Sequence[_Iterator]) -> dict[str, bytes]:
    """Return the answers by name; those that do not answer are left out."""
    import tensorflow as tf

    if not iterators:
        return {}
    try:
        answers = session.run([each.op for each in iterators])
    except tf.errors.OpError:
        halves = (iterators[: len(iterators) // 2], iterators[len(iterators) // 2 :])
        return {} if len(iterators) == 1 else _ask(session, halves[0]) | _ask(session, halves[1])
    return dict(zip((each.name for each in iterators), answers, strict=True))


def _states(iterator: _Iterator, answer: bytes | None) -> list[BufferState]:
    from observed_hooks import _tensorflow

    if answer is not None:
        return iterator.snapshots.of(_tensorflow.model_of(answer))
    return planned_snapshot(iterator.name, iterator.plan) if iterator.plan is not None else []
