"""Which input checkpoint belongs to a model: the rule, apart from the deed.

Never one from after the model's step: its examples would be lost to the model. The exact partner first; what comes
without one is the user's choice.
"""

from __future__ import annotations

from collections.abc import Iterable

from observed_hooks.saving.choices import OnStepMismatch


def candidates(available: Iterable[int], model_step: int, policy: OnStepMismatch) -> tuple[int, ...]:
    """Return the steps of the input checkpoints to try for a model at `model_step`, the best first."""
    whole = set(available)
    exact = (model_step,) if model_step in whole else ()
    older = sorted((step for step in whole if step < model_step), reverse=True)
    return (*exact, *older) if policy == "nearest" else exact
