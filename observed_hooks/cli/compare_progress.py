"""What the comparison shows while it works, on standard error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from observed_hooks.compare import sweep
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.sweep import RepeatEnded, RepeatStarted, SweepEnded

if TYPE_CHECKING:
    from rich.console import Console
    from typing_extensions import Self

_MINUTE_SECONDS = 60


class Silence:
    """An audience that shows nothing."""

    def surveying(self) -> None:
        """Show nothing."""

    def surveyed(self, subject: str, plan: Plan, *, continued: bool) -> None:
        """Show nothing."""

    def hear(self, progress: sweep.Progress) -> None:
        """Show nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass


class Stage:
    """An audience with a progress bar, and a line for whatever should stay on the screen.

    Where nothing can move, in a log or a pipe, each repeat gets a line when it has ended.
    """

    def __init__(self, console: Console) -> None:
        self._moves = console.is_terminal
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            _TimeLeft(),
            console=console,
            # The table that follows has it all.
            transient=True,
            disable=not self._moves,
        )
        self._bar = self._progress.add_task("looking at the examples", total=None, ends=None)
        self._repeats, self._done, self._total = 1, 0, 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._progress.stop()

    def surveying(self) -> None:
        """Say that the examples are being looked at, before anything is known of them."""
        if not self._moves:
            self._say("Looking at the examples.")

    def surveyed(self, subject: str, plan: Plan, *, continued: bool) -> None:
        """Say what is compared, and how often."""
        self._repeats = plan.repeats
        each = "once" if plan.repeats == 1 else f"{plan.repeats} times each"
        self._say(f"{escape(subject)}: {len(plan.cases)} cases, measured {each}, in processes of their own.")
        if continued:
            self._say("An earlier comparison of the same is continued; --restart would measure everything anew.")

    def hear(self, progress: sweep.Progress) -> None:
        """Move the bar, or say what happened."""
        match progress:
            case RepeatStarted():
                self._start(progress)
            case RepeatEnded():
                self._end(progress)
            case SweepEnded():
                self._say_what_is_missing(progress)

    def _start(self, started: RepeatStarted) -> None:
        self._done, self._total = started.done, started.total
        left = started.left_seconds
        self._progress.update(
            self._bar,
            completed=started.done,
            total=started.total,
            description=f"{started.task.case.name}, {started.task.number} of {self._repeats}",
            ends=None if left is None else time.monotonic() + left,
        )

    def _end(self, ended: RepeatEnded) -> None:
        name = f"{ended.task.case.name}, {ended.task.number} of {self._repeats}"
        if ended.failure:
            self._say(f"[bold red]{name}, failed[/]: {escape(ended.failure)}")
            return
        self._done += 1
        self._progress.update(self._bar, completed=self._done)
        if not self._moves:
            self._say(f"{self._done} of {self._total} done: {name}, in {ended.seconds:.1f} s")

    def _say_what_is_missing(self, ended: SweepEnded) -> None:
        if ended.over_budget:
            self._say(
                f"The budget is used up: {ended.done} of {ended.total} repeats are done. "
                "The same command again, without --restart, or a larger --budget adds to them."
            )

    def _say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False, soft_wrap=not self._moves)


class _TimeLeft(ProgressColumn):
    """Counts down to the moment at which the sweep is expected to end."""

    def render(self, task: Task) -> Text:
        """Return such as `1:40 left`."""
        ends = task.fields["ends"]
        if ends is None:
            return Text("")
        minutes, seconds = divmod(max(0, round(ends - time.monotonic())), _MINUTE_SECONDS)
        return Text(f"{minutes}:{seconds:02d} left", style="progress.remaining")
