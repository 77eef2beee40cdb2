"""What every test may rely on: a quiet TensorFlow on the CPU, a graph of its own, no silent skips."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import tensorflow as tf

# Read when TensorFlow is first loaded, here or in a process that a test starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

INTEGRATION_DIRECTORY = Path(__file__).parent / "integration"

# Set where every program is known to be installed: a skipped integration test then fails the run.
REQUIRE_INTEGRATION = "OBSERVED_HOOKS_REQUIRE_INTEGRATION"

DEBIAN_PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-pushgateway": "prometheus-pushgateway",
    "promtool": "prometheus",
}


@pytest.fixture
def graph() -> Iterator[tf.Graph]:
    """A fresh graph, the default one while the test runs."""
    import tensorflow as tf

    with tf.Graph().as_default() as fresh:
        yield fresh
    tf.compat.v1.summary.FileWriterCache.clear()


@pytest.fixture(scope="session")
def program() -> Callable[[str], Path]:
    """Finds a program on the PATH; where it is missing, skips the test and names the package to install."""

    def find(name: str) -> Path:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not on the PATH: install the Debian package {DEBIAN_PACKAGES[name]}")
        return Path(path)

    return find


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what lies in tests/integration/, and skips what needs Estimator where TensorFlow has none."""
    tensorflow = version("tensorflow")
    no_estimator = pytest.mark.skip(reason=f"TensorFlow {tensorflow} has no Estimator: run `make test-estimator`")
    for item in items:
        if INTEGRATION_DIRECTORY in item.path.parents:
            item.add_marker(pytest.mark.integration)
        if item.get_closest_marker("estimator") and not tensorflow.startswith("2.15."):
            item.add_marker(no_estimator)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the skip of an integration test into a failure where integration is required."""
    report = yield
    if item.get_closest_marker("integration") and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    if INTEGRATION_DIRECTORY in collector.path.parents:
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or not os.environ.get(REQUIRE_INTEGRATION):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{REQUIRE_INTEGRATION} is set, and this test did not run: {reason}"
