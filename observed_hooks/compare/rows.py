"""From what each process published to one row for each case: medians over repeats, with their spread.

What a repeat has published before it failed counts as well: a pipeline that cannot be saved is read and mixed all the
same, and its row lacks only what a checkpoint would tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from observed_hooks.compare import measures as m
from observed_hooks.compare.case import Case
from observed_hooks.compare.repeat import Repeat
from observed_hooks.compare.result import Figure, Row
from observed_hooks.compare.story import PEAK_BYTES, remarks_of, values_of

SECONDS_PER_HOUR = 3600.0

_SAVE = "a save failed: "

# What is told as the difference from the case without a buffer, and from what it is made.
_AGAINST_NONE = ((m.FILL.name, m.FIRST_BATCH.name), (m.MEMORY.name, PEAK_BYTES))


@dataclass(frozen=True, slots=True)
class _Measured:
    """One case with what its repeats know of each measure."""

    case: Case
    values: Mapping[str, tuple[float, ...]]


def rows_of(cases: Sequence[Case], repeats: Sequence[Repeat], save_interval_seconds: float) -> tuple[Row, ...]:
    """Return one row for each case, in their order.

    Args:
        cases: what is compared.
        repeats: of these cases, in any order; some may be missing yet.
        save_interval_seconds: at which checkpoints would be written, for the bytes of an hour.
    """
    by_case = {case: [each for each in repeats if each.case == case] for case in cases}
    measured = [_Measured(case, _values(by_case[case])) for case in cases]
    return tuple(
        _row(each, by_case[each.case], _without_buffer(each.case, measured), save_interval_seconds) for each in measured
    )


def _values(repeats: Sequence[Repeat]) -> dict[str, tuple[float, ...]]:
    values: dict[str, tuple[float, ...]] = {}
    for repeat in repeats:
        for name, value in values_of(repeat.events).items():
            values[name] = (*values.get(name, ()), value)
    return values


def _without_buffer(case: Case, measured: Sequence[_Measured]) -> _Measured | None:
    """Return the case without a buffer that is most like `case`, of those that know most; None when there is none."""

    def known(each: _Measured) -> int:
        return sum(source in each.values for _, source in _AGAINST_NONE)

    def alike(each: _Measured) -> int:
        return (each.case.placement == case.placement) + (each.case.symbolic == case.symbolic)

    found = [each for each in measured if each.case.buffer_size == 0 and known(each)]
    return max(found, key=lambda each: (known(each), alike(each)), default=None)


def _row(measured: _Measured, repeats: Sequence[Repeat], baseline: _Measured | None, interval_seconds: float) -> Row:
    case = measured.case
    failures = [each.failure for each in repeats if each.failure]
    figures = {name: Figure.of(values) for name, values in measured.values.items() if name != PEAK_BYTES}
    written = [each * SECONDS_PER_HOUR / interval_seconds for each in measured.values.get(m.CHECKPOINT.name, ())]
    if written:
        figures[m.WRITTEN_PER_HOUR.name] = Figure.of(written)
    figures.update(_differences(measured, baseline))
    failed = bool(failures) and not figures
    return Row(
        name=case.name,
        buffer_size=case.buffer_size,
        placement=case.placement,
        symbolic=case.symbolic,
        figures={each.name: figures[each.name] for each in m.MEASURES if each.name in figures},
        remarks=tuple(dict.fromkeys(_remarks(repeats, failures, [] if failed else _unknown(repeats, baseline)))),
        failed=failed,
    )


def _differences(measured: _Measured, baseline: _Measured | None) -> Iterator[tuple[str, Figure]]:
    for name, source in _AGAINST_NONE:
        values = measured.values.get(source)
        if not values:
            continue
        if measured.case.buffer_size == 0:
            yield name, Figure(0.0, 0.0, 0.0, len(values))
        elif baseline is not None and source in baseline.values:
            start = Figure.of(baseline.values[source]).median
            yield name, Figure.of([value - start for value in values])


def _remarks(repeats: Sequence[Repeat], failures: Sequence[str], unknown: Iterable[str]) -> Iterator[str]:
    if not repeats:
        yield "not measured yet"
        return
    for failure, times in Counter(failures).items():
        yield f"{times} of {_count(len(repeats), 'repeat')} failed: {failure}"
    # A save that failed has been told with the repeat that failed of it.
    yield from (each for each in unknown if not any(each.removeprefix(_SAVE) in failure for failure in failures))


def _unknown(repeats: Sequence[Repeat], baseline: _Measured | None) -> Iterator[str]:
    """Yield what the repeats could not measure and why."""
    for repeat in repeats:
        yield from remarks_of(repeat.events)
    if baseline is None:
        yield "fill and memory: nothing to measure them against, no case without a buffer was measured"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
