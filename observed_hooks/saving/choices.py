"""The words by which a user chooses what shall happen."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar, get_args

from observed_hooks.errors import ConfigurationError

OnStepMismatch: TypeAlias = Literal["nearest", "fail", "restart"]
OnUnserializable: TypeAlias = Literal["raise", "disable"]
OnOversize: TypeAlias = Literal["warn", "skip", "raise"]
ExternalStatePolicy: TypeAlias = Literal["fail", "warn", "ignore"]

ON_STEP_MISMATCH: tuple[OnStepMismatch, ...] = get_args(OnStepMismatch)
ON_UNSERIALIZABLE: tuple[OnUnserializable, ...] = get_args(OnUnserializable)
ON_OVERSIZE: tuple[OnOversize, ...] = get_args(OnOversize)
EXTERNAL_STATE_POLICIES: tuple[ExternalStatePolicy, ...] = get_args(ExternalStatePolicy)

Choice = TypeVar("Choice", bound=str)


def choose(name: str, value: object, choices: tuple[Choice, ...]) -> Choice:
    """Return `value` as one of `choices`.

    Raises:
        ConfigurationError: it is none of them.
    """
    for choice in choices:
        if choice == value:
            return choice
    raise ConfigurationError(f"expected {name} to be one of {', '.join(choices)}, got {value!r}")


def external_state_policy(value: object) -> ExternalStatePolicy:
    """Check a hook's argument: a word, a `tf.data.experimental.ExternalStatePolicy`, or None for `fail`.

    Raises:
        ConfigurationError: it is none of them.
    """
    word = "fail" if value is None else str(getattr(value, "name", value)).lower()
    return choose("external_state_policy", word, EXTERNAL_STATE_POLICIES)
