"""Checkpoint hooks for TensorFlow that show what every save costs."""
