"""From what a user types to checkpoints: a prefix, one of a checkpoint's files, or a directory."""

from __future__ import annotations

import os
import re
from pathlib import Path

from observed_hooks.errors import ConfigurationError

_INDEX = ".index"
_FILE = re.compile(r"\.(?:index|meta|data-\d{5}-of-\d{5})\Z")
_STEP = re.compile(r"(?P<basename>.*?)-(?P<step>\d+)\Z", re.DOTALL)


def newest(path: str) -> tuple[str, ...]:
    """Return the checkpoint at `path`; of a directory, the newest of each basename.

    Raises:
        ConfigurationError: there is none.
    """
    if not os.path.isdir(path):
        return (single(path),)
    found: dict[str, str] = {}
    for prefix in every(path):
        found[basename_and_step(prefix)[0]] = prefix
    return tuple(found.values())


def single(path: str) -> str:
    """Return the prefix of the one checkpoint at `path`.

    Raises:
        ConfigurationError: there is none, or there are several.
    """
    prefix = _FILE.sub("", path)
    if os.path.isdir(path):
        prefixes = newest(path)
        if len(prefixes) > 1:
            names = ", ".join(map(os.path.basename, prefixes))
            raise ConfigurationError(f"expected one checkpoint, and {path} has several: name one of {names}")
        return prefixes[0]
    if not os.path.exists(prefix + _INDEX):
        raise ConfigurationError(f"no checkpoint at {path}: expected a directory, or a file {prefix}{_INDEX}")
    return prefix


def every(directory: str) -> tuple[str, ...]:
    """Return the prefixes of all checkpoints in `directory`, by basename, then by step.

    Raises:
        ConfigurationError: there is none, or the directory cannot be read.
    """
    try:
        names = [each.name for each in Path(directory).iterdir() if each.name.endswith(_INDEX)]
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be read: {error.strerror}") from error
    if not names:
        raise ConfigurationError(f"no checkpoint in {directory}: expected a file that ends in {_INDEX}")
    prefixes = [os.path.join(directory, name.removesuffix(_INDEX)) for name in names]
    return tuple(sorted(prefixes, key=lambda prefix: (*basename_and_step(prefix), prefix)))


def basename_and_step(prefix: str) -> tuple[str, int]:
    """Return the two parts of `<dir>/<basename>-<step>`; step -1 for a prefix that has none."""
    name = os.path.basename(prefix)
    match = _STEP.match(name)
    return (match["basename"], int(match["step"])) if match else (name, -1)
