"""What the demo shows while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from observed_hooks.demo.messages import Finished, Message, Saved, Started, Stepped
from observed_hooks.demo.plan import Plan

if TYPE_CHECKING:
    from rich.console import Console
    from typing_extensions import Self

_SMOOTHING = 0.1
_LOADING = "loading TensorFlow"


class Silence:
    """An audience that shows nothing."""

    def starting(self) -> None:
        """Show nothing."""

    def hear(self, message: Message) -> None:
        """Show nothing."""

    def killed(self, pid: int) -> None:
        """Show nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass


class Stage:
    """An audience with a progress bar, and a line for whatever should stay on the screen."""

    def __init__(self, console: Console, plan: Plan) -> None:
        self._plan = plan
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            # The lines that were printed tell the story; the bar has nothing to add to them in the end.
            transient=True,
        )
        self._bar = self._progress.add_task(_LOADING, total=plan.steps, state="")
        self._loss, self._accuracy = _Smoothed(), _Smoothed()
        self._saves = 0

    def __enter__(self) -> Self:
        plan = self._plan
        self._say(
            f"A small convolutional network learns 1,500 handwritten digits in {plan.steps:,} steps. Model and input "
            f"pipeline are saved every {plan.save_steps:,} steps. Half-way the process is killed; another one resumes."
        )
        self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._progress.stop()

    def starting(self) -> None:
        """Say that TensorFlow is being loaded, which takes longest of all."""
        self._progress.update(self._bar, description=_LOADING)

    def hear(self, message: Message) -> None:
        """Move the bar, or say what happened."""
        if isinstance(message, Stepped):
            self._step(message)
        elif isinstance(message, Saved):
            self._saves += 1
        elif isinstance(message, Started):
            self._say(_introduction(message))
            self._progress.update(self._bar, completed=message.step)
        elif isinstance(message, Finished) and self._plan.serve:
            self._progress.update(self._bar, description="starting TensorBoard")

    def killed(self, pid: int) -> None:
        """Say so."""
        self._say(f"[bold red]SIGKILL[/] to process {pid}, half-way and between two saves.")

    def _step(self, message: Stepped) -> None:
        loss, accuracy = self._loss.take(message.loss), self._accuracy.take(message.accuracy)
        self._progress.update(
            self._bar,
            completed=message.step,
            description="training" if message.step < self._plan.steps else "checking the result",
            state=f"loss {loss:.3f}  accuracy {accuracy:.1%}  saves {self._saves}",
        )

    def _say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False)


class _Smoothed:
    """A number that jumps from step to step, averaged over the last few."""

    def __init__(self) -> None:
        self._value: float | None = None

    def take(self, value: float) -> float:
        self._value = value if self._value is None else self._value + _SMOOTHING * (value - self._value)
        return self._value


def _introduction(message: Started) -> str:
    metrics = f", metrics at {escape(message.metrics_url)}" if message.metrics_url else ""
    if message.step:
        return f"[bold green]Resumed[/] at step {message.step:,} by process {message.pid}{metrics}"
    return f"[bold]Training[/] by process {message.pid}, TensorFlow {message.tensorflow_version}{metrics}"
