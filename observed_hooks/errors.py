"""Every error this package raises, as one tree.

Catch `ObservedHooksError` for all of them. Each also derives from the built-in type that users of
TensorFlow's own hooks already catch. A message says what was expected, what came, and what to do.
"""

from __future__ import annotations

import re
from itertools import pairwise

# How TensorFlow lists what failed at once, such as the iterators of several devices.
_ROOT_ERROR = re.compile(r"\(\d+\) [A-Z_]+: (.+)")


class ObservedHooksError(Exception):
    """Base of every error raised by this package."""


class ConfigurationError(ObservedHooksError, ValueError):
    """An argument, or a combination of arguments, that cannot work."""


class CheckpointDirectoryError(ConfigurationError):
    """The checkpoint directory is a file, cannot be created, or cannot be written."""


class SinkError(ConfigurationError):
    """A sink that cannot be set up: a taken metric name, no free port, an unusable directory."""


class MissingExtraError(ObservedHooksError, ImportError):
    """An optional dependency is absent; the message names the extra that brings it."""


class StateError(ObservedHooksError, RuntimeError):
    """A call that comes at the wrong time, or on a graph that lacks what it needs."""


class BusClosedError(StateError):
    """The bus was closed; it takes no new listeners, subscribers or hooks."""


class SaveError(StateError):
    """A model checkpoint could not be written, and TensorFlow's own error would have passed for the end of the data."""


class RestoreError(StateError):
    """The input pipeline cannot be brought to the position that belongs to the model."""


class UnserializableError(StateError):
    """The input pipeline holds something that TensorFlow cannot save."""


class InputTooLargeError(StateError):
    """An input checkpoint grew beyond the limit that was set for it."""


class CheckpointFormatError(ObservedHooksError, ValueError):
    """A checkpoint file that is damaged or is not a checkpoint; names the file and the offset."""

    def __init__(self, path: str, offset: int, problem: str) -> None:
        """Say that `problem` was found in the file at `path`, `offset` bytes from its start."""
        super().__init__(f"{path}, byte {offset}: {problem}")
        self.path = path
        self.offset = offset
        self.problem = problem


def one_line(error: BaseException) -> str:
    """Return the type of `error` and the line of its message that tells most, for events and logs."""
    return f"{type(error).__name__}: {telling_line(str(error))}"


def telling_line(message: str) -> str:
    """Return the first line of `message`; for an error of TensorFlow's graph, the one that names the cause."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or [""]
    roots = [match[1] for match in map(_ROOT_ERROR.fullmatch, lines) if match]
    causes = [after for before, after in pairwise(lines) if before.startswith("Node: ")]
    return (roots or causes or lines)[0]
