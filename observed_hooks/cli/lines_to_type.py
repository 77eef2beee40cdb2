"""How a command line that people may type next is written: as short as it works where they are."""

from __future__ import annotations

import os
import shlex
import shutil
import sys


def program(name: str) -> str:
    """Return how to call a program that was installed with us: the PATH may not lead to it, or to another one."""
    ours, found = os.path.join(os.path.dirname(sys.executable), name), shutil.which(name)
    if not os.path.exists(ours) or (found is not None and os.path.samefile(ours, found)):
        return name
    return typed(ours)


def typed(path: str) -> str:
    """Return `path` as an argument of a line that is there to be copied into a shell."""
    return shlex.quote(relative(path))


def relative(path: str) -> str:
    """Return `path` as a person would name it here."""
    brief = os.path.relpath(path)
    return path if brief.startswith(os.pardir) else brief
