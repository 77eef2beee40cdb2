from __future__ import annotations

import pytest

from observed_hooks.errors import telling_line

ONE_ROOT = """Graph execution error:

Detected at node 'SerializeIterator' defined at (most recent call last):
Node: 'SerializeIterator'
PyFunc is stateful.
     [[{{node SerializeIterator}}]]
"""

SEVERAL_ROOTS = """Graph execution error:

Node: 'SerializeIterator'
Detected at node 'SerializeIterator' defined at (most recent call last):
Node: 'SerializeIterator'
2 root error(s) found.
  (0) UNIMPLEMENTED: GeneratorDataset does not support checkpointing.
     [[{{node SerializeIterator_1}}]]
  (1) UNIMPLEMENTED: GeneratorDataset does not support checkpointing.
"""


class TestTheLineThatTellsMost:
    @pytest.mark.parametrize(
        ("message", "line"),
        [
            ("", ""),
            ("\n no such file \n at all", "no such file"),
            (ONE_ROOT, "PyFunc is stateful."),
            (SEVERAL_ROOTS, "GeneratorDataset does not support checkpointing."),
        ],
        ids=["of nothing", "of plain text", "of a graph's error", "of several errors at once"],
    )
    def test_is_the_cause_where_one_is_named_else_the_first(self, message: str, line: str) -> None:
        assert telling_line(message) == line
