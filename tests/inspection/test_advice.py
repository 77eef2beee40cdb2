from __future__ import annotations

from dataclasses import replace

import pytest

from observed_hooks.checkpoints.iterator_state import IteratorState
from observed_hooks.checkpoints.node_tally import NodeState
from observed_hooks.checkpoints.nodes import transformation
from observed_hooks.inspection.advice import advice
from observed_hooks.inspection.report import EntryReport, Report

KIB = 1024
MIB = 1024 * KIB


def node(path: str, elements: int | None, size_bytes: int) -> NodeState:
    return NodeState(path, transformation(path), elements, size_bytes, 1)


def report(*nodes: NodeState) -> Report:
    total = sum(each.bytes for each in nodes)
    entry = EntryReport(
        name="IteratorV2:0_STATE", dtype="variant", shape=(9,), size_bytes=total, component="other", shards=(0,)
    )
    return Report(
        prefix="input.ckpt-1",
        num_shards=1,
        files_bytes=total,
        entries=(entry,),
        components=(),
        iterators=(IteratorState("IteratorV2", entry.name, nodes, total, 0),),
        unread="",
    )


class TestAdvice:
    def test_on_a_shuffle_says_what_a_smaller_buffer_would_save(self) -> None:
        (line,) = advice(report(node("Prefetch::Shuffle", 10_000, 40 * MIB)))
        assert "10,000 elements of 4.1 KiB. With 1,000 it would take 4.0 MiB, 36.0 MiB less at every save" in line

    def test_on_a_shuffle_of_images_says_what_shuffling_before_decoding_would_save(self) -> None:
        found = advice(report(node("Shuffle", 1_000, 100 * MIB), node("Shuffle::ParallelMapV2", 2, 10)))
        assert (
            "come out of Shuffle::ParallelMapV2. If they are decoded images, shuffle before decoding: 1,000 times file "
            "names of 100 B, would take 97.7 KiB instead of 100.0 MiB"
        ) in found[1]

    def test_takes_the_size_before_decoding_from_a_buffer_that_shows_it(self) -> None:
        found = advice(
            report(
                node("Shuffle", 1_000, 100 * MIB),
                node("Shuffle::ParallelMapV2", None, 10),
                node("Shuffle::ParallelMapV2::Prefetch", 2, 8 * KIB),
            )
        )
        assert "1,000 times what is read there, 4.0 KiB each, would take 3.9 MiB instead of 100.0 MiB" in found[1]

    def test_on_large_elements_holds_also_when_what_made_them_has_ended(self) -> None:
        assert "If they are decoded images" in advice(report(node("Shuffle", 100, 10 * MIB)))[1]

    def test_on_a_shuffle_of_batches_says_to_shuffle_before(self) -> None:
        found = advice(report(node("Shuffle", 10_000, 10 * MIB), node("Shuffle::BatchV2", None, 1)))
        assert any("It shuffles whole batches" in line for line in found)

    @pytest.mark.parametrize(
        ("path", "words"), [("MemoryCache", "cache(filename)"), ("Prefetch", "experimental_symbolic_checkpoint")]
    )
    def test_on_other_buffers_names_the_remedy(self, path: str, words: str) -> None:
        (line,) = advice(report(node(path, 10, 2 * MIB)))
        assert words in line
        assert "saves 2.0 MiB a save" in line

    def test_is_not_given_where_nothing_is_large(self) -> None:
        assert advice(report(node("Shuffle", 100, 100 * KIB))) == ()

    def test_is_not_given_on_a_small_part_of_a_large_checkpoint(self) -> None:
        small = report(node("Shuffle", 1_000, 2 * MIB))
        weights = replace(small.entries[0], name="w", dtype="float32", size_bytes=100 * MIB)
        assert advice(replace(small, entries=(*small.entries, weights))) == ()
