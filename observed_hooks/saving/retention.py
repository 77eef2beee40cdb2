"""Which input checkpoints may go: the rule, apart from the deed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection


def expired(
    input_steps: Collection[int], model_steps: Collection[int], saved_step: int, limit: int | None
) -> tuple[int, ...]:
    """Return the steps whose input checkpoints may be removed, ascending.

    An input checkpoint lives as long as the model checkpoint that it would be restored for: that of its step, or, for
    one without an exact partner, the next after it. The one just saved lives in any case: its model checkpoint may be
    the next thing to be written.

    Args:
        input_steps: steps of the input checkpoints on disk.
        model_steps: steps of the model checkpoints on disk. None at all, as on a worker that sees no model
            checkpoints: the newest `limit` up to `saved_step` stay, and nothing from after it, which a training
            that was rolled back has left behind.
        saved_step: the step of the checkpoint just saved.
        limit: how many to keep where there is no model checkpoint; None or 0 for all.
    """
    if model_steps:
        ascending = sorted(input_steps)
        before = (bisect_right(ascending, step) for step in model_steps)
        partners = {ascending[count - 1] for count in before if count}
        return tuple(step for step in ascending if step not in partners and step != saved_step)
    if not limit:
        return ()
    kept = sorted(step for step in input_steps if step <= saved_step)[-limit:]
    return tuple(sorted(set(input_steps) - set(kept)))
