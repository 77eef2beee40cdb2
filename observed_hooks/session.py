"""What hooks and listeners ask of TensorFlow's graph and session, by its public names."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from observed_hooks.errors import StateError
from observed_hooks.events import RunStarted
from observed_hooks.version import VERSION

# The session is gone: MonitoredSession makes a new one and restores the last checkpoint. Not ours to swallow.
SESSION_LOST = (tf.errors.AbortedError, tf.errors.UnavailableError)

# A session takes these for the end of the data, and training for done. A file that may not grow raises the first.
ENDS_IN_SILENCE = (tf.errors.OutOfRangeError, StopIteration)


def run_started() -> RunStarted:
    """Return the event that opens a run in this process."""
    return RunStarted(
        version=VERSION,
        tensorflow_version=tf.__version__,
        mode="eager" if tf.executing_eagerly() else "graph",
    )


def global_step_of_graph(hook: object) -> Any:
    """Return the default graph's global step, a scalar int64 variable.

    Raises:
        StateError: the graph has none.
    """
    global_step = tf.compat.v1.train.get_global_step()
    if global_step is None:
        raise StateError(
            f"{type(hook).__name__} needs a global step, and the graph has none; "
            "call tf.compat.v1.train.get_or_create_global_step() before the session is made"
        )
    return global_step
