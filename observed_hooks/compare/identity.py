"""Whether a source is still what it was: a comparison that continues does not mix the figures of two.

Known are the sizes and times of TFRecord files, and what stands in the file of a pipeline's module: neither what that
imports nor the data that it reads.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib
import importlib.util
import os
import stat
import sys
from importlib.machinery import ModuleSpec, PathFinder

from observed_hooks.compare.plan import Source

CHANGED = {"tfrecord": "the files have changed", "pipeline": "the pipeline's module has changed"}
"""What to say of sources of a kind whose identity is another one."""


def identity_of(source: Source) -> str:
    """Return a text that changes with what `source` names; nothing is imported.

    Empty where it cannot be told: the digits never change, and a file may not be found.
    """
    if source.kind == "tfrecord":
        return _hash_of_files(source.text)
    if source.kind == "pipeline":
        return _hash_of_module(source.text.partition(":")[0])
    return ""


def _hash_of_files(pattern: str) -> str:
    found = []
    for path in sorted(glob.glob(pattern, recursive=True)):
        with contextlib.suppress(FileNotFoundError):  # it has just been removed, or leads nowhere
            status = os.stat(path)
            if stat.S_ISREG(status.st_mode):
                found.append((path, status.st_size, status.st_mtime_ns))
    return _hash(repr(found).encode()) if found else ""


def _hash_of_module(name: str) -> str:
    try:
        spec = _spec(name)
        if spec is None or spec.origin is None or not spec.has_location:
            return ""
        with open(spec.origin, "rb") as file:
            return _hash(file.read())
    except (ImportError, OSError, ValueError):  # what is wrong with it is told by who imports it
        return ""


def _spec(name: str) -> ModuleSpec | None:
    """Find a module where it would be imported from, the current directory first, but import no package around it."""
    importlib.invalidate_caches()
    first, *others = name.split(".")
    here = os.getcwd()
    path = sys.path if here in sys.path else [here, *sys.path]
    # What is on no path may be known to a finder of its own, such as that of an editable installation.
    spec = PathFinder.find_spec(first, path) or importlib.util.find_spec(first)
    for place, _ in enumerate(others, start=2):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(name.split(".")[:place]), spec.submodule_search_locations)
    return spec


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
