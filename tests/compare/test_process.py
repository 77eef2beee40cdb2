from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from observed_hooks.compare import process
from observed_hooks.compare.process import Limits, Outcome, last_line, run
from observed_hooks.testing import FakeClock

NONE = Limits(seconds=600.0, memory_bytes=None)
MIB = 1024 * 1024

proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")


def python(code: str, directory: Path, limits: Limits = NONE) -> Outcome:
    return run([sys.executable, "-c", code], str(directory / "log"), limits)


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def all_end(pids: list[int]) -> bool:
    """Wait for what has been killed, which takes the kernel a moment."""
    deadline = time.monotonic() + 20.0
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(is_alive, pids))


class TestAProcess:
    def test_that_ends_well_is_told_by_its_exit_code_alone(self, tmp_path: Path) -> None:
        outcome = python("pass", tmp_path)

        assert (outcome.exit_code, outcome.ended) == (0, "")

    def test_that_fails_leaves_its_last_words_in_the_log(self, tmp_path: Path) -> None:
        outcome = python("print('hello', flush=True); raise SystemExit('it broke')", tmp_path)

        assert (outcome.exit_code, outcome.ended) == (1, "")
        assert (tmp_path / "log").read_text().splitlines() == ["hello", "it broke"]
        assert last_line(str(tmp_path / "log")) == "it broke"

    def test_that_takes_too_long_is_ended(self, tmp_path: Path) -> None:
        outcome = python("import time; time.sleep(600)", tmp_path, Limits(seconds=0.2, memory_bytes=None))

        assert outcome.ended.startswith("took too long: ended after 0 s; a larger --budget")
        assert outcome.exit_code == -signal.SIGKILL

    @proc
    def test_that_takes_too_much_memory_is_ended_while_it_has_more_to_take(self, tmp_path: Path) -> None:
        code = "import time; held = bytearray(200 << 20); held[::4096] = b'x' * len(held[::4096]); time.sleep(600)"
        outcome = python(code, tmp_path, Limits(seconds=600.0, memory_bytes=100 * MIB))

        assert outcome.ended.startswith("ran out of memory: ended when it held ")
        assert outcome.ended.endswith(" MiB, more than the 100.0 MiB of --max-memory")
        assert outcome.peak_bytes is not None
        assert outcome.peak_bytes > 100 * MIB

    @proc
    def test_that_keeps_within_its_limits_is_left_alone(self, tmp_path: Path) -> None:
        outcome = python("import time; time.sleep(0.2)", tmp_path, Limits(seconds=600.0, memory_bytes=2048 * MIB))

        assert (outcome.exit_code, outcome.ended) == (0, "")
        assert outcome.peak_bytes

    def test_that_the_kernel_ended_has_run_out_of_memory(self, tmp_path: Path) -> None:
        outcome = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)

        assert outcome.ended.startswith("ran out of memory: its process was ended by the system (SIGKILL)")

    def test_is_a_session_of_its_own_so_that_ctrl_c_is_not_its_own(self, tmp_path: Path) -> None:
        outcome = python(f"import os; raise SystemExit(os.getsid(0) == {os.getsid(0)})", tmp_path)

        assert outcome.exit_code == 0

    def test_is_a_job_of_its_own_whatever_the_shell_belongs_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_CONFIG", '{"task": {"type": "worker", "index": 1}}')
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

        assert "TF_CONFIG" not in process._environment()
        assert process._environment()["CUDA_VISIBLE_DEVICES"] == "0"

    def test_is_timed_by_the_clock_that_is_passed_in(self, tmp_path: Path) -> None:
        assert run([sys.executable, "-c", ""], str(tmp_path / "log"), NONE, FakeClock()).seconds == 0.0

    @proc
    def test_is_ended_with_all_that_it_started_when_this_one_is_interrupted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A pipeline may start processes of its own."""
        pids = tmp_path / "pids"
        code = (
            "import os, subprocess, sys; "
            "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
            f"open({str(pids) + '.tmp'!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}'); "
            f"os.rename({str(pids) + '.tmp'!r}, {str(pids)!r}); other.wait()"
        )

        def interrupt(_pid: int) -> None:
            if pids.exists():
                raise KeyboardInterrupt

        monkeypatch.setattr(process, "_resident_bytes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            python(code, tmp_path)

        assert all_end([int(pid) for pid in pids.read_text().split()])

    @proc
    def test_that_ends_well_leaves_nothing_behind_that_it_started(self, tmp_path: Path) -> None:
        code = (
            "import subprocess, sys; "
            "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
            "print(other.pid, flush=True)"
        )
        outcome = python(code, tmp_path)

        assert (outcome.exit_code, outcome.ended) == (0, "")
        assert all_end([int((tmp_path / "log").read_text())])
