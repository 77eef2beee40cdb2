from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any, get_args

import pytest

from observed_hooks import events
from observed_hooks.events import Event, Record
from tests.sinks.examples import RECORDS, record, restored, saved

EVENT_TYPES: tuple[type[Any], ...] = get_args(Event)
VALUE_TYPES = [value for value in vars(events).values() if isinstance(value, type) and is_dataclass(value)]


def test_every_type_of_event_has_an_example_in_these_tests() -> None:
    assert {type(example.event) for example in RECORDS} == set(EVENT_TYPES)


class TestEveryValue:
    @pytest.mark.parametrize("example", RECORDS, ids=lambda example: type(example.event).__name__)
    def test_is_frozen(self, example: Record) -> None:
        for value in (example, example.event):
            with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
                value.step = 1  # type: ignore[union-attr, misc]

    @pytest.mark.parametrize("value_type", VALUE_TYPES)
    def test_has_slots(self, value_type: type) -> None:
        assert "__slots__" in vars(value_type)

    @pytest.mark.parametrize("value_type", VALUE_TYPES)
    def test_names_the_unit_of_every_number(self, value_type: type) -> None:
        for field in fields(value_type):
            if str(field.type).startswith(("int", "float")):
                bare = {"step", "model_step", "checkpoints", "leftovers", "elements", "examples"}
                bare |= {"displacement", "neighbours", "labels"}  # ratios
                assert field.name in bare or field.name.endswith(("_seconds", "_bytes", "_steps", "_elements"))

    @pytest.mark.parametrize("example", RECORDS, ids=lambda example: type(example.event).__name__)
    def test_survives_pickling_so_that_it_may_cross_processes(self, example: Record) -> None:
        assert pickle.loads(pickle.dumps(example)) == example  # noqa: S301 (our own bytes)


class TestRecordAsDict:
    @pytest.mark.parametrize("example", RECORDS, ids=lambda example: type(example.event).__name__)
    def test_says_where_the_event_came_from_and_names_its_type(self, example: Record) -> None:
        origin = {"time_seconds": 1_700_000_000.25, "run": "digits", "task": "chief-0"}
        assert example.as_dict().items() >= {**origin, "event": type(example.event).__name__}.items()

    @pytest.mark.parametrize("example", RECORDS, ids=lambda example: type(example.event).__name__)
    def test_holds_every_field_of_the_event_in_a_form_that_json_knows(self, example: Record) -> None:
        flat = json.loads(json.dumps(example.as_dict()))
        assert set(flat) == {"time_seconds", "run", "task", "event", *(f.name for f in fields(example.event))}

    @pytest.mark.parametrize("event_type", EVENT_TYPES)
    def test_has_no_field_that_an_event_could_overwrite(self, event_type: type) -> None:
        assert not {"time_seconds", "run", "task", "event"} & {field.name for field in fields(event_type)}

    def test_keeps_the_parts_of_a_size_together(self) -> None:
        size = record(saved()).as_dict()["size"]
        assert size == {"data_bytes": 3145728, "index_bytes": 1048576, "meta_bytes": 0}


def test_the_size_of_a_checkpoint_is_the_sum_of_its_parts() -> None:
    size = saved().size
    assert size is not None
    assert size.total_bytes == 4 * 1024 * 1024


def test_the_skew_of_a_restore_is_how_far_the_model_is_ahead() -> None:
    assert restored().skew_steps == 10
