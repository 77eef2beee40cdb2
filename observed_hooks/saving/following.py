"""Noticing that somebody has saved the model, where there is no bus to tell.

An Estimator's own saver hook counts its seconds from a moment that no other hook knows. What it saves through is in the
graph, though, and a `Saver` remembers what it has written. Looking there costs no input or output.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class ModelWatch:
    """Watches the savers in a graph's SAVERS collection. Used by the training thread only."""

    def __init__(self, graph: tf.Graph) -> None:
        """Begin to watch; what was saved or recovered before does not count."""
        self._savers = graph.get_collection(tf.compat.v1.GraphKeys.SAVERS)
        self._known = self._newest()
        self.ever_saved = False
        """Whether the model was saved at all since: then there is a hook to follow."""

    def look_again(self) -> None:
        """Count only what is saved from now on."""
        self._known = self._newest()

    def saved(self) -> bool:
        """Tell whether the model was saved since the last look, by a saver that keeps a list (`max_to_keep` not 0)."""
        saved = self._newest() != self._known
        self.ever_saved = self.ever_saved or saved
        return saved

    def _newest(self) -> list[Any]:
        return [saver.last_checkpoints[-1:] for saver in self._savers]
