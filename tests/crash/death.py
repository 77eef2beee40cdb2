"""Kills the process it runs in, at one named instant. Nothing is simulated: the kernel ends the process there.

Between two calls of TensorFlow the process sends itself SIGKILL. To find these instants, the calls that every
checkpoint passes through are wrapped: `Saver.save`, `Saver.restore`, and the renaming and deleting of files.

Inside one call that writes a file, the kernel does it: the process may write files up to a size only (RLIMIT_FSIZE),
and SIGXFSZ, left to its default action, ends it in the very `write` that goes beyond. No handler runs, nothing is
flushed. The trainer's files have sizes that make this exact:

    8 KiB < input data, 8 KiB < model data < 28 KiB < model index
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import tensorflow as tf
from tensorflow.python.lib.io import file_io

from tests.crash.diary import Board, Diary
from tests.crash.phases import Aim, Phase

WRITE_LIMITS = {Phase.INPUT_WRITE: 8 << 10, Phase.MODEL_WRITE: 8 << 10, Phase.MODEL_INDEX: 28 << 10}

_RESTORE_SECONDS = 0.02


def die() -> NoReturn:
    """End this process now."""
    os.kill(os.getpid(), signal.SIGKILL)
    # The signal is sent, and another thread may have to take it.
    while True:
        time.sleep(1)


class Death:
    """Waits on the road for one process."""

    def __init__(self, aim: Aim | None, board: Board, diary: Diary) -> None:
        self._aim = aim
        self._left = aim.occurrence if aim else 0
        self._board = board
        self._diary = diary
        self._start_step = 0
        self._saved_steps: dict[bool, int] = {}

    def install(self) -> None:
        """Wrap what checkpoints pass through, for the rest of this process's life."""
        saver = tf.compat.v1.train.Saver
        saver.save = self._around_save(saver.save)
        saver.restore = self._around_restore(saver.restore)
        # All of tf.io.gfile and of TensorFlow's own bookkeeping ends in these two.
        files = file_io._pywrap_file_io
        files.RenameFile = self._around_rename(files.RenameFile)
        files.DeleteFile = self._before_removal(files.DeleteFile)
        sys.addaudithook(self._audit)
        # Python ignores it. Set here, on the main thread: the write that it ends may be another thread's.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

    def reach(self, phase: Phase) -> None:
        """Enter `phase`, and die when it is time."""
        self._board.phase = phase
        if self._is_hit(phase):
            die()

    def after_step(self, step: int) -> None:
        """Enter the phase that follows a step."""
        soon = self._start_step < step <= self._start_step + 3
        self.reach(Phase.RESUMED if self._start_step and soon else Phase.TRAINING)

    def _is_hit(self, phase: Phase) -> bool:
        if self._aim is None or self._aim.phase is not phase:
            return False
        self._left -= 1
        return self._left == 0

    def _around_save(self, save: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(saver: Any, session: Any, path: str, *args: Any, **kwargs: Any) -> Any:
            step = int(kwargs["global_step"] if "global_step" in kwargs else args[0])
            of_input = _is_input(path)
            if of_input:
                self.reach(Phase.BEFORE_INPUT)
            for phase in (Phase.INPUT_WRITE,) if of_input else (Phase.MODEL_INDEX, Phase.MODEL_WRITE):
                self._board.phase = phase
                if self._is_hit(phase):
                    _limit_files(WRITE_LIMITS[phase])
            result = save(saver, session, path, *args, **kwargs)
            self._survive()
            self._written(of_input, step)
            return result

        return wrapper

    def _survive(self) -> None:
        """Try again at the next save when the file was too small to die of: a pipeline may not be filled yet."""
        if self._aim and self._aim.phase in WRITE_LIMITS and self._left == 0:
            _limit_files(resource.RLIM_INFINITY)
            self._left = 1

    def _written(self, of_input: bool, step: int) -> None:
        if not of_input:
            self._diary.saved(step)
        self._saved_steps[of_input] = step
        if self._saved_steps.get(not of_input) == step or step == self._start_step:
            # The partner of the first checkpoint is there already, or not needed at the very beginning.
            self._board.phase = Phase.TRAINING
        else:
            self.reach(Phase.BETWEEN)

    def _around_restore(self, restore: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(saver: Any, session: Any, path: str) -> Any:
            phase = Phase.RESTORE_INPUT if _is_input(path) else Phase.RESTORE_MODEL
            self._board.phase = phase
            dies = self._is_hit(phase)
            if dies and self._aim:
                threading.Timer(self._aim.share * _RESTORE_SECONDS, die).start()
            result = restore(saver, session, path)
            if dies:  # the timer was too slow
                die()
            if phase is Phase.RESTORE_MODEL:
                self._start_step = int(os.fspath(path).rpartition("-")[2])
            return result

        return wrapper

    def _around_rename(self, rename: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(source: Any, target: Any, *args: Any) -> Any:
            of_model = os.path.basename(os.fsdecode(target)) == "checkpoint"
            if of_model:
                self.reach(Phase.BEFORE_STATE)
            result = rename(source, target, *args)
            if of_model:
                self.reach(Phase.AFTER_STATE)
            return result

        return wrapper

    def _before_removal(self, remove: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: Any) -> Any:
            self._removing(path)
            return remove(path)

        return wrapper

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.remove":
            self._removing(arguments[0])

    def _removing(self, path: Any) -> None:
        name = os.path.basename(os.fsdecode(path))
        if ".ckpt-" in name:
            self.reach(Phase.INPUT_REMOVAL if _is_input(name) else Phase.MODEL_REMOVAL)


def _is_input(path: Any) -> bool:
    return os.path.basename(os.fsdecode(path)).startswith("input")


def _limit_files(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))
