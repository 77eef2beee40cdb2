"""What to do about a large input checkpoint, in plain words and with the numbers that were found in it."""

from __future__ import annotations

from collections.abc import Iterator

from observed_hooks.checkpoints.iterator_state import IteratorState
from observed_hooks.checkpoints.node_tally import NodeState
from observed_hooks.inspection.human import share, size
from observed_hooks.inspection.report import Report

WORTH_ADVICE_BYTES = 1024 * 1024
_WORTH_ADVICE_SHARE = 0.25
_SMALLER = 10  # the smaller buffer that is offered as an example
_FILE_NAME_BYTES = 100  # generous, for the path of an image
_LIKE_AN_IMAGE_BYTES = 8 * 1024  # compressed; records of numbers are smaller
_MAPS = ("Map", "ParallelMap", "MapAndBatch")


def advice(report: Report) -> tuple[str, ...]:
    """Return advice for the nodes that make the checkpoint large; none when all is well."""
    return tuple(
        line
        for state in report.iterators
        for node in state.nodes
        if node.bytes >= max(WORTH_ADVICE_BYTES, _WORTH_ADVICE_SHARE * report.tensors_bytes)
        for line in _on(node, state, report)
    )


def _on(node: NodeState, state: IteratorState, report: Report) -> Iterator[str]:
    held = f"{node.node} of {state.name} is {share(node.bytes, report.tensors_bytes)} of this checkpoint"
    if node.transformation == "Shuffle" and node.elements:
        yield from _on_shuffle(node, node.elements, state, held)
    elif node.transformation == "Cache":
        yield (
            f"{held}: the whole cached data is in every checkpoint. cache(filename) keeps it in a file instead, and "
            f"saves {size(node.bytes)} a save."
        )
    elif node.transformation == "Prefetch":
        yield (
            f"{held}. options.experimental_symbolic_checkpoint = True saves where the prefetched elements come from "
            f"instead of the elements, and saves {size(node.bytes)} a save."
        )


def _on_shuffle(node: NodeState, elements: int, state: IteratorState, held: str) -> Iterator[str]:
    each = node.bytes / elements
    smaller = max(1, elements // _SMALLER)
    yield (
        f"{held}: {elements:,} elements of {size(each)}. With {smaller:,} it would take {size(smaller * each)}, "
        f"{size(node.bytes - smaller * each)} less at every save; `observed-hooks compare` shows what that does to the "
        "mixing."
    )
    mapped = next((other for other in state.nodes if _feeds(other, node) and other.transformation in _MAPS), None)
    if mapped is not None or each >= _LIKE_AN_IMAGE_BYTES:
        source = _size_before(mapped, state) if mapped is not None else None
        origin = f"come out of {mapped.node}" if mapped is not None else f"take {size(each)} each"
        stored = f"what is read there, {size(source)} each" if source else f"file names of {_FILE_NAME_BYTES} B"
        before = elements * (source or _FILE_NAME_BYTES)
        if before < node.bytes:
            yield (
                f"The elements {origin}. If they are decoded images, shuffle before decoding: {elements:,} times "
                f"{stored}, would take {size(before)} instead of {size(node.bytes)}."
            )
    batched = next((other for other in state.nodes if _feeds(other, node) and "Batch" in other.transformation), None)
    if batched is not None:
        yield (
            f"It shuffles whole batches, which come out of {batched.node}. Shuffling before the batch mixes single "
            "examples, and mixes better for the same bytes."
        )


def _feeds(other: NodeState, node: NodeState) -> bool:
    return other.node.startswith(f"{node.node}::")


def _size_before(mapped: NodeState, state: IteratorState) -> float | None:
    """Return the bytes of an element before `mapped`, where a buffer before it shows them."""
    held = (other for other in state.nodes if _feeds(other, mapped) and other.elements)
    return next((other.bytes / other.elements for other in held if other.elements), None)
