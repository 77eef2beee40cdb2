"""Starts training processes, kills them, and reads what they leave behind.

TensorFlow takes seconds to load. So one server process loads it, makes no session, and every training process is a fork
of it: a true process of its own, started in a fraction of a second.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import wait
from pathlib import Path

from tests.crash.diary import Board, Life, read_diary
from tests.crash.job import Job
from tests.crash.phases import Phase

PATIENCE_SECONDS = 120.0
_ROOT = Path(__file__).parents[2]

# Starting a process collects the exit codes of all others that have ended. An exit code can be read only once, and two
# threads that read the same one get a code that never was.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Corpse:
    """A process that is no more."""

    phase: Phase
    """In which it died; meaningless for one that ended by itself."""
    killed: bool
    """By us, rather than by itself."""
    seconds: float
    life: Life
    error: str
    """Why it ended by itself without reaching its end; empty when it did reach it, or was killed."""


def start_server() -> None:
    """Load TensorFlow in the server, unless that is done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.trainer"])
    with _environment():
        forkserver.ensure_running()


def live_and_die(job: Job, kill_after_seconds: float | None = None) -> Corpse:
    """Run `job` in a process of its own until its end, its aim, or until it is killed from here."""
    Board.make(job.board)
    process = multiprocessing.get_context("forkserver").Process(target=_run, args=(job,))
    started = time.monotonic()
    with _one_at_a_time:
        process.start()
    # The sentinel tells of the end without reading how it came, which has to happen under the lock.
    ended = wait([process.sentinel], PATIENCE_SECONDS if kill_after_seconds is None else kill_after_seconds)
    hangs = not ended and kill_after_seconds is None
    process.kill()
    wait([process.sentinel])
    seconds = time.monotonic() - started
    with _one_at_a_time:
        process.join()
    code = process.exitcode
    process.close()
    limit = code == -signal.SIGXFSZ
    killed = not hangs and (limit or code == -signal.SIGKILL)
    phase = job.aim.phase if limit and job.aim and job.aim.phase is not None else Board(job.board).phase
    life = read_diary(job.diary)
    error = ""
    if hangs:
        error = f"it hung for {PATIENCE_SECONDS:.0f} s in {phase.label}"
    elif not killed and code != 0:
        error = life.error or f"exit code {code}"
    return Corpse(phase, killed, seconds, life, error)


def _run(job: Job) -> None:
    from tests.crash.trainer import run

    run(job)


@contextmanager
def _environment() -> Iterator[None]:
    """Let the server find the tests from any directory, and load TensorFlow without a word."""
    changes = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    before = {name: os.environ.get(name) for name in changes}
    stderr, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.environ.update(changes)
    os.dup2(silence, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(silence)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
