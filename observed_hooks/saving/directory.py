"""Whether a directory can hold checkpoints, found out before training starts rather than at the first save."""

from __future__ import annotations

import os

from observed_hooks.checkpoints.files import is_remote
from observed_hooks.errors import CheckpointDirectoryError, ConfigurationError


def as_directory(checkpoint_dir: object) -> str:
    """Return `checkpoint_dir` as text.

    Raises:
        ConfigurationError: it is empty or not a path.
        CheckpointDirectoryError: it is a file.
    """
    if not isinstance(checkpoint_dir, str | os.PathLike) or not os.fspath(checkpoint_dir):
        raise ConfigurationError(f"expected checkpoint_dir to be the path of a directory, got {checkpoint_dir!r}")
    directory = str(os.fspath(checkpoint_dir))
    if os.path.isfile(directory):
        raise CheckpointDirectoryError(
            f"expected checkpoint_dir to be a directory, got the file {directory!r}; name another path"
        )
    return directory


def require_writable(directory: str) -> None:
    """Make `directory` if it is not there. A remote one is left to TensorFlow.

    Raises:
        CheckpointDirectoryError: it cannot be made, or nothing can be written into it.
    """
    if is_remote(directory):
        return
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise CheckpointDirectoryError(
            f"cannot make the checkpoint directory {directory!r}: {error.strerror}; "
            "name another path or mend its permissions"
        ) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise CheckpointDirectoryError(
            f"cannot write into the checkpoint directory {directory!r}; mend its permissions or run as a user who may"
        )
