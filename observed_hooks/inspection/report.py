"""One checkpoint taken apart: its entries, its components, and the tf.data nodes of the iterators in it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from observed_hooks.checkpoints import dtypes
from observed_hooks.checkpoints.bundle import Bundle, read_index
from observed_hooks.checkpoints.components import component_bytes, component_of
from observed_hooks.checkpoints.iterator_state import IteratorState, iterator_state_of
from observed_hooks.errors import CheckpointFormatError, ConfigurationError
from observed_hooks.events import Component, ComponentBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReport:
    """One entry of the index."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    component: Component
    shards: tuple[int, ...]
    """The data files that hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a checkpoint holds."""

    prefix: str
    num_shards: int
    files_bytes: int
    """Of the index and the data files that are there."""
    entries: tuple[EntryReport, ...]
    """Largest first."""
    components: tuple[ComponentBytes, ...]
    iterators: tuple[IteratorState, ...]
    unread: str
    """Why the iterators could not be taken apart; empty when they could."""

    @property
    def tensors_bytes(self) -> int:
        """Of all entries together."""
        return sum(entry.size_bytes for entry in self.entries)

    def as_fields(self) -> dict[str, Any]:
        """Return it for programs, ready for JSON."""
        return {**asdict(self), "tensors_bytes": self.tensors_bytes}


def inspect(prefix: str) -> Report:
    """Take the checkpoint with this prefix apart.

    The index is enough for most of it: where a data file is gone or damaged, only the iterators stay unknown.

    Raises:
        CheckpointFormatError: the index is damaged.
        ConfigurationError: the index cannot be read.
    """
    bundle = readable_index(prefix)
    iterators, unread = _iterators(bundle)
    components = component_of(bundle.entries)
    entries = (
        EntryReport(
            name=entry.name,
            dtype=entry.dtype,
            shape=entry.shape,
            size_bytes=entry.size,
            component=components[entry.name],
            shards=tuple(sorted({part.shard for part in entry.parts})),
        )
        for entry in bundle.entries
    )
    return Report(
        prefix=prefix,
        num_shards=bundle.num_shards,
        files_bytes=_files_bytes(bundle),
        entries=tuple(sorted(entries, key=lambda entry: (-entry.size_bytes, entry.name))),
        components=component_bytes(bundle.entries),
        iterators=iterators,
        unread=unread,
    )


def readable_index(prefix: str) -> Bundle:
    """Return the index; raises as `inspect` does."""
    try:
        return read_index(prefix)
    except OSError as error:
        raise ConfigurationError(f"the index of {prefix} cannot be read: {error.strerror}") from error


def _iterators(bundle: Bundle) -> tuple[tuple[IteratorState, ...], str]:
    if not any(entry.dtype == dtypes.VARIANT for entry in bundle.entries):
        return (), ""
    try:
        return iterator_state_of(bundle), ""
    except OSError as error:
        return (), f"{error.filename}: {error.strerror}"
    except CheckpointFormatError as error:
        return (), str(error)


def _files_bytes(bundle: Bundle) -> int:
    paths = [f"{bundle.prefix}.index", *map(bundle.data_path, range(bundle.num_shards))]
    return sum(os.path.getsize(path) for path in paths if os.path.exists(path))
