"""YAML for people: keys in their order, queries as blocks, a comment above each item."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Any

import yaml

WIDTH = 116
_LONG = 90
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
_NO_BREAK = "\ue000"
"""Stands for a space at which no line may break. A private character: it occurs in no text of ours."""


class _Dumper(yaml.SafeDumper):
    """PyYAML's, with lists indented under their keys and queries and sentences as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - a value that occurs twice is written twice
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else ">" if len(text) > _LONG else None
    unbroken = _PLACEHOLDER.sub(lambda match: match[0].replace(" ", _NO_BREAK), text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", unbroken, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """Return `value` as a block of YAML."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text.replace(_NO_BREAK, " ")


def item(value: Any, comment: str = "", *, indent: int = 0) -> str:
    """Return `value` as an item of a list, with its comment above it."""
    return textwrap.indent(comment_of(comment) + dump([value]), " " * indent)


def comment_of(text: str) -> str:
    """Return `text` as comment lines; nothing for an empty one."""
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDTH - 8))


def joined(items: Iterable[str]) -> str:
    """Return items with an empty line between any two."""
    return "\n".join(items)
