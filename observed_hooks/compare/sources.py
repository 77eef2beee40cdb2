"""Where the examples come from, and the tf.data pipeline of a case.

Everything here adds to the default graph, as a training job in graph mode does. For the digits and for TFRecord files
the shuffle is repeated, as TensorFlow fuses them: the buffer stays full from one epoch to the next.

A pipeline of the user's is a function that takes a buffer size, 0 for no shuffle at all, and returns one epoch.
"""

from __future__ import annotations

import glob
import importlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from observed_hooks.compare.case import Case, Placement
from observed_hooks.compare.digits import decode as decode_digit
from observed_hooks.compare.digits import digit_files
from observed_hooks.compare.plan import Plan, Source
from observed_hooks.errors import ConfigurationError, one_line

if TYPE_CHECKING:
    import tensorflow as tf

PipelineFunction: TypeAlias = Callable[[int], Any]

_DECODERS = 4
"""Examples that are decoded at a time: a number rather than autotuning, so that repeats are alike."""


def batches_of(plan: Plan, case: Case) -> tf.data.Dataset:
    """Return the endless batches of a case, as training would read them.

    Raises:
        ConfigurationError: the source cannot be read.
    """
    import tensorflow as tf

    if plan.source.kind == "pipeline":
        dataset = epoch_of_pipeline(plan.source, case.buffer_size).repeat()
    else:
        dataset = _shuffled_examples(plan, case.buffer_size, case.placement)
    if plan.batch_size:
        # Behind an endless repeat every batch is full.
        dataset = dataset.batch(plan.batch_size).prefetch(1)
    if not case.symbolic:
        return dataset
    options = tf.data.Options()
    options.experimental_symbolic_checkpoint = True
    return dataset.with_options(options)


def epoch_of(plan: Plan) -> tf.data.Dataset:
    """Return one epoch without a shuffle: examples, or batches where the pipeline makes them itself.

    Raises:
        ConfigurationError: the source cannot be read.
    """
    if plan.source.kind == "pipeline":
        return epoch_of_pipeline(plan.source, 0)
    return _decoded(_records(plan), plan.source)


def epoch_of_pipeline(source: Source, buffer_size: int) -> tf.data.Dataset:
    """Return what the user's function makes of a buffer size.

    Raises:
        ConfigurationError: the function is not there, raises, or returns something else than a dataset.
    """
    import tensorflow as tf

    function = pipeline_function(source.text)
    try:
        dataset = function(buffer_size)
    except Exception as error:
        raise ConfigurationError(
            f"the pipeline {source.text} raised for a buffer size of {buffer_size}, in graph mode: {one_line(error)}"
        ) from error
    if not isinstance(dataset, tf.data.Dataset):
        raise ConfigurationError(
            f"expected the pipeline {source.text} to return a tf.data.Dataset for a buffer size of {buffer_size}, "
            f"got {type(dataset).__name__}"
        )
    return dataset


def pipeline_function(text: str) -> PipelineFunction:
    """Return the function that `module:function` names; the current directory is searched first.

    Raises:
        ConfigurationError: there is no such function.
    """
    name, _, attribute = text.partition(":")
    if not name or not attribute:
        raise ConfigurationError(f"expected a pipeline such as my_module:my_function, got {text!r}")
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise ConfigurationError(f"the module of the pipeline {text} cannot be imported: {error}") from error
        raise ConfigurationError(
            f"there is no module {error.name!r} for the pipeline {text}; run from the directory that holds it, or "
            "install it"
        ) from error
    except Exception as error:
        raise ConfigurationError(f"the module of the pipeline {text} cannot be imported: {one_line(error)}") from error
    function = getattr(module, attribute, None)
    if not callable(function):
        raise ConfigurationError(f"the module {name} has no function {attribute!r}, which the pipeline {text} names")
    return function  # type: ignore[no-any-return] # checked as far as can be


def record_files(plan: Plan) -> list[str]:
    """Return the TFRecord files of a source that has some, sorted.

    Raises:
        ConfigurationError: none matches the glob.
    """
    if plan.source.kind == "digits":
        return digit_files(plan.data)
    files = sorted(path for path in glob.glob(plan.source.text, recursive=True) if os.path.isfile(path))
    if not files:
        raise ConfigurationError(
            f"no file matches {plan.source.text!r}; quote the glob, so that the shell leaves it as it is"
        )
    return files


def _shuffled_examples(plan: Plan, buffer_size: int, placement: Placement | None) -> tf.data.Dataset:
    records = _records(plan)
    if placement == "before-decode":
        return _decoded(_endless(records, buffer_size), plan.source)
    return _endless(_decoded(records, plan.source), buffer_size)


def _records(plan: Plan) -> tf.data.Dataset:
    import tensorflow as tf

    return tf.data.TFRecordDataset(record_files(plan))


def _endless(dataset: tf.data.Dataset, buffer_size: int) -> tf.data.Dataset:
    return (dataset.shuffle(buffer_size) if buffer_size else dataset).repeat()


def _decoded(records: tf.data.Dataset, source: Source) -> tf.data.Dataset:
    decode = _decoder(source)
    if decode is None:
        return records
    return records.map(decode, num_parallel_calls=_DECODERS, deterministic=True)


def _decoder(source: Source) -> Callable[[tf.Tensor], Any] | None:
    import tensorflow as tf

    size_bytes = source.element_bytes
    if source.kind == "digits":
        return decode_digit
    if size_bytes is None:
        return None
    return lambda record: tf.io.decode_raw(record, tf.uint8, fixed_length=size_bytes)
