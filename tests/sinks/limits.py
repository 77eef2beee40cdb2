"""A disk that is full for a while, without one: a limit on the size of files, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

_PROGRAM = """
import os, resource, signal, threading
from tests.sinks.examples import record, saved
{setup}
threads = threading.active_count()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
threading.excepthook = lambda *_: None
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, hard))
failures = []
for step in range(100):
    try:
        sink.write(record(saved(step)))
    except Exception as error:
        failures.append(type(error).__name__)
threads = threading.active_count() - threads
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
sink.write(record(saved(999)))
sink.close()
print(failures[0] if failures else "nothing", threads, flush=True)
os._exit(0)  # not through the finalisers of whatever library the sink loaded
"""


def run_with_small_files(setup: str, *, limit_bytes: int = 3000) -> str:
    """Run `setup`, which makes `sink`; write 100 records while files may not grow, then one more.

    Returns:
        The type of the first exception that `sink.write` raised, and how many threads that left behind.
    """
    program = _PROGRAM.format(setup=textwrap.dedent(setup), limit_bytes=limit_bytes)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
