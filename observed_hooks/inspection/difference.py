"""What grew from one checkpoint to another."""

from __future__ import annotations

from dataclasses import dataclass

from observed_hooks.inspection.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One entry, or one tf.data node of an iterator, in both."""

    name: str
    before_bytes: int | None
    """None where the first checkpoint does not have it."""
    after_bytes: int | None
    """None where the second checkpoint does not have it."""

    @property
    def growth_bytes(self) -> int:
        """Positive where it grew."""
        return (self.after_bytes or 0) - (self.before_bytes or 0)


def difference(before: Report, after: Report) -> tuple[Growth, ...]:
    """Return what differs in size, the largest difference first; iterators node by node where they were read."""
    sizes = _sizes(before), _sizes(after)
    growths = (
        Growth(name=name, before_bytes=sizes[0].get(name), after_bytes=sizes[1].get(name))
        for name in sizes[0].keys() | sizes[1].keys()
        if sizes[0].get(name) != sizes[1].get(name)
    )
    return tuple(sorted(growths, key=lambda each: (-abs(each.growth_bytes), each.name)))


def _sizes(report: Report) -> dict[str, int]:
    taken_apart = {state.entry for state in report.iterators}
    sizes = {entry.name: entry.size_bytes for entry in report.entries if entry.name not in taken_apart}
    for state in report.iterators:
        sizes |= {f"{state.name} {node.node}": node.bytes for node in state.nodes}
        if state.unattributed_bytes:
            sizes[f"{state.name} unattributed"] = state.unattributed_bytes
    return sizes
