from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType

import pytest

import observed_hooks
from tests.imports import PACKAGE, read_package

# The promise of the package: a name added here is kept; one taken away is a breaking change.
PUBLIC = {
    "CheckpointBus",
    "CheckpointInputPipelineHook",
    "CheckpointSaverHook",
    "JsonlSink",
    "MemorySink",
    "PrometheusSink",
    "PushgatewaySink",
    "TensorBoardSink",
    "TextfileSink",
    "buffers",
    "errors",
    "events",
    "metrics",
    "observe",
    "serve",
}

HEAVY = {"numpy", "prometheus_client", "rich", "tensorboard", "tensorflow"}

AFTERMATH = """
import json, sys, threading
print(json.dumps({"modules": sorted(sys.modules), "threads": threading.active_count()}))
"""


def python(code: str) -> str:
    """What a fresh interpreter prints as its last line when it runs this."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[-1]


class TestThePublicNames:
    def test_are_exactly_the_promised_ones(self) -> None:
        assert set(observed_hooks.__all__) == PUBLIC

    def test_are_what_dir_shows(self) -> None:
        assert set(dir(observed_hooks)) >= PUBLIC

    @pytest.mark.parametrize("name", sorted(PUBLIC))
    def test_are_ours_and_documented(self, name: str) -> None:
        value = getattr(observed_hooks, name)
        home = value.__name__ if isinstance(value, ModuleType) else value.__module__

        assert home.split(".")[0] == PACKAGE
        assert value.__doc__

    def test_do_not_include_whatever_one_asks_for(self) -> None:
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = observed_hooks.no_such_name


class TestImporting:
    @pytest.mark.parametrize(
        ("module", "heavy"),
        [(PACKAGE, HEAVY), (f"{PACKAGE}.cli.main", HEAVY - {"rich"})],
    )
    def test_loads_nothing_heavy_and_starts_no_thread(self, module: str, heavy: set[str]) -> None:
        aftermath = json.loads(python(f"import {module}" + AFTERMATH))

        assert module in aftermath["modules"]
        assert not heavy.intersection(aftermath["modules"])
        assert aftermath["threads"] == 1

    def test_of_every_module_starts_no_thread_and_registers_no_metric(self) -> None:
        code = f"""
import importlib, threading, prometheus_client, tensorflow
before = sorted(family.name for family in prometheus_client.REGISTRY.collect()), threading.active_count()
for name in {sorted(read_package())}:
    importlib.import_module(name)
after = sorted(family.name for family in prometheus_client.REGISTRY.collect()), threading.active_count()
print(before == after)
"""
        assert python(code) == "True"
