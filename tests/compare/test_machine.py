from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from observed_hooks.compare import machine
from observed_hooks.compare.machine import available_memory_bytes, this_machine

GIB = 1024**3


class TestTheMachine:
    def test_is_told_by_what_figures_depend_on(self) -> None:
        found = this_machine()

        assert found.cpu
        assert 1 <= found.cores <= (os.cpu_count() or 1)
        assert found.memory_bytes is None or found.memory_bytes > 0
        assert found.python == platform.python_version()
        assert found.tensorflow[0].isdigit()

    def test_has_the_cores_that_this_process_may_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)

        assert this_machine().cores == 1

    def test_is_told_where_linux_files_are_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "_text", lambda path: "")
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)

        assert this_machine().cpu
        assert this_machine().cores >= 1
        assert available_memory_bytes() is None


class TestAvailableMemory:
    @pytest.fixture
    def files(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """What the system tells, by path."""
        texts = {"/proc/meminfo": f"MemTotal: 99 kB\nMemAvailable:   {8 * GIB // 1024} kB\nBuffers: 1 kB\n"}
        monkeypatch.setattr(machine, "_text", lambda path: texts.get(path, ""))
        return texts

    def test_is_what_linux_calls_so(self, files: dict[str, str]) -> None:
        assert available_memory_bytes() == 8 * GIB

    def test_is_what_the_container_has_left_where_that_is_less(self, files: dict[str, str]) -> None:
        files["/sys/fs/cgroup/memory.max"] = f"{4 * GIB}\n"
        files["/sys/fs/cgroup/memory.current"] = f"{1 * GIB}\n"

        assert available_memory_bytes() == 3 * GIB

    @pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
    def test_is_the_machines_in_a_container_without_a_limit(self, files: dict[str, str], limit: str) -> None:
        directory = Path("/sys/fs/cgroup")
        files[str(directory / "memory.max")] = limit
        files[str(directory / "memory.current")] = str(GIB)

        assert available_memory_bytes() == 8 * GIB
