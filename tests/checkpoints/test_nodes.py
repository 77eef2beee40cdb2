from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.checkpoints.nodes import node_path, transformation


class TestNodePath:
    @pytest.mark.parametrize(
        ("name", "node"),
        [
            ("Iterator::Root::Prefetch", "Prefetch"),
            ("Iterator::Root::Prefetch::3", "Prefetch"),
            ("Iterator::Root::Prefetch::BatchV2::ShuffleAndRepeat:buffer::17", "Prefetch::BatchV2::ShuffleAndRepeat"),
            ("Iterator::Root::ParallelMapV2_invocation_results[3]", "ParallelMapV2"),
            ("Iterator::Root::ParallelInterleaveV4::current_elements::2", "ParallelInterleaveV4"),
            ("60d899aa0d8ce4351e7c3b419e92d25b|Iterator::Root::ParallelBatch:batch_results_1", "ParallelBatch"),
            ("Iterator::Root::MemoryCacheImpl::4", "MemoryCache"),
        ],
    )
    def test_is_the_part_of_the_name_that_the_nodes_made(self, name: str, node: str) -> None:
        assert node_path(name) == node

    @pytest.mark.parametrize("number", [0, 1, 4711])
    def test_is_the_same_for_every_iterator_that_comes_and_goes(self, number: int) -> None:
        name = f"Iterator::Root::Interleave[{number}]::FlatMap[{number}]::Shuffle:buffer"
        assert node_path(name) == "Interleave::FlatMap::Shuffle"

    @pytest.mark.parametrize("several", ["Zip", "Concatenate", "DirectedInterleave"])
    def test_tells_the_inputs_of_one_node_apart(self, several: str) -> None:
        assert node_path(f"Iterator::Root::{several}[1]::Shuffle") == f"{several}[1]::Shuffle"

    @pytest.mark.parametrize("name", ["", "Iterator::Root", "::", "1234", "a::b", "|"])
    def test_of_a_name_without_nodes_is_empty(self, name: str) -> None:
        assert node_path(name) == ""

    @given(st.text())
    def test_of_its_own_result_is_that_result(self, name: str) -> None:
        assert node_path(node_path(name)) == node_path(name)


class TestTransformation:
    @pytest.mark.parametrize(
        ("node", "name"),
        [
            ("Prefetch", "Prefetch"),
            ("Prefetch::BatchV2", "Batch"),
            ("Prefetch::BatchV2::ShuffleAndRepeat", "Shuffle"),
            ("ParallelInterleaveV4", "ParallelInterleave"),
            ("ForeverRepeat::MemoryCache", "Cache"),
            ("Zip[0]", "Zip"),
            ("Take::FiniteTake", "Take"),
            ("V2", "V2"),
            ("", ""),
        ],
    )
    def test_is_what_the_last_node_does(self, node: str, name: str) -> None:
        assert transformation(node) == name
