"""Whether a checkpoint is what was written: every checksum, compared."""

from __future__ import annotations

from collections.abc import Iterator

from observed_hooks.checkpoints.verification import check, verify
from observed_hooks.errors import CheckpointFormatError, ConfigurationError
from observed_hooks.inspection.report import readable_index


def findings(prefix: str) -> Iterator[str]:
    """Yield what is wrong with the checkpoint, a line for each entry that is damaged; nothing when all is well."""
    try:
        bundle = readable_index(prefix)
    except CheckpointFormatError as error:
        yield str(error)
        return
    try:
        for entry, sound in verify(bundle):
            if not sound:
                try:
                    check(bundle, entry)
                except (CheckpointFormatError, FileNotFoundError) as error:
                    yield f"{entry.name}: {error}"
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from error
