"""Training jobs in miniature: a model whose state depends on every example it has seen, so that none can be lost.

    stream = train(directory, hook, steps=10)

trains up to step 10, from where the directory's checkpoint stands, and returns the examples by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import tensorflow as tf

from observed_hooks.bus import CheckpointBus
from observed_hooks.checkpoints.files import checkpoints
from observed_hooks.hooks.input_pipeline import CheckpointInputPipelineHook
from observed_hooks.hooks.model import CheckpointSaverHook

Stream: TypeAlias = dict[int, int]
"""The example that took the model to a step, by that step."""
Hook: TypeAlias = Any
MakeDataset: TypeAlias = Callable[[], Any]

GRAPH_FIELDS = ("graph_def", "meta_graph_def")


class KilledError(Exception):
    """Ends a training as a kill does: no hook's end() is called."""


def numbers() -> Any:
    """0, 1, 2, ... for ever."""
    return tf.data.Dataset.counter()


def shuffled() -> Any:
    """The numbers below 40 in another order each epoch, for ever; the same in every run."""
    return tf.data.Dataset.range(40).shuffle(16, seed=7).repeat()


def initializable(dataset: Any) -> Any:
    iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
    tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    return iterator


def one_shot(dataset: Any) -> Any:
    return tf.compat.v1.data.make_one_shot_iterator(dataset)


def build(
    dataset: MakeDataset | None = numbers, *, advance: int = 1, iterator: Callable[[Any], Any] = initializable
) -> tuple[Any, Any]:
    """Add a model and its pipeline to the default graph.

    Args:
        dataset: what to learn from; None for a model without a pipeline.
        advance: by how much one run advances the global step.
        iterator: makes the iterator.

    Returns:
        Two scalar tensors, to be run together: the step after training on an example, and the example.
    """
    global_step = tf.compat.v1.train.get_or_create_global_step()
    if dataset is None:
        example = tf.constant(1, tf.int64)
    else:
        example = tf.cast(tf.reshape(iterator(dataset()).get_next(), []), tf.int64)
    seen = tf.compat.v1.get_variable("seen", shape=[], dtype=tf.int64, initializer=tf.zeros_initializer())
    with tf.control_dependencies([seen.assign_add(example)]):
        return global_step.assign_add(advance), example


@contextmanager
def session(
    directory: Path | str,
    *hooks: Hook,
    default_saver: dict[str, float] | None = None,
    chief_only_hooks: Sequence[Hook] = (),
) -> Iterator[Any]:
    """A MonitoredTrainingSession on the default graph, with no saver hook of its own unless asked for."""
    every = default_saver or {"save_checkpoint_secs": None, "save_checkpoint_steps": None}  # type: ignore[dict-item]
    with tf.compat.v1.train.MonitoredTrainingSession(
        checkpoint_dir=str(directory),
        hooks=list(hooks),
        chief_only_hooks=list(chief_only_hooks),
        save_summaries_steps=None,
        save_summaries_secs=None,
        log_step_count_steps=None,
        **every,
    ) as monitored:
        yield monitored


def train(
    directory: Path | str,
    *hooks: Hook,
    steps: int,
    dataset: MakeDataset | None = numbers,
    advance: int = 1,
    iterator: Callable[[Any], Any] = initializable,
    killed: bool = False,
    saver: Mapping[str, Any] | None = None,
    graph_seed: int | None = 11,
    default_saver: dict[str, float] | None = None,
) -> Stream:
    """Train in a graph of its own until the global step is `steps`, a hook stops, or the examples end.

    Args:
        directory: where MonitoredTrainingSession looks for the model's checkpoint.
        hooks: of the session, in this order.
        steps: the last step.
        dataset: see `build`.
        advance: see `build`.
        iterator: see `build`.
        killed: end as a kill does, without any hook's end().
        saver: arguments of a saver that the graph brings along; without them the hooks choose one.
        graph_seed: what random ops without a seed of their own start from; None for another stream in every run.
        default_saver: arguments of the session that make it save by itself.
    """
    stream: Stream = {}
    with tf.Graph().as_default():
        tf.compat.v1.set_random_seed(graph_seed)
        fetches = build(dataset, advance=advance, iterator=iterator)
        if saver is not None:
            tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.SAVERS, tf.compat.v1.train.Saver(**saver))
        try:
            with session(directory, *hooks, default_saver=default_saver) as monitored:
                step = 0
                while step < steps and not monitored.should_stop():
                    step, example = map(int, monitored.run(fetches))
                    stream[step] = example
                if killed:
                    _kill()
        except KilledError:
            pass
    return stream


def _kill() -> None:
    raise KilledError


def pair(directory: Path | str, *, save_steps: int = 3, bus: CheckpointBus | None = None, **options: Any) -> list[Hook]:
    """Both hooks of this package on one bus; `options` go to the input pipeline's."""
    bus = bus or CheckpointBus()
    return [
        CheckpointSaverHook(str(directory), save_steps=save_steps, bus=bus),
        CheckpointInputPipelineHook(checkpoint_dir=directory, bus=bus, **options),
    ]


class LosesSession(tf.compat.v1.train.SessionRunHook):
    """Raises `AbortedError`, as a parameter server that restarts, once behind each of the given runs."""

    def __init__(self, *runs: int) -> None:
        self._runs = set(runs)
        self._run = 0
        self.sessions = 0

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.sessions += 1

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._run += 1
        if self._run in self._runs:
            raise tf.errors.AbortedError(None, None, "the session is lost")


class Diary(tf.compat.v1.train.CheckpointSaverListener):
    """Writes down every call, and asks for a stop at one step."""

    def __init__(self, *, stops_at: int | None = None) -> None:
        self.calls: list[tuple[str, int | None]] = []
        self._stops_at = stops_at

    def begin(self) -> None:
        self.calls.append(("begin", None))

    def before_save(self, session: Any, global_step_value: Any) -> None:
        self.calls.append(("before_save", int(global_step_value)))

    def after_save(self, session: Any, global_step_value: Any) -> bool | None:
        self.calls.append(("after_save", int(global_step_value)))
        return True if global_step_value == self._stops_at else None

    def end(self, session: Any, global_step_value: Any) -> None:
        self.calls.append(("end", int(global_step_value)))

    @property
    def steps(self) -> list[int]:
        """The steps that were saved, in order."""
        return [step for call, step in self.calls if call == "after_save" and step is not None]


def saved_steps(directory: Path | str, basename: str = "model.ckpt") -> list[int]:
    """The steps of the whole checkpoints on disk."""
    return list(checkpoints(str(directory), basename))


def input_steps(directory: Path | str) -> list[int]:
    """The steps of the whole input checkpoints on disk."""
    return saved_steps(directory, "input.ckpt")


def event_files(directory: Path | str) -> list[Path]:
    """Every event file in and below `directory`."""
    return sorted(path for path in Path(directory).rglob("*") if "tfevents" in path.name)


def graphs_in(path: Path) -> int:
    """How many events of an event file hold a GraphDef or a MetaGraphDef."""
    return sum(event.WhichOneof("what") in GRAPH_FIELDS for event in tf.compat.v1.train.summary_iterator(str(path)))
