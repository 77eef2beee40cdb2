"""Every error this package raises, as one tree.

Catch `ObservedHooksError` for all of them. Each also derives from the built-in type that users of
TensorFlow's own hooks already catch. A message says what was expected, what came, and what to do.
"""

from __future__ import annotations


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


class RestoreError(StateError):
    """The input pipeline cannot be brought to the position that belongs to the model."""


class CheckpointFormatError(ObservedHooksError, ValueError):
    """A checkpoint file that is damaged or is not a checkpoint; names the file and the offset."""

    def __init__(self, path: str, offset: int, problem: str) -> None:
        """Say that `problem` was found in the file at `path`, `offset` bytes from its start."""
        super().__init__(f"{path}, byte {offset}: {problem}")
        self.path = path
        self.offset = offset
        self.problem = problem


def one_line(error: BaseException) -> str:
    """Return the type of `error` and the first line of its message, for events and logs."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"
