"""The training process: `python -m observed_hooks.demo.child PLAN`, started, heard and killed by the demo.

Its standard output carries messages, its standard input is the leash, its standard error is the log.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from observed_hooks.demo.leash import Leash
from observed_hooks.demo.messages import Finished, Message, Saved, Serving, Started, Stepped, encode
from observed_hooks.demo.plan import Plan
from observed_hooks.events import CheckpointSaved, Record


class Voice:
    """Says messages to the parent, from any thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Send `message` at once."""
        with self._lock:
            self._file.write(encode(message))
            self._file.flush()

    def say_saved(self, record: Record) -> None:
        """Pass on that a checkpoint is complete; a subscriber of the bus."""
        if isinstance(record.event, CheckpointSaved):
            self.say(Saved(kind=record.event.kind, step=record.event.step))


def main() -> None:
    """Do what the plan on the command line says."""
    # First of all: whoever loses interest while TensorFlow loads need not wait for it.
    leash = Leash()
    voice = Voice(_take_standard_output())
    run(Plan.from_argument(sys.argv[1]), leash, voice)


def run(plan: Plan, leash: Leash, voice: Voice) -> None:
    """Train, put the result to the test, and stay if the plan says so."""
    import tensorflow as tf

    from observed_hooks.demo.data import HELD_OUT, write_digits
    from observed_hooks.demo.training import evaluate, record_uninterrupted, train
    from observed_hooks.observation import observe

    workspace = plan.workspace
    write_digits(workspace.data)
    with observe(
        workspace.checkpoints, save_steps=plan.save_steps, prometheus_port=plan.port, run="demo", task="worker-0"
    ) as observed:
        metrics_url = observed.exporter.url if observed.exporter else None
        observed.bus.subscribe(voice.say_saved)
        train(
            workspace,
            observed,
            plan.steps,
            on_start=lambda step: voice.say(
                Started(pid=os.getpid(), step=step, tensorflow_version=tf.__version__, metrics_url=metrics_url)
            ),
            on_step=_paced(leash, voice),
        )
        # Whatever was published is in the files before the parent reads them; the exporter goes on.
        observed.bus.close()
        record_uninterrupted(workspace, plan.steps)
        accuracy = evaluate(workspace)
        leash.loosen()
        voice.say(Finished(accuracy=accuracy, held_out=HELD_OUT))
        if plan.serve:
            voice.say(Serving(metrics_url=metrics_url, tensorboard_url=_start_tensorboard(workspace.scalars)))
            leash.wait_until_let_go()


def _paced(leash: Leash, voice: Voice) -> Callable[[Stepped], None]:
    def on_step(message: Stepped) -> None:
        voice.say(message)
        leash.wait_for_step()

    return on_step


def _start_tensorboard(logdir: str) -> str:
    """Serve TensorBoard from threads of this process, so that it ends with it; return its URL."""
    from tensorboard import program

    tensorboard = program.TensorBoard()
    tensorboard.configure(argv=["tensorboard", "--logdir", logdir, "--host", "127.0.0.1"])
    return str(tensorboard.launch())


def _take_standard_output() -> BinaryIO:
    """Return standard output, and let whatever else is printed in this process go to standard error."""
    mine = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return mine


if __name__ == "__main__":
    main()
