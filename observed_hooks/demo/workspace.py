"""The demo's directory: what lies where, and how a second demo starts afresh without harming anything else."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from observed_hooks.checkpoints.baseline import OWN_DIRECTORY
from observed_hooks.errors import CheckpointDirectoryError

_MARKER = ".observed-hooks-demo"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths below the demo's directory."""

    directory: str

    @property
    def data(self) -> str:
        """The digits, as TFRecord files."""
        return os.path.join(self.directory, "data")

    @property
    def checkpoints(self) -> str:
        """The model's and the input pipeline's checkpoints."""
        return os.path.join(self.directory, "checkpoints")

    @property
    def events(self) -> str:
        """What the bus told the JSON lines sink."""
        return os.path.join(self.checkpoints, OWN_DIRECTORY, "events.jsonl")

    @property
    def scalars(self) -> str:
        """What the bus told the TensorBoard sink."""
        return os.path.join(self.checkpoints, OWN_DIRECTORY, "tensorboard")

    @property
    def consumed(self) -> str:
        """The examples that training consumed, step by step; see `record`."""
        return os.path.join(self.directory, "consumed.jsonl")

    @property
    def uninterrupted(self) -> str:
        """The examples that an uninterrupted run of the input pipeline yields, in the same form."""
        return os.path.join(self.directory, "uninterrupted.jsonl")

    @property
    def log(self) -> str:
        """What the training processes wrote to their standard error."""
        return os.path.join(self.directory, "training.log")


@contextlib.contextmanager
def fresh_workspace(directory: str) -> Iterator[Workspace]:
    """Make `directory`, or empty it of an earlier demo, and keep it to ourselves for the length of the block.

    Only what a demo writes is removed: a file that somebody else put there stays.

    Raises:
        CheckpointDirectoryError: it is a file, holds something and was not made by the demo, cannot be written, or
            another demo is at work in it.
    """
    workspace = Workspace(directory)
    with _marked(directory):
        for path in (workspace.data, workspace.checkpoints):
            shutil.rmtree(path, ignore_errors=True)
        for path in (workspace.consumed, workspace.uninterrupted, workspace.log):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
        yield workspace


@contextlib.contextmanager
def _marked(directory: str) -> Iterator[None]:
    """Claim `directory` with a marker file, locked during the block; the lock ends with the process."""
    try:
        marker = _open_marker(directory)
    except OSError as error:
        raise CheckpointDirectoryError(
            f"the demo cannot write to {directory!r}: {error.strerror}; pass --dir with another directory"
        ) from error
    with os.fdopen(marker, "wb"):
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CheckpointDirectoryError(
                f"another demo is at work in {directory!r}; end it, or pass --dir with another directory"
            ) from error
        yield


def _open_marker(directory: str) -> int:
    path = os.path.join(directory, _MARKER)
    if not os.path.isdir(directory) or not os.listdir(directory):
        os.makedirs(directory, exist_ok=True)
        # Nothing a demo writes is to be committed by the repository that it may have been run in.
        with open(os.path.join(directory, ".gitignore"), "w", encoding="ascii") as ignore:
            ignore.write("*\n")
    elif not os.path.exists(path):
        raise CheckpointDirectoryError(
            f"{directory!r} is not empty and was not made by the demo, which would start afresh in it; "
            "pass --dir with a new directory"
        )
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
