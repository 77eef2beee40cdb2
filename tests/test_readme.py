"""Runs every ```python block of README.md in a process and a directory of its own.

An HTML comment right above a block changes that: `<!-- run: estimator -->` keeps it for TensorFlow 2.15,
and `<!-- run: skip <reason> -->` leaves it unrun, though it still has to parse.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

BLOCK = re.compile(
    r"^(?:<!-- run: (?P<how>skip|estimator)(?: (?P<reason>.+?))? -->\n\n?)?"
    r"```python\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Example:
    """A block of Python in a Markdown text."""

    code: str
    line: int
    how: str
    """`skip`, `estimator`, or empty."""
    reason: str

    @property
    def marks(self) -> list[pytest.MarkDecorator]:
        """What pytest is to know about it."""
        if self.how == "skip":
            return [pytest.mark.skip(reason=f"README.md says: {self.reason}")]
        return [pytest.mark.estimator] if self.how == "estimator" else []


def examples(text: str) -> list[Example]:
    """The blocks of Python in `text`, from its first to its last."""
    return [
        Example(
            code=match["code"],
            line=text.count("\n", 0, match.start("code")) + 1,
            how=match["how"] or "",
            reason=match["reason"] or "",
        )
        for match in BLOCK.finditer(text)
    ]


EXAMPLES = examples(README.read_text(encoding="utf-8")) if README.exists() else []


def each_example(*, with_marks: bool) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "example",
        [pytest.param(each, id=f"line-{each.line}", marks=each.marks if with_marks else []) for each in EXAMPLES],
    )


class TestTheExamplesOfTheReadme:
    def test_are_there(self) -> None:
        assert EXAMPLES, f"{README.name} shows no Python"

    @each_example(with_marks=True)
    def test_run(self, example: Example, tmp_path: Path) -> None:
        script = tmp_path / "example.py"
        # Blank lines, so that a traceback names the line in README.md.
        script.write_text("\n" * (example.line - 1) + example.code, encoding="utf-8")
        run = subprocess.run(
            [sys.executable, script.name],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "default"},
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=200,
        )

        assert run.returncode == 0, run.stderr

    @each_example(with_marks=False)
    def test_parse_and_say_why_when_they_do_not_run(self, example: Example) -> None:
        compile(example.code, f"README.md:{example.line}", "exec")

        assert example.how != "skip" or example.reason


class TestFindingExamples:
    def test_takes_blocks_of_python_only(self) -> None:
        found = examples("```sh\nls\n```\n\n```python\na = 1\nb = 2\n```\n\n```python\nc = 3\n```\n")

        assert [(each.code, each.line) for each in found] == [("a = 1\nb = 2\n", 6), ("c = 3\n", 11)]

    def test_reads_the_comment_right_above_a_block(self) -> None:
        found = examples("<!-- run: skip needs a cluster -->\n```python\na\n```\n\n```python\nb\n```\n")

        assert [(each.how, each.reason) for each in found] == [("skip", "needs a cluster"), ("", "")]

    def test_keeps_an_estimator_example_for_the_estimator_leg(self) -> None:
        (found,) = examples("<!-- run: estimator -->\n\n```python\na\n```\n")

        assert found.marks == [pytest.mark.estimator]
