"""One attempt to save, on the clock: it ends as a `SaveCompleted`, or as a `SaveFailed` and the error."""

from __future__ import annotations

from collections.abc import Callable

from observed_hooks.clock import Clock
from observed_hooks.errors import one_line
from observed_hooks.events import Event, Kind, SaveCompleted, SaveFailed


def timed_save(
    kind: Kind, step: int, write: Callable[[], str], *, clock: Clock, publish: Callable[[Event], None]
) -> SaveCompleted:
    """Call `write`, which holds up the training thread and returns the prefix, and return how it went.

    The completed save is not published: whoever called does so once the directory is tidy, so that what is measured
    then is what stays. A failed one is published, and its error raised.
    """
    start = clock.monotonic()
    try:
        prefix = write()
    except BaseException as error:
        seconds = clock.monotonic() - start
        publish(
            SaveFailed(kind=kind, step=step, duration_seconds=seconds, stall_seconds=seconds, error=one_line(error))
        )
        raise
    seconds = clock.monotonic() - start
    return SaveCompleted(kind=kind, step=step, prefix=prefix, duration_seconds=seconds, stall_seconds=seconds)
