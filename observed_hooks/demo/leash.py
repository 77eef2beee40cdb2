"""The leash between a training process and the process that started it: a pipe, whose other end nobody else holds.

Every byte that comes allows one more step. When the pipe ends, because the parent let go or because it died in
whatever way, the child ends too: there are no orphans.
"""

from __future__ import annotations

import os
import threading

AHEAD_STEPS = 2
"""How far training may be ahead of what the parent has heard of: on a busy machine, too, a kill lands where it was
aimed, and yet in the midst of work."""

_LET_GO_EXIT_CODE = 3


class Leash:
    """The child's end. Watched by a daemon thread from the beginning."""

    def __init__(self, descriptor: int = 0) -> None:
        """Watch `descriptor`, standard input unless told otherwise."""
        self._descriptor = descriptor
        self._allowed = threading.Semaphore(AHEAD_STEPS)
        self._let_go = threading.Event()
        self._may_finish = False
        threading.Thread(target=self._watch, name="demo-leash", daemon=True).start()

    def wait_for_step(self) -> None:
        """Wait until the parent has heard enough for one more step. On the training thread."""
        self._allowed.acquire()

    def loosen(self) -> None:
        """Survive the parent's end from now on: what is left to do is little, and to be done in good order."""
        self._may_finish = True

    def wait_until_let_go(self) -> None:
        """Wait for the parent's end."""
        self._let_go.wait()

    def _watch(self) -> None:
        while allowed := os.read(self._descriptor, 4096):
            self._allowed.release(len(allowed))
        self._let_go.set()
        if not self._may_finish:
            # Not sys.exit(): TensorFlow may be in the middle of anything on the main thread.
            os._exit(_LET_GO_EXIT_CODE)
