"""The machine that figures belong to."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path


def machine(directory: str) -> dict[str, str | int]:
    """Return what the figures depend on; `directory` is where files were written."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "tensorflow": importlib.metadata.version("tensorflow"),
        "file_system": file_system(directory),
        "load_1min": round(os.getloadavg()[0]),
    }


def one_line(facts: dict[str, str | int]) -> str:
    """Return the machine as a line for people."""
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}, "
        f"TensorFlow {facts['tensorflow']}, files on {facts['file_system']}, load {facts['load_1min']}"
    )


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    """Return the processor's name."""
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def file_system(directory: str) -> str:
    """Return the type of the file system that holds `directory`: that of the longest mount point above it."""
    path = os.path.realpath(directory)
    mounts = [line.split()[1:3] for line in _lines("/proc/mounts")]
    above = [(point, kind) for point, kind in mounts if os.path.commonpath([path, point]) == point]
    return max(above, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:  # not on Linux
        return []
