from __future__ import annotations

import os
from pathlib import Path

import pytest

from observed_hooks.cli.demo_progress import Silence
from observed_hooks.demo import process
from observed_hooks.demo.performance import resume, train_and_kill
from observed_hooks.demo.plan import Plan
from observed_hooks.demo.process import TrainingProcess
from observed_hooks.errors import StateError


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan whose training process cannot even load TensorFlow."""
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no TensorFlow today')")
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])}
    monkeypatch.setattr(process, "_environment", lambda: {**os.environ, **environment})
    return Plan(directory=str(tmp_path), steps=60, port=0, serve=False)


class TestATrainingProcess:
    def test_that_fails_before_the_kill_is_an_error_with_its_last_words(self, plan: Plan) -> None:
        with pytest.raises(StateError, match=r"exit code 1: ImportError: no TensorFlow today .*training\.log"):
            train_and_kill(plan, Silence())

    def test_that_fails_after_the_resume_is_the_same(self, plan: Plan) -> None:
        with TrainingProcess(plan) as training, pytest.raises(StateError, match="no TensorFlow today"):
            resume(training, plan, Silence())

    def test_is_a_job_of_its_own_whatever_the_shell_belongs_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_CONFIG", '{"task": {"type": "worker", "index": 1}}')
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

        assert "TF_CONFIG" not in process._environment()
        assert process._environment()["CUDA_VISIBLE_DEVICES"] == "0"
