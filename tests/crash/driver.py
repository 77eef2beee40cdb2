"""Kills, restarts, compares: the crash matrix.

A training is a chain of lives in one directory. Each life resumes what the one before it left, is compared step by step
with the uninterrupted run, and is killed in its turn, until one of them reaches the last step. After every kill a life
that nobody disturbs resumes as well, on the side. After a mismatch the chain is given up, so that none counts twice.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random

from observed_hooks.checkpoints.files import all_checkpoints, list_sizes
from tests.crash.job import Job, write_data
from tests.crash.phases import RESUMING, Aim, Phase
from tests.crash.processes import Corpse, live_and_die, start_server
from tests.crash.tally import Tally
from tests.crash.verdict import Reference, mismatch

_RESUMING_SHARE = 0.5
_STEPS_AFTER_KILL = 25
"""To see of a resume that nobody disturbs: more than an epoch, three times what is buffered."""
_TRIES = 5
"""After so many lives that ended before its phase came, an aim is given up."""
_NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to try."""

    aims: Sequence[Aim]
    seed: int
    mode: str
    triggers: tuple[str, ...]
    workers: int = 2

    def shares(self) -> list[tuple[str, Sequence[Aim]]]:
        """Return trigger and aims of each worker."""
        shares = [list(self.aims[worker :: self.workers]) for worker in range(self.workers)]
        return [(self.triggers[worker % len(self.triggers)], share) for worker, share in enumerate(shares) if share]


def crash(plan: Plan, on_kill: Callable[[Phase], object] = lambda _: None) -> Tally:
    """Carry out `plan`; `on_kill` is called from several threads."""
    tally = Tally()
    start_server()
    with _workshop() as directory:
        data = write_data(directory, plan.seed)
        reference, usual_seconds = _uninterrupted(directory, data)
        workers = [
            Worker(
                directory=directory / str(number),
                data=data,
                mode=plan.mode,
                trigger=trigger,
                random=Random(f"{plan.seed}/{number}"),  # noqa: S311 - chooses instants, guards no secret
                aims=share,
                reference=reference,
                usual_seconds=usual_seconds,
                tally=tally,
                on_kill=on_kill,
            )
            for number, (trigger, share) in enumerate(plan.shares())
        ]
        with ThreadPoolExecutor(len(workers)) as pool:
            for future in [pool.submit(worker.work) for worker in workers]:
                future.result()
    return tally


def _uninterrupted(directory: Path, data: tuple[Path, ...]) -> tuple[Reference, float]:
    """Run twice: only a pipeline that repeats itself can be compared, and only the second run starts promptly."""
    corpses = []
    for name in ("first", "second"):
        job = new_job(directory / name, directory / "none", data, mode="nothing", trigger="steps", sharded=True)
        corpses.append(live_and_die(job))
        if corpses[-1].error:
            raise RuntimeError(f"the uninterrupted run failed: {corpses[-1].error}")
    reference = Reference.of(corpses[0].life)
    if differs := mismatch(reference, corpses[1].life, _NEVER):
        raise RuntimeError(f"two uninterrupted runs are not the same: {differs}")
    return reference, corpses[1].seconds


@dataclass(frozen=True, slots=True)
class _Attempt:
    """At an aim, for the so-manieth time."""

    aim: Aim
    tries: int = 1


@dataclass(frozen=True, slots=True)
class _Kill:
    """What the next life has to make good."""

    phase: Phase
    saved_step: int
    """Of the newest checkpoint that was complete, state file and all."""


# A life that follows no kill has nothing to resume; should it go wrong nonetheless, it is counted at START.
_NO_KILL = _Kill(Phase.START, _NEVER)


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works off its share of the kills, one chain after the other."""

    directory: Path
    data: tuple[Path, ...]
    mode: str
    trigger: str
    random: Random
    aims: Sequence[Aim]
    reference: Reference
    usual_seconds: float
    """That an uninterrupted life takes."""
    tally: Tally
    on_kill: Callable[[Phase], object]
    _waiting: deque[_Attempt] = field(default_factory=deque)

    def work(self) -> None:
        self._waiting.extend(_Attempt(aim) for aim in self.aims)
        for number in count():
            if not self._waiting:
                break
            self._chain(self.directory / str(number), sharded=number % 2 == 0)

    def _chain(self, directory: Path, *, sharded: bool) -> None:
        """Train to the last step, over as many kills as are waiting."""
        kill = _NO_KILL
        for number in count():
            attempt = self._next(resumes=kill.saved_step > 0)
            life = self._job(directory / str(number), directory / "checkpoints", sharded=sharded)
            corpse = self._live(life, attempt.aim if attempt else None)
            if corpse.killed:
                by_chance = attempt is None or attempt.aim.phase is None
                self.tally.kill(corpse.phase, aimed=not by_chance)
                self.on_kill(corpse.phase)
            elif attempt:
                self._put_back(attempt)
            sound = self._judge(corpse, kill)
            if not (sound and corpse.killed):
                break
            kill = _Kill(corpse.phase, max([kill.saved_step, *corpse.life.saved]))
            if not self._survives(life, kill):
                sound = False
                break
        if sound:
            self.tally.completed(len(leftovers(directory / "checkpoints")))
        shutil.rmtree(directory)

    def _survives(self, life: Job, kill: _Kill) -> bool:
        """Let a life that nobody disturbs resume, and put everything back as the kill had left it.

        So each kill is judged by itself, while the chain goes on with lives that may die before their first step.
        """
        aside = life.checkpoints.with_name("aside")
        if life.checkpoints.exists():
            shutil.copytree(life.checkpoints, aside)
        directory = life.checkpoints.with_name(f"{life.diary.parent.name}-resumed")
        job = self._job(directory, life.checkpoints, sharded=life.sharded)
        corpse = live_and_die(replace(job, steps_after_resume=_STEPS_AFTER_KILL))
        shutil.rmtree(life.checkpoints, ignore_errors=True)
        if aside.exists():
            aside.rename(life.checkpoints)
        return self._judge(corpse, kill)

    def _job(self, directory: Path, checkpoints: Path, *, sharded: bool) -> Job:
        return new_job(directory, checkpoints, self.data, mode=self.mode, trigger=self.trigger, sharded=sharded)

    def _live(self, job: Job, aim: Aim | None) -> Corpse:
        by_chance = aim is not None and aim.phase is None
        return live_and_die(replace(job, aim=aim), aim.share * self.usual_seconds if aim and by_chance else None)

    def _judge(self, corpse: Corpse, kill: _Kill) -> bool:
        """Count what this life says of the kill before it; tell whether nothing is wrong."""
        wrong = mismatch(self.reference, corpse.life, kill.saved_step)
        if corpse.error:
            self.tally.failed(kill.phase, corpse.error)
        elif wrong or (corpse.life.steps and kill is not _NO_KILL):
            self.tally.resume(kill.phase, len(corpse.life.steps), wrong)
        return not (wrong or corpse.error)

    def _next(self, *, resumes: bool) -> _Attempt | None:
        """Take an aim that can be hit in this life; in half of the lives that resume, one that needs just that."""
        if not self._waiting:
            return None
        prefers_resuming = resumes and self.random.random() < _RESUMING_SHARE
        for attempt in self._waiting:
            resuming = attempt.aim.phase in RESUMING
            if resuming == prefers_resuming:
                self._waiting.remove(attempt)
                return attempt
        first = self._waiting.popleft()
        if resumes or first.aim.phase not in RESUMING:
            return first
        # Only aims that need something to resume are left, and there is nothing: one kill more makes it. It falls where
        # even hooks that do not save in pairs have just completed one.
        self._put_back(first)
        return _Attempt(Aim(phase=Phase.BEFORE_STATE, occurrence=3), _TRIES)

    def _put_back(self, attempt: _Attempt) -> None:
        """Keep an aim for another life; the first one of the next chain has all steps before it."""
        if attempt.aim.phase is None:  # the life was shorter than usual
            self._waiting.append(_Attempt(replace(attempt.aim, share=attempt.aim.share / 2)))
        elif attempt.tries < _TRIES:
            self._waiting.append(_Attempt(attempt.aim, attempt.tries + 1))
        else:
            self.tally.unreached_aim(attempt.aim.label)


def leftovers(directory: Path) -> list[str]:
    """Return what belongs neither to a whole checkpoint nor to the bookkeeping, temporary directories first."""
    everything = all_checkpoints(str(directory)).values()
    whole = {name for found in everything for files in found.values() for name in files.names}
    names = list_sizes(str(directory))
    temporary = [path.name for path in directory.glob("*_temp")]
    return temporary + [name for name in names if (".ckpt-" in name and name not in whole) or ".tmp" in name]


def new_job(
    directory: Path, checkpoints: Path, data: tuple[Path, ...], *, mode: str, trigger: str, sharded: bool
) -> Job:
    """Return a job to live to the end, with its papers in `directory`, which is made."""
    directory.mkdir(parents=True)
    return Job(
        mode=mode,
        trigger=trigger,
        data=data,
        checkpoints=checkpoints,
        diary=directory / "diary.jsonl",
        board=directory / "board",
        errors=directory / "stderr",
        sharded=sharded,
    )


@contextmanager
def _workshop() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crash-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)
