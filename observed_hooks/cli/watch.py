"""`observed-hooks watch`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from observed_hooks.clock import SystemClock
from observed_hooks.events import CheckpointSaved, IteratorStateMeasured, Record
from observed_hooks.inspection.human import size
from observed_hooks.watching.directory import DirectoryWatch, keep_looking

if TYPE_CHECKING:
    from types import FrameType

_LAST_PORT = 65535
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|)\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_LISTEN_SECONDS = 1.0  # a wait without an end would not be interrupted everywhere
_LAST_LOOK_SECONDS = 2.0


def _seconds(ctx: click.Context, param: click.Parameter, text: str) -> float:  # noqa: ARG001 - click's signature
    match = _DURATION.match(text)
    seconds = float(match["number"]) * _SECONDS[match["unit"]] if match else 0.0
    if seconds <= 0:
        raise click.BadParameter("expected a duration such as 500ms, 5s or 2m")
    return seconds


@click.command("watch")
@click.argument("directory", type=click.Path(file_okay=False))
@click.option(
    "--port",
    default=9464,
    show_default=True,
    type=click.IntRange(0, _LAST_PORT),
    help="Of the Prometheus exporter; the next free one when it is taken, any with 0.",
)
@click.option("--addr", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option("--every", default="5s", show_default=True, callback=_seconds, help="How often to look.")
@click.option("--basename", "basenames", multiple=True, help="Watch only checkpoints of this name; may be repeated.")
@click.option("--run", "run_name", help="Value of the label `run`; the directory's name when not given.")
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
def command(
    directory: str,
    *,
    port: int,
    addr: str,
    every: float,
    basenames: tuple[str, ...],
    run_name: str | None,
    as_json: bool,
) -> None:
    """Export the checkpoints in DIRECTORY to Prometheus, beside a job that cannot be changed.

    The directory may appear later. SIGTERM or Ctrl-C ends it. Exit code 0.
    """
    from observed_hooks.bus import CheckpointBus
    from observed_hooks.sinks.exporter import serve
    from observed_hooks.sinks.prometheus import PrometheusSink

    directory = os.path.abspath(directory)
    sink = PrometheusSink()
    bus = CheckpointBus([sink], run=run_name or os.path.basename(directory))
    bus.subscribe(_print_json if as_json else _print_save)
    exporter = serve(sink, port, addr)
    try:
        with _end_of_the_job() as stop:
            click.echo(f"Watching {directory}, metrics at {exporter.url}", err=True)
            _watch(DirectoryWatch(directory, bus.publish, SystemClock(), basenames=basenames or None), every, stop)
    finally:
        bus.close()
        exporter.close()


@contextlib.contextmanager
def _end_of_the_job() -> Iterator[threading.Event]:
    """Set the event at SIGTERM or Ctrl-C, for as long as the context lasts."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _watch(watch: DirectoryWatch, every_seconds: float, stop: threading.Event) -> None:
    # Not on this thread: storage that does not answer must not keep a signal from being heard.
    looking = threading.Thread(
        target=keep_looking, args=(watch, every_seconds, stop.wait), name="observed_hooks-watch", daemon=True
    )
    looking.start()
    while not stop.wait(_LISTEN_SECONDS):
        pass
    looking.join(_LAST_LOOK_SECONDS)


def _print_json(record: Record) -> None:
    click.echo(json.dumps(record.as_dict()))


def _print_save(record: Record) -> None:
    event = record.event
    when = time.strftime("%H:%M:%S", time.localtime(record.time_seconds))
    if isinstance(event, CheckpointSaved):
        weight = size(event.size.total_bytes) if event.size else "gone already"
        click.echo(f"{when}  {event.kind} at step {event.step:,}: {weight}")
    elif isinstance(event, IteratorStateMeasured) and event.nodes:
        largest = event.nodes[0]
        held = f", {largest.elements:,} elements" if largest.elements else ""
        click.echo(f"{when}    largest part: {largest.node}, {size(largest.size_bytes)}{held}")
