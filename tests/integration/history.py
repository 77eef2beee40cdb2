"""Hours of training in a moment: three runs' records, as Prometheus would have scraped them.

The records go through the same samples and the same collector as in a training process.
"""

from __future__ import annotations

import math
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from observed_hooks.dashboards.artefacts import write
from observed_hooks.dashboards.config import Config
from observed_hooks.events import (
    BuffersSampled,
    BufferState,
    CheckpointingStarted,
    CheckpointRestored,
    CheckpointSaved,
    CheckpointSize,
    ComponentBytes,
    ComponentsMeasured,
    Event,
    Filesystem,
    FirstBatchRead,
    InputRead,
    IteratorStateMeasured,
    Kind,
    MemoryPeaked,
    MixingMeasured,
    NodeBytes,
    ObserverReport,
    Record,
    Retained,
    RunStarted,
    SaveFailed,
    SaveSkipped,
)
from observed_hooks.samples import samples
from observed_hooks.sinks._families import CatalogueCollector
from tests.integration.servers import Prometheus

HOURS = 3
SCRAPE_SECONDS = 60
SAVE_SCRAPES = 5
STEPS_A_SAVE = 500
MIB = 1024**2
SHUFFLE = ("IteratorV2", "Prefetch::BatchV2::Shuffle", "Shuffle")
PREFETCH = ("IteratorV2", "Prefetch", "Prefetch")


@dataclass(frozen=True)
class Run:
    """What one run is like."""

    name: str
    instance: str
    model_mib: int
    buffer: int
    """Elements, and KiB in a checkpoint."""
    interval_seconds: float | None
    bloats: float = 1.0
    """Size of the second half against the first."""


RUNS = (
    Run("digits", "host-a:9464", 420, 100_000, SAVE_SCRAPES * SCRAPE_SECONDS, bloats=2.2),
    Run("letters", "host-b:9464", 1300, 20_000, None),
    Run("speech", "host-c:9464", 2600, 4_000, None, bloats=1.2),
)


@contextmanager
def history_server(directory: Path, end_seconds: int) -> Iterator[Prometheus]:
    """Run a Prometheus that holds the history, and scrapes nothing."""
    write(str(directory / "generated"), Config())
    history = directory / "history.txt"
    write_history(history, end_seconds)
    backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(history), str(directory / "data")]
    subprocess.run(backfill, capture_output=True, check=True)
    running = Prometheus(Path("prometheus"), directory / "generated", directory, scraped=[], alertmanager="")
    try:
        yield running
    finally:
        running.close()


def write_history(path: Path, end_seconds: int) -> None:
    """Write the last hours before `end_seconds` as OpenMetrics."""
    families: dict[str, list[str]] = defaultdict(list)
    for run in RUNS:
        for name, line in _scrapes(run, end_seconds):
            families[name].append(line)
    path.write_text("".join(line for lines in families.values() for line in lines) + "# EOF\n")


def _scrapes(run: Run, end_seconds: int) -> Iterator[tuple[str, str]]:
    collector = CatalogueCollector()
    count = HOURS * 3600 // SCRAPE_SECONDS
    for number in range(count + 1):
        now = end_seconds - (count - number) * SCRAPE_SECONDS
        for event in _events(run, number, number / count):
            collector.apply(samples(Record(run=run.name, task="worker-0", time_seconds=now, event=event)))
        for family in collector.collect():
            for sample in family.samples:
                labels = {"job": "training", "instance": run.instance, **sample.labels}
                text = ",".join(f'{name}="{value}"' for name, value in labels.items())
                yield family.name, f"{sample.name}{{{text}}} {sample.value} {now}\n"


def _events(run: Run, number: int, share: float) -> Iterator[Event]:
    """Return what is published before scrape `number`, when `share` of the history has gone by."""
    step = (number + 2) // SAVE_SCRAPES * STEPS_A_SAVE
    if number == 0:
        yield from _start(run)
    elif number % SAVE_SCRAPES == SAVE_SCRAPES - 2:
        size = run.bloats if share > 0.5 else 1.0
        yield from _save(run, "input_pipeline", step, run.buffer * 1024 * size + 5000, share)
        yield from _save(run, "model", step, run.model_mib * MIB, share)
        yield from _inside(run, step, round(run.buffer * size))
        yield ObserverReport(
            dropped=(("all", 0), ("jsonl", int(share > 0.9))),
            failed=(("prometheus", 0), ("jsonl", int(share > 0.9))),
            seconds=(("measure", 0.02), ("prometheus", 0.001), ("jsonl", 0.004)),
        )
    if number == SAVE_SCRAPES * 7 - 2 and run.name == "letters":
        yield SaveFailed(kind="model", step=step, duration_seconds=9.0, stall_seconds=9.0, error="disk full")
    if number % 20 == 19:
        yield SaveSkipped(kind="model", step=step, reason="the one before was still being written")


def _start(run: Run) -> Iterator[Event]:
    yield RunStarted(version="0.1.0", tensorflow_version="2.21.0", mode="graph")
    kinds: tuple[Kind, ...] = ("model", "input_pipeline")
    for kind in kinds:
        yield CheckpointingStarted(
            kind=kind,
            checkpoint_dir=f"/data/{run.name}",
            step=0,
            interval_seconds=run.interval_seconds,
            interval_steps=None if run.interval_seconds else STEPS_A_SAVE,
        )
    skewed = 40 if run.name == "speech" else 0
    yield CheckpointRestored(kind="model", step=0, model_step=0, prefix="", duration_seconds=2.0)
    yield CheckpointRestored(kind="input_pipeline", step=0, model_step=skewed, prefix="", duration_seconds=0.4)
    yield from _compared(run)


def _compared(run: Run) -> Iterator[Event]:
    """Return what only a comparison publishes."""
    for resumed in (False, True):
        yield FirstBatchRead(step=0, resumed=resumed, duration_seconds=0.1 + run.buffer / 2e5)
    yield InputRead(step=0, examples=40_000 - run.buffer // 10, duration_seconds=2.0)
    yield MemoryPeaked(step=0, peak_bytes=500 * MIB + run.buffer * 3072)
    mixing = min(1.0, run.buffer / 50_000)
    yield MixingMeasured(step=0, displacement=mixing, neighbours=mixing**0.5, labels=mixing**0.7, left_out="")


def _save(run: Run, kind: Kind, step: int, size_bytes: float, share: float) -> Iterator[Event]:
    wave = 1 + 0.2 * math.sin(share * 40)
    seconds = size_bytes / (300 * MIB) * wave
    baseline = run.model_mib * MIB if kind == "model" else run.buffer * 1024 + 5000
    kept = min(step // STEPS_A_SAVE, 5)
    yield CheckpointSaved(
        kind=kind,
        step=step,
        prefix="",
        duration_seconds=seconds,
        stall_seconds=seconds * 0.3,
        write_seconds=seconds * 0.8,
        size=CheckpointSize(data_bytes=round(size_bytes), index_bytes=4000, meta_bytes=0),
        baseline_bytes=baseline,
        retained=Retained(checkpoints=kept, size_bytes=round(kept * size_bytes)),
        filesystem=Filesystem(free_bytes=round((90 - 30 * share) * 1024 * MIB), size_bytes=100 * 1024 * MIB),
    )


def _inside(run: Run, step: int, elements: int) -> Iterator[Event]:
    nodes = ((SHUFFLE, elements, elements * 1024), (PREFETCH, 4, 4096))
    yield IteratorStateMeasured(
        step=step,
        prefix="",
        nodes=tuple(
            NodeBytes(iterator=i, node=n, transformation=t, elements=count, size_bytes=size)
            for (i, n, t), count, size in nodes
        ),
        left_out="",
    )
    yield BuffersSampled(
        step=step,
        buffers=tuple(
            BufferState(
                iterator=i, node=n, transformation=t, elements=count, size_bytes=size * 3, capacity_elements=count + 1
            )
            for (i, n, t), count, size in nodes
        ),
    )
    weights = run.model_mib * MIB // 3
    yield ComponentsMeasured(
        kind="model",
        step=step,
        prefix="",
        components=(
            ComponentBytes(component="weights", size_bytes=weights),
            ComponentBytes(component="optimizer", size_bytes=2 * weights),
            ComponentBytes(component="other", size_bytes=1000),
        ),
        left_out="",
    )
