"""Which cases a comparison has: every size in every place, saved in every way."""

from __future__ import annotations

from collections.abc import Sequence

from observed_hooks.compare.case import PLACEMENTS, Case, Placement
from observed_hooks.compare.plan import Source
from observed_hooks.errors import ConfigurationError

SYMBOLIC = {"no": (False,), "yes": (True,), "both": (False, True)}
"""Whether checkpoints are symbolic, as it may be typed."""


def every_case(sizes: Sequence[int], placements: Sequence[Placement | None], symbolic: str) -> tuple[Case, ...]:
    """Return the cases in the order of a table; the first has no buffer, whether or not 0 is among `sizes`.

    Without a buffer there is nothing to place: that case stands once.

    Args:
        sizes: elements, in any order.
        placements: where the buffers stand; None alone where there is no choice.
        symbolic: a key of `SYMBOLIC`.
    """
    return tuple(
        Case(size, placement, flag)
        for flag in SYMBOLIC[symbolic]
        for size in sorted({0, *sizes})
        for placement in (placements if size else (None,))
    )


def placements_of(source: Source, text: str | None) -> tuple[Placement | None, ...]:
    """Return where the buffers stand: what was typed, or what goes without saying.

    Args:
        source: a buffer has a place only where records are decoded, by a decoder that we know.
        text: such as `before-decode,after-decode`; None when nothing was typed.

    Raises:
        ConfigurationError: one of them is no place, or there is nothing to decode.
    """
    decodes = source.kind == "digits" or source.element_bytes is not None
    if text is None:
        return ("after-decode",) if decodes else (None,)
    if not decodes:
        needed = " without --element-bytes, which decodes records" if source.kind == "tfrecord" else ""
        raise ConfigurationError(f"--placement {text} does not apply to --{source.kind}{needed}; leave it out")
    return tuple(dict.fromkeys(_placement(part.strip()) for part in text.split(",")))


def _placement(text: str) -> Placement:
    for placement in PLACEMENTS:
        if text == placement:
            return placement
    raise ConfigurationError(f"expected --placement {','.join(PLACEMENTS)}, or one of the two; got {text!r}")
