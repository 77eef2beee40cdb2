from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from observed_hooks.cli.demo_progress import Stage
from observed_hooks.demo.messages import Finished, Saved, Started, Stepped
from observed_hooks.demo.plan import Plan

PLAN = Plan(directory="/tmp/demo", steps=1000, port=9464, serve=True)  # noqa: S108 - nothing is written
METRICS = "http://127.0.0.1:9464/metrics"


def started(*, step: int, metrics_url: str | None = METRICS) -> Started:
    return Started(pid=4711, step=step, tensorflow_version="2.21.0", metrics_url=metrics_url)


def resume(stage: Stage) -> None:
    stage.starting()
    stage.hear(started(step=0))
    stage.hear(Saved(kind="model", step=500))
    stage.hear(Stepped(step=552, loss=0.5, accuracy=0.75))
    stage.killed(4711)
    stage.hear(started(step=500))


@pytest.fixture
def show() -> Callable[[Callable[[Stage], None], bool], str]:
    """What stands on the screen after a deed; of a terminal, with all that passed over it."""

    def perform(deed: Callable[[Stage], None], terminal: bool) -> str:
        screen = io.StringIO()
        with Stage(Console(file=screen, force_terminal=terminal, width=100, color_system=None), PLAN) as stage:
            deed(stage)
            stage._progress.refresh()
        return screen.getvalue()

    return perform


Show = Callable[[Callable[[Stage], None], bool], str]


class TestTheProgress:
    def test_leaves_a_line_for_what_happened_where_nothing_can_move(self, show: Show) -> None:
        assert show(resume, False).splitlines()[2:5] == [
            f"Training by process 4711, TensorFlow 2.21.0, metrics at {METRICS}",
            "SIGKILL to process 4711, half-way and between two saves.",
            f"Resumed at step 500 by process 4711, metrics at {METRICS}",
        ]

    def test_says_nothing_of_metrics_when_no_port_could_be_had(self, show: Show) -> None:
        lines = show(lambda stage: stage.hear(started(step=0, metrics_url=None)), False).splitlines()

        assert lines[2] == "Training by process 4711, TensorFlow 2.21.0"

    def test_shows_step_loss_accuracy_and_saves_on_a_terminal(self, show: Show) -> None:
        def train(stage: Stage) -> None:
            stage.hear(Saved(kind="model", step=100))
            stage.hear(Stepped(step=120, loss=0.5, accuracy=0.75))

        assert "120/1000 loss 0.500  accuracy 75.0%  saves 1" in show(train, True)

    def test_goes_back_to_the_step_of_the_checkpoint(self, show: Show) -> None:
        assert "500/1000" in show(resume, True)

    def test_names_what_takes_long_behind_the_last_step(self, show: Show) -> None:
        def finish(stage: Stage) -> None:
            stage.hear(Stepped(step=1000, loss=0.5, accuracy=0.75))
            stage.hear(Finished(accuracy=0.9, held_out=297))

        assert "starting TensorBoard" in show(finish, True)
        assert "checking the result" in show(lambda stage: stage.hear(Stepped(step=1000, loss=0, accuracy=1)), True)
