from __future__ import annotations

import subprocess
import sys

from observed_hooks.demo.leash import AHEAD_STEPS

# Says a word for each step it may do; in the end it does as it is told.
CHILD = """
import sys
from observed_hooks.demo.leash import Leash
leash = Leash()
for step in range({steps}):
    leash.wait_for_step()
    print(step, flush=True)
{end}
print("done", flush=True)
"""


def child(*, steps: int, end: str = "") -> subprocess.Popen[bytes]:
    code = CHILD.format(steps=steps, end=end)
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class TestTheLeash:
    def test_ends_a_child_that_is_at_work_when_the_parent_is_gone(self) -> None:
        with child(steps=1000) as process:
            out, _ = process.communicate(timeout=20)

        assert process.returncode == 3
        assert len(out.split()) <= AHEAD_STEPS

    def test_lets_a_child_do_one_more_step_for_each_that_was_heard(self) -> None:
        with child(steps=1000) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"...")
            process.stdin.flush()
            allowed = [process.stdout.readline() for _ in range(AHEAD_STEPS + 3)]
            rest, _ = process.communicate(timeout=20)

        assert allowed[-1] == f"{AHEAD_STEPS + 2}\n".encode()
        assert rest == b""

    def test_lets_a_loosened_child_end_in_good_order(self) -> None:
        with child(steps=1, end="leash.loosen(); print('loose', flush=True); leash.wait_until_let_go()") as process:
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(2)] == [b"0\n", b"loose\n"]
            out, _ = process.communicate(timeout=20)

        assert (process.returncode, out) == (0, b"done\n")
