from __future__ import annotations

import itertools

import pytest

from observed_hooks.pipeline.families import parts
from observed_hooks.pipeline.matching import match
from observed_hooks.pipeline.plan import Planned
from observed_hooks.pipeline.running import Running


def live(name: str, *inputs: Running, ids: itertools.count[int] = itertools.count(1000)) -> Running:  # noqa: B008
    return Running(next(ids), name, None, inputs)


def shuffle(capacity: int, *inputs: Planned) -> Planned:
    return Planned("ShuffleDatasetV3", capacity, inputs)


RANGE, FILES = Planned("RangeDataset"), Planned("TFRecordDatasetV2")


class TestParts:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("ShuffleDatasetV3", ("Shuffle",)),
            ("_ShuffleDataset", ("Shuffle",)),
            ("ShuffleAndRepeatDatasetV2", ("Shuffle", "Repeat")),
            ("ParallelMapV2", ("Map",)),
            ("ForeverRepeat", ("Repeat",)),
            ("MemoryCacheImpl", ("Cache",)),
            ("ParallelInterleaveDatasetV4", ("Interleave",)),
            ("_DirectedInterleaveDataset", ("DirectedInterleave",)),
            ("TFRecordDatasetV2", ("TFRecord",)),
        ],
    )
    def test_are_the_same_whatever_the_name_is_taken_from(self, name: str, expected: tuple[str, ...]) -> None:
        assert parts(name) == expected


class TestCapacity:
    def test_is_found_by_the_order_of_the_shuffles(self) -> None:
        upper, lower = live("ShuffleAndRepeat"), live("Shuffle")
        root = live("Root", live("Prefetch", Running(1, upper.name, None, (live("ParallelMapV2", lower),))))
        plan = Planned("RepeatDataset", None, (shuffle(7, Planned("MapDataset", None, (shuffle(9, RANGE),))),))
        assert match(root, plan).capacities == {1: 7, lower.id: 9}

    def test_is_unknown_without_a_plan(self) -> None:
        assert match(live("Root", live("Shuffle")), None).capacities == {}

    def test_is_unknown_from_where_program_and_running_pipeline_part(self) -> None:
        known, unknown = live("Shuffle"), live("Shuffle")
        root = live("Root", Running(known.id, "Shuffle", None, (live("Zip", unknown, live("Range")),)))
        plan = shuffle(7, Planned("FlatMapDataset", None, (shuffle(9, RANGE),)))
        assert match(root, plan).capacities == {known.id: 7}

    def test_is_unknown_for_a_shuffle_more_than_was_planned(self) -> None:
        upper, lower = live("Shuffle"), live("Shuffle")
        root = live("Root", Running(upper.id, "Shuffle", None, (lower,)))
        assert match(root, shuffle(7, RANGE)).capacities == {upper.id: 7}


class TestInputs:
    def test_are_in_the_order_of_the_program_while_all_are_there(self) -> None:
        first, second = live("Shuffle"), live("Shuffle")
        plan = Planned("ZipDataset", None, (shuffle(3, RANGE), shuffle(4, RANGE)))
        found = match(live("Root", live("Zip", first, second)), plan)
        assert found.numbers == {first.id: 0, second.id: 1}
        assert found.capacities == {first.id: 3, second.id: 4}

    def test_of_which_some_have_ended_are_told_by_what_they_do(self) -> None:
        left = live("Shuffle", live("TFRecord"))
        plan = Planned("ConcatenateDataset", None, (shuffle(3, RANGE), shuffle(4, FILES)))
        found = match(live("Root", live("Concatenate", left)), plan)
        assert (found.numbers, found.capacities) == ({left.id: 1}, {left.id: 4})

    def test_that_cannot_be_told_apart_have_no_number_and_no_capacity(self) -> None:
        left = live("Shuffle", live("Range"))
        plan = Planned("ConcatenateDataset", None, (shuffle(3, RANGE), shuffle(4, RANGE)))
        found = match(live("Root", live("Concatenate", left)), plan)
        assert (found.numbers, found.capacities) == ({left.id: None}, {})

    def test_of_an_opener_differ_from_what_it_opens_by_when_they_came(self) -> None:
        before = Running(11, "Shuffle", None, (live("Range"),))
        inside = Running(20, "Shuffle", None, (live("Range"),))
        root = live("Root", Running(10, "ParallelInterleaveV4", None, (before, inside)))
        plan = Planned("ParallelInterleaveDatasetV4", None, (shuffle(3, RANGE),), shuffle(4, RANGE))
        assert match(root, plan).capacities == {11: 3, 20: 4}
