"""The parent's view of a training process: started, heard, killed or let go, and never left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from observed_hooks.demo.messages import Message, Stepped, decode
from observed_hooks.demo.plan import Plan
from observed_hooks.errors import StateError

if TYPE_CHECKING:
    from typing_extensions import Self

_PATIENCE_SECONDS = 10.0


class TrainingProcess:
    """A child that trains by `plan`. A context manager; leaving it ends the child."""

    def __init__(self, plan: Plan) -> None:
        self._log = plan.workspace.log
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, under this interpreter
                [sys.executable, "-m", "observed_hooks.demo.child", plan.to_argument()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(),
                # Ctrl-C is the parent's to deal with; the child's leash tells it what follows.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def messages(self) -> Iterator[Message]:
        """Yield what the child says until it ends. It goes on with its work as its words are dealt with."""
        for line in self._process.stdout or ():
            try:
                message = decode(line)
            except ValueError:  # cut off by the kill
                continue
            yield message
            if isinstance(message, Stepped):
                self._allow_one_step()

    def kill(self) -> None:
        """End the child with SIGKILL: nothing in it can catch this, or tidy up before it."""
        self._process.kill()
        self._process.wait()

    def let_go(self) -> None:
        """Have the child end: at once while it trains, in good order when it only serves."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def failure(self) -> StateError:
        """Return the error that says how a child ended which should not have ended yet."""
        code = self._process.wait()
        return StateError(
            f"the training process ended before its time, with exit code {code}: {_last_line(self._log)} "
            f"(all it said is in {self._log})"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()

    def _allow_one_step(self) -> None:
        if self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # it has ended; `messages` will notice
            self._process.stdin.write(b".")
            self._process.stdin.flush()


def _environment() -> dict[str, str]:
    """Return the environment of a job of one process, on the CPU unless this shell says otherwise."""
    defaults = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    return defaults | inherited


def _last_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as log:
        lines = [line.strip() for line in log if line.strip()]
    return lines[-1] if lines else "it said nothing"
