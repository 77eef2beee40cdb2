"""Records out of events.jsonl as they were on the bus, for sinks that come later."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from observed_hooks import events
from observed_hooks.events import Event, Record

_TYPES: dict[str, type[Event]] = {each.__name__: each for each in get_args(Event)}


def record_of(fields: Mapping[str, Any], run: str) -> Record | None:
    """Return the record that became `fields` by `Record.as_dict()`; None when its event is of another version.

    Args:
        fields: one line of events.jsonl.
        run: the label under which the record is to be seen, in place of its own.
    """
    try:
        event = _value(_TYPES[fields["event"]], fields)
        return Record(run=run, task=fields["task"], time_seconds=fields["time_seconds"], event=event)
    except (KeyError, TypeError, ValueError):
        return None


def _value(hint: Any, value: Any) -> Any:
    """Return `value`, as JSON has it, as an object of type `hint`."""
    arguments = get_args(hint)
    if get_origin(hint) in {types.UnionType, Union}:
        inner = next(each for each in arguments if each is not type(None))
        return None if value is None else _value(inner, value)
    if get_origin(hint) is tuple:
        hints = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(_value(each, item) for each, item in zip(hints, value, strict=True))
    if is_dataclass(hint):
        return _object(hint, value)
    return value


def _object(kind: Any, fields: Mapping[str, Any]) -> Any:
    return kind(**{name: _value(hint, fields[name]) for name, hint in _hints(kind).items()})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, vars(events))
