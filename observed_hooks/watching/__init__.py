"""Watching a directory of checkpoints that somebody else writes: the same events as from a hook, without TensorFlow."""
