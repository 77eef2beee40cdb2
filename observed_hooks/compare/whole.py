"""Files that are there as a whole or not at all, whatever ends the process that writes them."""

from __future__ import annotations

import contextlib
import os


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path`, in place of what is there.

    Raises:
        OSError: it cannot be written; what was there is as it was, and nothing half-written stays.
    """
    aside = f"{os.fspath(path)}.{os.getpid()}.tmp"
    try:
        # A path that is no UTF-8 may be part of the text.
        with open(aside, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        os.replace(aside, path)
    except BaseException:  # Ctrl-C, too
        with contextlib.suppress(OSError):
            os.remove(aside)
        raise
