"""`asynchronous=True`: a copy of the pair is taken between two steps, and written while training goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from observed_hooks import CheckpointInputPipelineHook, CheckpointSaverHook
from observed_hooks.checkpoints.files import checkpoints
from observed_hooks.errors import ConfigurationError, SaveError, StateError
from observed_hooks.events import CheckpointRestored, Event, SaveCompleted, SaveFailed, SaveSkipped
from observed_hooks.saving.parallel import ParallelSaver, StagedCopy
from observed_hooks.testing import RecordingBus

v1 = tf.compat.v1
PATIENCE_SECONDS = 60


class Gate:
    """Holds up the writing of model checkpoints until it is opened; fails those of chosen steps."""

    def __init__(self, fail_at: tuple[int, ...] = ()) -> None:
        self.open = threading.Event()
        self.arrived = threading.Event()
        self.fail_at = fail_at

    def pass_through(self, step: int) -> None:
        self.arrived.set()
        assert self.open.wait(PATIENCE_SECONDS), "the gate was never opened"
        if step in self.fail_at:
            raise tf.errors.ResourceExhaustedError(None, None, "no space left on device")


class GatedSaver(ParallelSaver):
    """A saver whose writing, from the first save behind step 0 on, waits at a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        super().__init__(staged=True, defer_build=True)

    def save_staged(self, copy: StagedCopy, save_path: str, *args: Any, **options: Any) -> Any:
        try:
            if options["global_step"]:
                self._gate.pass_through(options["global_step"])
        except BaseException:
            copy.discard()
            raise
        return super().save_staged(copy, save_path, *args, **options)


class Listener(tf.compat.v1.train.CheckpointSaverListener):
    def __init__(self) -> None:
        self.calls: list[tuple[str, int, bool]] = []

    def before_save(self, session: Any, global_step_value: int) -> None:
        self._note("before", global_step_value)

    def after_save(self, session: Any, global_step_value: int) -> None:
        self._note("after", global_step_value)

    def end(self, session: Any, global_step_value: int) -> None:
        self._note("end", global_step_value)

    def _note(self, name: str, step: int) -> None:
        self.calls.append((name, int(step), threading.current_thread() is threading.main_thread()))


class WaitableBus(RecordingBus):
    """A recording bus on which a test can wait for the first model checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._model_saved = threading.Event()

    def publish(self, event: Event, *, time_seconds: float | None = None) -> None:
        super().publish(event, time_seconds=time_seconds)
        if isinstance(event, SaveCompleted) and event.kind == "model":
            self._model_saved.set()

    def wait_for_model_save(self, timeout: float) -> bool:
        return self._model_saved.wait(timeout)


class Job:
    """A training whose one weight equals the step, so that a checkpoint shows of which moment it is."""

    def __init__(self, directory: Path) -> None:
        self.directory = str(directory)
        self.bus = WaitableBus()
        self.listener = Listener()
        self.seen: dict[int, int] = {}

    def run(self, steps: int, between: Callable[[int], None] = lambda step: None, **options: Any) -> None:
        make_saver = options.pop("make_saver", lambda: None)
        before_run = options.pop("before_run", lambda count: None)
        more_hooks = options.pop("more_hooks", [])
        self.bus = WaitableBus()
        with tf.Graph().as_default():
            iterator = v1.data.make_initializable_iterator(tf.data.Dataset.range(10**6).shuffle(64, seed=3))
            v1.add_to_collection(v1.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
            number = iterator.get_next()
            weight = v1.get_variable("weight", initializer=tf.zeros([100]), use_resource=True)
            step = v1.train.get_or_create_global_step()
            with tf.control_dependencies([weight.assign_add(tf.ones([100]))]):
                advance = v1.assign_add(step, 1)
            saver = make_saver()
            hooks = [
                *more_hooks,
                CheckpointSaverHook(
                    self.directory,
                    save_steps=3,
                    bus=self.bus,
                    listeners=[self.listener],
                    asynchronous=True,
                    saver=saver,
                    **options,
                ),
                CheckpointInputPipelineHook(checkpoint_dir=self.directory, bus=self.bus),
            ]
            with v1.train.MonitoredTrainingSession(
                checkpoint_dir=self.directory,
                scaffold=v1.train.Scaffold(saver=saver),
                hooks=hooks,
                save_checkpoint_secs=None,
                save_checkpoint_steps=None,
                save_summaries_steps=None,
                log_step_count_steps=None,
            ) as session:
                # The save of the first step is out of the way, whatever else the machine does.
                assert self.bus.wait_for_model_save(PATIENCE_SECONDS)
                for count in range(steps):
                    before_run(count)
                    value, reached = session.run([number, advance])
                    self.seen[int(reached)] = int(value)
                    between(int(reached))

    def weight_at(self, step: int) -> float:
        reader = tf.train.load_checkpoint(os.path.join(self.directory, f"model.ckpt-{step}"))
        return float(reader.get_tensor("weight")[0])

    def steps_of(self, basename: str) -> list[int]:
        return list(checkpoints(self.directory, basename))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "job")


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def opening(gate: Gate, at_step: int) -> Callable[[int], None]:
    """Return what opens `gate` once training has reached a step, which it can only do while a save is held up."""

    def between(step: int) -> None:
        if step == at_step:
            gate.open.set()

    return between


class TestASave:
    def test_is_written_while_training_goes_on(self, job: Job, gate: Gate) -> None:
        job.run(5, opening(gate, at_step=5), make_saver=lambda: GatedSaver(gate))

        assert job.steps_of("model.ckpt") == [0, 3, 5]

    def test_holds_the_model_as_it_was_when_it_was_due(self, job: Job, gate: Gate) -> None:
        job.run(5, opening(gate, at_step=5), make_saver=lambda: GatedSaver(gate))

        assert [job.weight_at(step) for step in (0, 3, 5)] == [0.0, 3.0, 5.0]

    def test_holds_the_input_pipeline_of_the_same_step(self, job: Job, gate: Gate, tmp_path: Path) -> None:
        job.run(5, opening(gate, at_step=5), make_saver=lambda: GatedSaver(gate))
        whole = Job(tmp_path / "uninterrupted")
        whole.run(9)

        job.run(4)

        assert job.steps_of("input.ckpt") == job.steps_of("model.ckpt")
        assert job.seen == whole.seen
        assert job.bus.events(CheckpointRestored)[-1].skew_steps == 0

    def test_completes_the_input_checkpoint_before_the_model_is_begun(self, job: Job, gate: Gate) -> None:
        def look(step: int) -> None:
            if step == 4:
                assert gate.arrived.wait(PATIENCE_SECONDS)
                assert job.steps_of("input.ckpt") == [0, 3]
                assert job.steps_of("model.ckpt") == [0]
                gate.open.set()

        job.run(5, look, make_saver=lambda: GatedSaver(gate))

    def test_stalls_training_for_less_than_it_takes(self, job: Job, gate: Gate) -> None:
        job.run(5, opening(gate, at_step=5), make_saver=lambda: GatedSaver(gate))

        (save,) = [save for save in job.bus.events(SaveCompleted) if save.kind == "model" and save.step == 3]
        assert save.stall_seconds is not None
        assert save.duration_seconds is not None
        assert save.stall_seconds < save.duration_seconds

    def test_is_told_to_listeners_on_the_training_thread(self, job: Job) -> None:
        job.run(7)

        assert all(on_main for _, _, on_main in job.listener.calls)
        assert [(name, step) for name, step, _ in job.listener.calls if name == "after"] == [
            ("after", 0),
            ("after", 3),
            ("after", 6),
            ("after", 7),
        ]
        assert job.listener.calls[-1][:2] == ("end", 7)


class TestASaveThatIsDueWhileAnotherIsWritten:
    def test_waits_for_it(self, job: Job, gate: Gate) -> None:
        def release(count: int) -> None:
            if count == 5:  # the run behind which step 6 is due
                threading.Timer(0, gate.open.set).start()

        job.run(7, make_saver=lambda: GatedSaver(gate), before_run=release)

        assert job.steps_of("model.ckpt") == [0, 3, 6, 7]
        assert not job.bus.events(SaveSkipped)

    def test_is_skipped_and_counted_for_both_kinds_when_told_to(self, job: Job, gate: Gate) -> None:
        job.run(8, opening(gate, at_step=7), make_saver=lambda: GatedSaver(gate), when_busy="skip")

        assert job.steps_of("model.ckpt") == job.steps_of("input.ckpt") == [0, 3, 8]
        assert [(skip.kind, skip.step) for skip in job.bus.events(SaveSkipped)] == [
            ("model", 6),
            ("input_pipeline", 6),
        ]

    def test_that_is_skipped_is_not_told_to_listeners(self, job: Job, gate: Gate) -> None:
        job.run(8, opening(gate, at_step=7), make_saver=lambda: GatedSaver(gate), when_busy="skip")

        assert [(name, step) for name, step, _ in job.listener.calls] == [
            *[("before", 0), ("after", 0), ("before", 3), ("after", 3)],
            *[("before", 8), ("after", 8), ("end", 8)],
        ]

    def test_is_not_skipped_at_the_end_of_training(self, job: Job, gate: Gate) -> None:
        job.run(5, opening(gate, at_step=5), make_saver=lambda: GatedSaver(gate), when_busy="skip")

        assert job.steps_of("model.ckpt")[-1] == 5


class TestAnErrorInWriting:
    def test_is_raised_at_the_next_save(self, job: Job) -> None:
        gate = Gate(fail_at=(3,))
        gate.open.set()

        with pytest.raises(SaveError, match="step 3 could not be written: ResourceExhaustedError"):
            job.run(20, make_saver=lambda: GatedSaver(gate))

        assert max(job.seen) == 5  # the run that reached step 6 ended in the error

    def test_is_raised_at_the_end(self, job: Job) -> None:
        gate = Gate(fail_at=(3,))
        gate.open.set()

        with pytest.raises(SaveError, match="step 3"):
            job.run(4, make_saver=lambda: GatedSaver(gate))

    def test_is_counted(self, job: Job) -> None:
        gate = Gate(fail_at=(3,))
        gate.open.set()
        with pytest.raises(SaveError):
            job.run(4, make_saver=lambda: GatedSaver(gate))

        assert [(failed.kind, failed.step) for failed in job.bus.events(SaveFailed)] == [("model", 3)]

    def test_leaves_the_checkpoints_before_it(self, job: Job, gate: Gate) -> None:
        gate.fail_at = (6,)
        gate.open.set()
        with pytest.raises(SaveError):
            job.run(8, make_saver=lambda: GatedSaver(gate))

        job.run(1)

        assert job.bus.events(CheckpointRestored)[0].step == 3


class Preemption(tf.compat.v1.train.SessionRunHook):
    """Loses the session once, at a step, with what is being written still held up."""

    def __init__(self, at_step: int, gate: Gate) -> None:
        self._at_step = at_step
        self._gate = gate
        self.happened = False

    def begin(self) -> None:
        self._step = v1.train.get_global_step()

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if not self.happened and run_context.session.run(self._step) >= self._at_step:
            self.happened = True
            self._gate.open.set()
            raise tf.errors.AbortedError(None, None, "preempted")


class TestASessionThatIsLostWhileASaveIsUnderWay:
    def test_is_recovered_and_continues_exactly(self, job: Job, gate: Gate, tmp_path: Path) -> None:
        whole = Job(tmp_path / "uninterrupted")
        whole.run(16)
        preemption = Preemption(at_step=5, gate=gate)

        job.run(12, make_saver=lambda: GatedSaver(gate), more_hooks=[preemption])

        assert preemption.happened
        assert job.seen == {step: whole.seen[step] for step in job.seen}
        assert job.steps_of("input.ckpt") == job.steps_of("model.ckpt")


class TestTheArguments:
    def test_need_a_saver_that_can_copy(self, job: Job) -> None:
        with pytest.raises(StateError, match=r"asynchronous=True needs a ParallelSaver with staged=True, got a Saver"):
            job.run(1, make_saver=lambda: v1.train.Saver(defer_build=True))

    def test_name_what_to_do_when_busy(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="expected when_busy to be one of wait, skip, got 'hurry'"):
            CheckpointSaverHook(str(tmp_path), save_steps=1, asynchronous=True, when_busy="hurry")


class TestVariablesOfAnotherHook:
    def test_that_are_made_late_are_saved(self, tmp_path: Path) -> None:
        class MakesAVariable(tf.compat.v1.train.SessionRunHook):
            def begin(self) -> None:
                v1.get_variable("late", initializer=7.0)

        with tf.Graph().as_default():
            advance = v1.assign_add(v1.train.get_or_create_global_step(), 1)
            with v1.train.MonitoredTrainingSession(
                checkpoint_dir=str(tmp_path),
                hooks=[CheckpointSaverHook(str(tmp_path), save_steps=1, asynchronous=True), MakesAVariable()],
                save_checkpoint_secs=None,
                save_checkpoint_steps=None,
            ) as session:
                session.run(advance)

        assert tf.train.load_checkpoint(str(tmp_path)).get_tensor("late") == 7.0
