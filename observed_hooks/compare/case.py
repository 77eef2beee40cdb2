"""One case of a comparison: a shuffle buffer of one size in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from observed_hooks.errors import ConfigurationError

Placement: TypeAlias = Literal["before-decode", "after-decode"]
PLACEMENTS: tuple[Placement, ...] = ("before-decode", "after-decode")

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_SIZE = re.compile(r"(\d{1,10}(?:\.\d{1,10})?)([km]?)", re.IGNORECASE | re.ASCII)
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Case:
    """What one row of the comparison stands for."""

    buffer_size: int
    """Elements; 0 is no shuffle at all."""
    placement: Placement | None = None
    """None where there is nothing to decode, or the pipeline itself decides."""
    symbolic: bool = False
    """Whether `tf.data.Options.experimental_symbolic_checkpoint` is on."""

    @property
    def name(self) -> str:
        """The `run` label of everything that is measured: `shuffle-10k`, `shuffle-10k-before-decode-symbolic`."""
        parts = ["shuffle", short(self.buffer_size), self.placement, "symbolic" if self.symbolic else None]
        return "-".join(part for part in parts if part)


def short(number: int) -> str:
    """Return a size as it may be typed: `100`, `1k`, `2.5k`, `1m`."""
    for unit, factor in (("m", _FACTORS["m"]), ("k", _FACTORS["k"])):
        if number >= factor and number * 100 % factor == 0:
            return f"{number / factor:.2f}".rstrip("0").rstrip(".") + unit
    return str(number)


def parse_sizes(text: str) -> tuple[int, ...]:
    """Return the buffer sizes in `text`, such as `0,1k,10k,2.5m`, in rising order, each once.

    Raises:
        ConfigurationError: one of them is not a size.
    """
    return tuple(sorted({_parse_size(part.strip()) for part in text.split(",")}))


def _parse_size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    # Decimal: 1.13 times a million is not a whole number otherwise.
    number = Decimal(match[1]) * _FACTORS[match[2].lower()] if match else Decimal(-1)
    if number % 1 or not 0 <= number <= _LARGEST:
        raise ConfigurationError(
            f"expected buffer sizes such as 0,1k,10k,2.5m, whole numbers of elements; got {text!r}"
        )
    return int(number)
