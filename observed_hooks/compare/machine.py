"""The machine that a comparison runs on: what its figures depend on, and how much memory a case may take."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version

from observed_hooks.compare.result import Machine

_CPU_NAME = re.compile(r"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$", re.MULTILINE)
_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_KIB = 1024
_CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def this_machine() -> Machine:
    """Return what is known of this machine, in some milliseconds: TensorFlow is asked for its version, not loaded."""
    return Machine(
        cpu=_cpu(),
        cores=_cores(),
        memory_bytes=_memory_bytes(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        tensorflow=_tensorflow(),
    )


def available_memory_bytes() -> int | None:
    """Return the memory that processes can still take before others suffer; None where the system does not tell.

    The lower of what Linux calls available, in `/proc/meminfo`, and what the control group of a container has left.
    """
    found = [bytes_left for bytes_left in (_available(), *map(_left, _CONTROL_GROUPS)) if bytes_left is not None]
    return min(found, default=None)


def _cpu() -> str:
    match = _CPU_NAME.search(_text("/proc/cpuinfo"))
    return match[1].strip() if match else platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _tensorflow() -> str:
    for distribution in ("tensorflow", "tensorflow-cpu", "tf-nightly"):
        with contextlib.suppress(PackageNotFoundError):
            return version(distribution)
    return "unknown"


def _available() -> int | None:
    match = _AVAILABLE.search(_text("/proc/meminfo"))
    return int(match[1]) * _KIB if match else None


def _left(group: tuple[str, str]) -> int | None:
    limit, used = (_text(path).strip() for path in group)
    # `max` is no limit, and so is what version 1 shows without one: more than any machine has.
    return max(0, int(limit) - int(used)) if limit.isdigit() and used.isdigit() else None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
