"""A measuring process, seen from outside: started, watched, and ended when it takes too much memory or time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from observed_hooks.clock import Clock, SystemClock
from observed_hooks.inspection.human import size

_LOOK_SECONDS = 0.05
"""How often memory is looked at: what can be taken in between is little beside what is left to others."""
_HAS_PROC = os.path.exists("/proc/self/statm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a process may take before it is ended."""

    seconds: float
    memory_bytes: int | None
    """Resident; None is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a process ended."""

    exit_code: int
    """As `subprocess` has it: negative for a signal."""
    seconds: float
    peak_bytes: int | None
    """The most resident memory that was seen; None where there is no /proc."""
    ended: str = ""
    """Why it was ended from outside, in one line; empty when it ended by itself."""


def run(command: Sequence[str], log: str, limits: Limits, clock: Clock | None = None) -> Outcome:
    """Run `command` to its end, or to where it exceeds its limits; neither it nor what it started is left behind.

    It has a session of its own, so Ctrl-C does not reach it. Its standard input is a pipe that ends with this process.

    Args:
        command: program and arguments.
        log: the path of a file that gets its standard output and standard error.
        limits: what it may take.
        clock: for durations; the machine's by default.

    Raises:
        OSError: it cannot be started.
    """
    clock = clock or SystemClock()
    began = clock.monotonic()
    with open(log, "ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module, under this interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
    try:
        ended, peak_bytes = _watch(process, limits, clock, began)
    finally:
        _end(process)
    peak = f" when it held {size(peak_bytes)}" if peak_bytes else ""
    if not ended and process.returncode == -signal.SIGKILL:
        ended = f"ran out of memory: its process was ended by the system (SIGKILL){peak}"
    return Outcome(exit_code=process.returncode, seconds=clock.monotonic() - began, peak_bytes=peak_bytes, ended=ended)


def last_line(path: str) -> str:
    """Return the last line of the log at `path` that says something."""
    with open(path, encoding="utf-8", errors="replace") as log:
        lines = [line.strip() for line in log if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _watch(process: subprocess.Popen[bytes], limits: Limits, clock: Clock, began: float) -> tuple[str, int | None]:
    """Return why the process must be ended, or an empty text when it has ended; and its peak."""
    peak_bytes: int | None = None
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
            return "", peak_bytes
        resident_bytes = _resident_bytes(process.pid)
        if resident_bytes is not None:
            peak_bytes = max(resident_bytes, peak_bytes or 0)
        if limits.memory_bytes is not None and (peak_bytes or 0) > limits.memory_bytes:
            held, allowed = size(peak_bytes or 0), size(limits.memory_bytes)
            return f"ran out of memory: ended when it held {held}, more than the {allowed} of --max-memory", peak_bytes
        if clock.monotonic() - began > limits.seconds:
            return f"took too long: ended after {limits.seconds:,.0f} s; a larger --budget gives it more", peak_bytes


def _end(process: subprocess.Popen[bytes]) -> None:
    # Its whole group, also when it has ended by itself: a pipeline may have started processes and left them.
    # macOS calls it a lack of permission when all that is left of a group has ended.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _resident_bytes(pid: int) -> int | None:
    if not _HAS_PROC:
        return None
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):  # it has just ended
        return None


def _environment() -> dict[str, str]:
    """Return the environment of a job of one process, on the CPU unless this shell says otherwise."""
    defaults = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    return defaults | inherited
