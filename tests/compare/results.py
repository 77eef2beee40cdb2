"""Results of comparisons that nobody has measured, for tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace

from observed_hooks.compare import measures as m
from observed_hooks.compare.case import Case, Placement
from observed_hooks.compare.result import Figure, Machine, Recommendation, Result, Row

KIB, MIB = 1024.0, 1024.0**2
SIZES = (0, 100, 1_000, 10_000, 37_500)
_MIXED = {0: 0.0, 100: 0.31, 1_000: 0.62, 10_000: 0.962, 37_500: 0.998}

MACHINE = Machine(
    cpu="Example CPU @ 2.00GHz",
    cores=2,
    memory_bytes=8 * 1024**3,
    system="Linux 6.1",
    python="3.11.9",
    tensorflow="2.21.0",
)


def case_row(size: int, placement: Placement | None, *, symbolic: bool = False) -> Row:
    """Return a row whose figures grow with the buffer as a real one's do."""
    element = 320.0 if placement == "before-decode" else 3_136.0
    held, packed = size * element, size * element * 0.4
    mixed = _MIXED[size]
    values = {
        m.FIRST_BATCH: 0.021 + size * 1.3e-5,
        m.FILL: size * 1.3e-5,
        m.THROUGHPUT: 41_000.0 - size * 0.1,
        m.MEMORY: held * 1.2 - (0.2 * MIB if size == 100 else 0),
        m.BUFFER_ELEMENTS: float(size),
        m.BUFFER_BYTES: held,
        m.CHECKPOINT: packed + (5 * KIB if symbolic else 14 * KIB),
        m.STALL: 0.0011 + size * 6e-6,
        m.SAVE: 0.0042 + size * 7e-6,
        m.RESUME: 0.034 + size * 9e-6,
        m.WRITTEN_PER_HOUR: (packed + 14 * KIB) * 6,
        m.MIXING: mixed,
        m.DISPLACEMENT: max(mixed - 0.02, 0.0),
        m.NEIGHBOURS: min(mixed + 0.03, 1.0) if size else 0.0,
        m.LABELS: max(mixed - 0.01, 0.0),
    }
    if size:
        values[m.CHECKPOINT_PER_ELEMENT] = packed / size
    return Row(
        name=Case(size, placement, symbolic).name,
        buffer_size=size,
        placement=placement,
        symbolic=symbolic,
        figures={
            measure.name: Figure(value, value - abs(value) * 0.06, value + abs(value) * 0.09, 3)
            for measure, value in values.items()
        },
    )


FAILED = Row(
    name="shuffle-1m",
    buffer_size=1_000_000,
    remarks=("3 of 3 repeats failed: the process was killed by signal 9; it had 7.6 GiB resident.",),
    failed=True,
)

ONE_SERIES = Result(
    subject="37,500 handwritten digits, in batches of 32",
    rows=tuple(case_row(size, None) for size in SIZES),
    machine=MACHINE,
    date="2026-03-01T12:30:00+00:00",
    settings={"buffer-sizes": "0,100,1k,10k,37.5k", "repeats": 3, "save-interval": 600.0},
    recommendation=Recommendation(
        name="shuffle-10k", sentence="10k: 96 % of the mixing of 37.5k for 27 % of the checkpoint bytes"
    ),
    complete=True,
)

FOUR_SERIES = replace(
    ONE_SERIES,
    rows=(
        # No buffer stands nowhere.
        *(case_row(0, None, symbolic=symbolic) for symbolic in (False, True)),
        *(
            case_row(size, placement, symbolic=symbolic)
            for size in SIZES[1:]
            for placement in ("before-decode", "after-decode")
            for symbolic in (False, True)
        ),
        replace(FAILED, name="shuffle-1m-after-decode", placement="after-decode"),
    ),
    recommendation=Recommendation(
        name="shuffle-10k-before-decode",
        sentence="10k before-decode: 96 % of the mixing of 37.5k for 27 % of the checkpoint bytes; "
        "before-decode it takes 10 % of the checkpoint bytes that it takes after-decode",
    ),
    complete=False,
)

_LIVE = (m.THROUGHPUT, m.BUFFER_ELEMENTS, m.BUFFER_BYTES, m.CHECKPOINT, m.STALL, m.SAVE, m.RESUME)


def _run(name: str, size: int | None, like: int) -> Row:
    figures = case_row(like, None).figures
    return Row(name=name, buffer_size=size, figures={each.name: figures[each.name] for each in _LIVE})


RUNS = replace(
    ONE_SERIES,
    subject="3 runs",
    rows=(_run("digits", 1_000, 1_000), _run("letters", 10_000, 10_000), _run("speech", None, 100)),
    machine=None,
    settings={"runs": "digits, letters, speech"},
    recommendation=None,
)

HOSTILE_NAME = "</script><script>hostile()</script><img src=x onerror=hostile()>"
HOSTILE = replace(
    RUNS,
    subject=HOSTILE_NAME,
    rows=(
        *(replace(row, name=f"{HOSTILE_NAME}{row.name}", remarks=(HOSTILE_NAME,)) for row in RUNS.rows),
        replace(FAILED, name=f"{HOSTILE_NAME}failed", remarks=(HOSTILE_NAME,)),
    ),
    settings={HOSTILE_NAME: HOSTILE_NAME},
    recommendation=Recommendation(name=f"{HOSTILE_NAME}digits", sentence=HOSTILE_NAME),
)

NOTHING = replace(ONE_SERIES, rows=(FAILED,), recommendation=None)
