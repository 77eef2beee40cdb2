"""Which input checkpoints may go: the rule, apart from the deed.

An input checkpoint lives as long as the model checkpoint of its step. The newest one lives in any case: its model
checkpoint may be the next thing to be written.
"""

from __future__ import annotations

from collections.abc import Collection


def expired(input_steps: Collection[int], model_steps: Collection[int], limit: int | None) -> tuple[int, ...]:
    """Return the steps whose input checkpoints may be removed, ascending.

    Args:
        input_steps: steps of the input checkpoints on disk.
        model_steps: steps of the model checkpoints on disk. None at all, as on a worker that sees no model
            checkpoints: the newest `limit` input checkpoints stay.
        limit: how many to keep where there is no model checkpoint; None or 0 for all.
    """
    ascending = sorted(input_steps)
    if model_steps:
        return tuple(step for step in ascending[:-1] if step not in model_steps)
    return tuple(ascending[:-limit]) if limit else ()
