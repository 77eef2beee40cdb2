from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observed_hooks.task import Task, task_from_environment

CLUSTER = {"chief": ["a:1"], "ps": ["p:1", "p:2"], "worker": ["b:1", "c:1"], "evaluator": ["e:1"]}


def tf_config(**fields: Any) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps(fields)}


class TestTask:
    def test_is_named_by_type_and_index(self) -> None:
        assert Task("chief", 0, 3).label == "chief-0"

    def test_is_the_only_worker_unless_told(self) -> None:
        assert Task() == Task("worker", 0, 1)


class TestTaskFromEnvironment:
    def test_reads_type_and_index(self) -> None:
        task = task_from_environment(tf_config(cluster=CLUSTER, task={"type": "worker", "index": 1}))
        assert (task.type, task.index, task.label) == ("worker", 1, "worker-1")

    def test_counts_those_that_train_and_no_others(self) -> None:
        assert task_from_environment(tf_config(cluster=CLUSTER, task={"type": "chief", "index": 0})).replicas == 3

    def test_counts_a_master_too(self) -> None:
        config = tf_config(cluster={"master": ["a:1"], "worker": ["b:1"]}, task={"type": "master", "index": 0})
        assert task_from_environment(config) == Task("master", 0, 2)

    def test_reads_the_process_s_own_environment_unless_given_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": {"type": "worker", "index": 1}}))
        assert task_from_environment() == Task("worker", 1, 3, is_chief=False)

    @pytest.mark.parametrize(
        ("jobs", "kind", "index", "is_chief"),
        [
            (("chief", "worker"), "chief", 0, True),
            (("chief", "worker"), "worker", 0, False),
            (("worker",), "worker", 0, True),
            (("worker",), "worker", 1, False),
            (("master", "worker"), "master", 0, True),
        ],
    )
    def test_knows_who_saves_the_model(self, jobs: tuple[str, ...], kind: str, index: int, is_chief: bool) -> None:
        cluster = {job: ["a:1", "b:1"] for job in jobs}

        assert (
            task_from_environment(tf_config(cluster=cluster, task={"type": kind, "index": index})).is_chief is is_chief
        )

    def test_an_index_may_be_written_as_text(self) -> None:
        assert task_from_environment(tf_config(task={"type": "worker", "index": "2"})).index == 2

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            "not json",
            "[]",
            "null",
            "3",
            '{"task": 1}',
            '{"cluster": {"worker": 3}}',
            '{"task": {"index": 1e999}}',
        ],
    )
    def test_what_cannot_be_read_is_a_job_of_one_worker(self, text: str) -> None:
        assert task_from_environment({"TF_CONFIG": text}) == Task()

    def test_without_one_it_is_a_job_of_one_worker(self) -> None:
        assert task_from_environment({}) == Task()

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["cluster", "task", "type", "index", "worker", "chief"]), inner)
            ),
            max_leaves=12,
        )
    )
    def test_never_raises_whatever_the_variable_holds(self, config: Any) -> None:
        assert task_from_environment({"TF_CONFIG": json.dumps(config)}).replicas >= 1
