"""What a training process tells the process that started it: one line of JSON each, over a pipe."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeAlias

from observed_hooks.events import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The session exists and has restored what there was to restore; training is about to begin or go on."""

    pid: int
    step: int
    """At which the model continues; 0 for a fresh one."""
    tensorflow_version: str
    metrics_url: str | None
    """Where Prometheus scrapes this process; None when no port could be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """One training step is done."""

    step: int
    loss: float
    accuracy: float
    """Share of the step's batch that was recognised, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A checkpoint is complete."""

    kind: Kind
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Training reached its last step, and its result was put to the test."""

    accuracy: float
    """Share of the held-out digits that the newest checkpoint recognises, 0 to 1."""
    held_out: int
    """How many digits those are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The process stays, to be looked at, until its leash is let go."""

    metrics_url: str | None
    tensorboard_url: str


Message: TypeAlias = Started | Stepped | Saved | Finished | Serving

_TYPES: dict[str, type[Message]] = {each.__name__: each for each in (Started, Stepped, Saved, Finished, Serving)}


def encode(message: Message) -> bytes:
    """Return `message` as one line, newline included."""
    return json.dumps({"message": type(message).__name__, **asdict(message)}).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Return the message on `line`.

    Raises:
        ValueError: it is torn, as the last line of a killed process may be, or not one of ours.
    """
    fields = json.loads(line)
    try:
        return _TYPES[fields.pop("message")](**fields)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"expected a line that encode() made, got {line!r}") from error
