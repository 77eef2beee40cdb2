"""From what lies in a directory to events: what a hook would have told, as far as files tell it.

Files tell which checkpoints there are, when each was complete and what it weighs. They do not tell how long a save
took, nor that a save failed. A checkpoint that comes and goes between two looks is not seen.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from observed_hooks.checkpoints import files
from observed_hooks.checkpoints.files import CheckpointFiles
from observed_hooks.clock import Clock
from observed_hooks.events import CheckpointingStarted, DirectoryWatched, Event, Kind, Retained, SaveCompleted

log = logging.getLogger("observed_hooks")

_INPUT = "input"  # how TensorFlow's and our own input hooks begin the names of their checkpoints


class Publish(Protocol):
    """Where events go; `CheckpointBus.publish` is one."""

    def __call__(self, event: Event, *, time_seconds: float | None = None) -> None:
        """Take `event`, which happened at `time_seconds` since the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """One checkpoint as it was found. Equal only to itself: the same step saved once more is another one."""

    complete_ns: int
    basename: str
    step: int
    prefix: str

    @property
    def kind(self) -> Kind:
        return kind_of(self.basename)

    @property
    def complete_seconds(self) -> float:
        return self.complete_ns / 1e9


def kind_of(basename: str) -> Kind:
    """Return what checkpoints of this name hold: `input.ckpt` and `input_worker_0.ckpt` hold input pipelines."""
    return "input_pipeline" if basename.startswith(_INPUT) else "model"


class DirectoryWatch:
    """Looks at one directory, again and again. Every look is one call of `look`, on one thread; none raises."""

    def __init__(
        self, directory: str, publish: Publish, clock: Clock, *, basenames: Collection[str] | None = None
    ) -> None:
        """Watch the checkpoints called `<basename>-<step>` in `directory`, which need not be there yet.

        Args:
            directory: where checkpoints are written.
            publish: where events go.
            clock: tells when watching began.
            basenames: whose checkpoints to watch; all when not given.
        """
        self._directory = directory
        self._publish = publish
        self._clock = clock
        self._basenames = basenames
        self._seen: set[_Seen] = set()
        self._told: dict[Kind, DirectoryWatched] = {}
        self._began: set[Kind] = set()
        self._warned: set[str] = set()

    def look(self) -> None:
        """Tell what is new since the last look."""
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - storage may raise anything; the next look may succeed
            self._warn_once("unreadable", "%s cannot be read; looking again.", self._directory, error=error)

    def _look(self) -> None:
        found = {
            basename: {step: each for step, each in by_step.items() if each.complete}
            for basename, by_step in files.all_checkpoints(self._directory).items()
            if self._basenames is None or basename in self._basenames
        }
        now = sorted(_found(found), key=lambda each: (each.complete_ns, each.kind == "model", each.basename))
        new = [each for each in now if each not in self._seen]
        self._begin("model", now)
        self._begin("input_pipeline", now)
        first = not self._seen
        # Of those that were there before the first look, the newest tells what there is to tell.
        for each in _newest_of_each(new) if first else new:
            self._publish(_saved(each), time_seconds=each.complete_seconds)
        self._seen = set(now)
        self._tell_what_is_there(found)

    def _begin(self, kind: Kind, now: list[_Seen]) -> None:
        """Say that saves of `kind` are watched: of the model from the start on, of input pipelines when one is seen."""
        mine = [each for each in now if each.kind == kind]
        names = sorted({each.basename for each in mine})
        if len(names) > 1:
            self._warn_once(
                kind,
                "%s holds several kinds of %s checkpoints: %s. Name one with --basename.",
                self._directory,
                kind,
                names,
            )
        if kind in self._began or not (mine or kind == "model"):
            return
        self._began.add(kind)
        self._publish(
            CheckpointingStarted(
                kind=kind,
                checkpoint_dir=self._directory,
                step=mine[-1].step if mine else 0,
                interval_seconds=None,
                interval_steps=None,
            ),
            time_seconds=mine[-1].complete_seconds if mine else self._clock.time(),
        )

    def _tell_what_is_there(self, found: dict[str, dict[int, CheckpointFiles]]) -> None:
        room = files.filesystem(self._directory)
        for kind in sorted(self._began):
            mine = [each for name, by_step in found.items() if kind_of(name) == kind for each in by_step.values()]
            told = DirectoryWatched(
                kind=kind,
                step=max((each.step for each in mine), default=0),
                checkpoint_dir=self._directory,
                retained=Retained(checkpoints=len(mine), size_bytes=sum(each.size.total_bytes for each in mine)),
                filesystem=room,
            )
            if told != self._told.get(kind):
                self._told[kind] = told
                self._publish(told)

    def _warn_once(self, topic: str, message: str, *values: object, error: Exception | None = None) -> None:
        if topic not in self._warned:
            self._warned.add(topic)
            log.warning(message, *values, exc_info=error)


def _found(found: dict[str, dict[int, CheckpointFiles]]) -> list[_Seen]:
    seen = []
    for basename, by_step in found.items():
        for step, each in by_step.items():
            try:
                complete_ns = os.stat(f"{each.prefix}.index").st_mtime_ns  # TensorFlow writes the index last
            except FileNotFoundError:  # pruned since it was listed
                continue
            seen.append(_Seen(complete_ns, basename, step, each.prefix))
    return seen


def _newest_of_each(seen: list[_Seen]) -> list[_Seen]:
    return list({each.basename: each for each in seen}.values())


def _saved(seen: _Seen) -> SaveCompleted:
    return SaveCompleted(
        kind=seen.kind,
        step=seen.step,
        prefix=seen.prefix,
        duration_seconds=None,
        stall_seconds=None,
        write_seconds=None,
    )


def keep_looking(watch: DirectoryWatch, every_seconds: float, wait: Callable[[float], bool]) -> None:
    """Look every `every_seconds` until `wait`, which waits so many seconds, says that it is enough."""
    watch.look()
    while not wait(every_seconds):
        watch.look()
