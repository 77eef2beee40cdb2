"""One save at a time on a thread of its own.

The thread is no daemon: a process that ends in good order lets the save under way complete first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class BackgroundSave:
    """Work that goes on while training does. It is waited for, and its error asked for, on the training thread."""

    def __init__(self, work: Callable[[], None], step: int) -> None:
        """Start `work`, which saves the state of `step`."""
        self.step = step
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name=f"observed_hooks-save-{step}", daemon=False)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the work has ended, well or not."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait for the end of the work, however long it takes; a save is never given up."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised again on the training thread
            self.error = error
