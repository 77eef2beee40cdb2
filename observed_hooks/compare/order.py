"""The order in which one epoch's examples come through the shuffle buffer of a case.

A shuffle does not look at what it shuffles. So the digits and the records of files stay where they are, and their
numbers go through a buffer of the same size. What a user's pipeline does is only known by reading it: its examples are
known again by their fingerprints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from observed_hooks.compare.case import Case
from observed_hooks.compare.examples import described, read_epoch
from observed_hooks.compare.mixing import Mixing, mixing_of
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.sources import epoch_of_pipeline
from observed_hooks.compare.survey import Survey
from observed_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

MOST_EXAMPLES = 10_000_000
"""More are not ordered: their numbers alone would take minutes, and part of an epoch is not mixed as the whole is."""

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Order:
    """The order of one epoch."""

    indices: Integers | None
    """At each place the number, in input order, of the example that came there; None when it is not known."""
    left_out: str = ""
    """Why it is not known."""


def mixing_of_case(plan: Plan, case: Case, survey: Survey, seed: int) -> Mixing:
    """Return how well the buffer of `case` mixes one epoch that is read with this seed.

    Raises:
        ConfigurationError: for this buffer the pipeline is empty, or does not end.
    """
    order = order_of(plan, case, survey, seed)
    if order.indices is None:
        return Mixing(displacement=None, neighbours=None, labels=None, left_out=order.left_out)
    return mixing_of(order.indices, survey.batch_size, survey.labels)


def order_of(plan: Plan, case: Case, survey: Survey, seed: int) -> Order:
    """Return the order of one epoch that is read with this seed.

    Raises:
        ConfigurationError: for this buffer the pipeline is empty, or does not end.
    """
    if survey.mixing_left_out:
        return Order(None, survey.mixing_left_out)
    if survey.examples > MOST_EXAMPLES:
        return Order(None, f"{survey.examples:,} examples are more than the {MOST_EXAMPLES:,} that are put in order")
    if plan.source.kind == "pipeline":
        return _order_of_pipeline(plan, case, survey, seed)
    return Order(_read(lambda: _numbers(survey.examples, case.buffer_size), seed))


def _numbers(examples: int, buffer_size: int) -> Any:
    import tensorflow as tf

    numbers = tf.data.Dataset.range(examples)
    return (numbers.shuffle(buffer_size) if buffer_size else numbers).batch(_CHUNK)


def _order_of_pipeline(plan: Plan, case: Case, survey: Survey, seed: int) -> Order:
    def fingerprints() -> Any:
        epoch = epoch_of_pipeline(plan.source, case.buffer_size)
        chunks = described(epoch, batched=not plan.batch_size, fingerprints=True)
        return chunks.map(lambda chunk: chunk["fingerprint"])

    if survey.fingerprints is None:
        return Order(None, "there are no fingerprints of the examples")
    came = _read_one_epoch(read_epoch(fingerprints, seed), plan, case, survey)
    sorter = np.argsort(survey.fingerprints)
    places = np.searchsorted(survey.fingerprints, came, sorter=sorter)
    indices = sorter[np.minimum(places, len(sorter) - 1)]
    known = survey.fingerprints[indices] == came
    missing = len(sorter) - len(np.unique(indices[known]))
    # Whoever drops a last, short batch drops other examples behind a shuffle than without one.
    strange = len(came) - int(np.count_nonzero(known))
    if max(missing, strange) >= survey.batch_size or len(np.unique(came)) < len(came):
        return Order(None, "with this buffer the pipeline yields other examples than without one")
    return Order(indices[known])


def _read_one_epoch(chunks: Iterator[Integers], plan: Plan, case: Case, survey: Survey) -> Integers:
    """Return an epoch's fingerprints; more than a batch above what there is without a shuffle are not waited for."""
    name, most = f"the pipeline {plan.source.text}", survey.examples + survey.batch_size
    came: list[Integers] = []
    for chunk in chunks:
        came.append(chunk)
        if sum(map(len, came)) > most:
            raise ConfigurationError(
                f"{name} does not end with its {survey.examples:,} examples for a buffer size of {case.buffer_size}; "
                "return one epoch, without repeat()"
            )
    if not came:
        raise ConfigurationError(
            f"{name} holds no examples for a buffer size of {case.buffer_size}; return the same examples for every size"
        )
    return np.concatenate(came)


def _read(make: Any, seed: int) -> Integers:
    return np.concatenate(list(read_epoch(make, seed)))
