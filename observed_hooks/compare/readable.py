"""Whether a source can be read at all, for every buffer size: if not, one `ConfigurationError` with one line.

What can be found out without reading comes first; then one batch of each size for which that is quick and small.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from observed_hooks.compare.examples import components, read_epoch, rows
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.compare.sources import batches_of, epoch_of, epoch_of_pipeline
from observed_hooks.errors import ConfigurationError, telling_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

_INFINITE = -1
_BATCHES_SECONDS = 5.0
"""What the first batches of all buffer sizes may take together, as far as the epoch without a shuffle tells."""
_BUFFER_BYTES = 256 * 2**20
"""Of a buffer that is filled: what takes too much memory is to fail as a case, not as a source."""
_REMEDY = "return one epoch, without repeat(), or fewer examples with take()"


def require_buildable(plan: Plan) -> None:
    """Build the pipeline of every case."""
    import tensorflow as tf

    if plan.source.kind == "pipeline":
        for buffer_size in sorted({case.buffer_size for case in plan.cases}):
            _require_some_and_finite(plan.source, buffer_size)
        return
    if not plan.batch_size:
        raise ConfigurationError(
            "expected a batch size of 1 at least; only a pipeline of your own makes batches itself"
        )
    for case in plan.cases:
        with tf.Graph().as_default():
            batches_of(plan, case)


def _require_some_and_finite(source: Source, buffer_size: int) -> None:
    """Build the user's pipeline, and ask it whether it knows that it is empty, or never ends."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        cardinality = epoch_of_pipeline(source, buffer_size).cardinality()
        try:
            examples = session.run(cardinality)
        except (tf.errors.OpError, ValueError) as error:
            raise _unreadable(source, buffer_size, error) from error
    if not examples:
        raise _empty(source, buffer_size)
    if examples == _INFINITE:
        raise ConfigurationError(f"the pipeline {source.text} never ends for a buffer size of {buffer_size}; {_REMEDY}")


def _empty(source: Source, buffer_size: int) -> ConfigurationError:
    remedy = "return the same examples for every size" if buffer_size else "there is nothing to compare"
    return ConfigurationError(
        f"the pipeline {source.text} holds no examples for a buffer size of {buffer_size}; {remedy}"
    )


def _unreadable(source: Source, buffer_size: int, error: Exception) -> ConfigurationError:
    remedy = "" if buffer_size else "; 0 means no shuffle: ds.shuffle(n) if n else ds"
    return ConfigurationError(
        f"the pipeline {source.text} cannot be read for a buffer size of {buffer_size}: "
        f"{telling_line(str(error))}{remedy}"
    )


def first_batch_size(plan: Plan) -> int:
    """Read one batch as training would, and return the examples in it."""
    size = _read_batch(plan, lambda: epoch_of(plan), "")
    if size is None:
        raise ConfigurationError(f"{named(plan.source)} holds no examples; there is nothing to compare")
    return plan.batch_size or size


def require_batches(plan: Plan, sizes_bytes: Integers, batch_size: int, epoch_seconds: float) -> None:
    """Read one batch of the user's pipeline for each buffer size for which that is quick and small.

    A buffer is filled for it, which takes the same part of an epoch. Left to the process of the case is what a large
    buffer does; and, to `order`, an epoch that does not end.
    """
    if plan.source.kind != "pipeline":
        return
    # A pipeline that makes batches may shuffle them: then so many are held.
    examples_each = 1 if plan.batch_size else batch_size
    seconds = 0.0
    for buffer_size in sorted({case.buffer_size for case in plan.cases} - {0}):
        part = min(1.0, buffer_size * examples_each / len(sizes_bytes))
        seconds += epoch_seconds * part
        if seconds > _BATCHES_SECONDS or part * int(sizes_bytes.sum()) > _BUFFER_BYTES:
            return
        epoch = partial(epoch_of_pipeline, plan.source, buffer_size)
        if _read_batch(plan, epoch, f" for a buffer size of {buffer_size}") is None:
            raise _empty(plan.source, buffer_size)


def _read_batch(plan: Plan, epoch: Callable[[], Any], where: str) -> int | None:
    """Return the examples in the first batch of an epoch; None when there is none."""
    import tensorflow as tf

    def batch_sizes() -> Any:
        dataset = epoch()
        if not plan.batch_size and not _looks_batched(dataset.element_spec):
            raise ConfigurationError(
                f"the pipeline {plan.source.text} returns single examples, and a batch size of 0 says that it makes "
                "batches itself; give a batch size"
            )
        batches = dataset.batch(plan.batch_size) if plan.batch_size else dataset
        return batches.map(lambda *parts: rows(parts))

    try:
        size = next(read_epoch(batch_sizes), None)
    except tf.errors.OpError as error:
        raise ConfigurationError(
            f"{named(plan.source)} cannot be read in batches{where}: {telling_line(str(error))}"
        ) from error
    return None if size is None else int(size)


def _looks_batched(structure: Any) -> bool:
    return all(component.shape.rank != 0 for component in components(structure))


def endless(source: Source, limit: str) -> ConfigurationError:
    """Return the error of a source that did not end within `limit`, such as `60 seconds`."""
    remedy = _REMEDY if source.kind == "pipeline" else "give a glob that matches fewer files"
    return ConfigurationError(
        f"{named(source)} did not come to an end within {limit}; {remedy}; if it does end, give it a larger --budget"
    )


def named(source: Source) -> str:
    """Return what an error calls the source."""
    if source.kind == "digits":
        return "the data set of digits"
    return f"{source.text!r}" if source.kind == "tfrecord" else f"the pipeline {source.text}"
