"""What the benchmarks share: the machine's name, interleaved medians, sessions to measure, and the table."""

from __future__ import annotations

import os

# Set before any benchmark loads TensorFlow, which reads it once: its greetings would stand between the tables.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
