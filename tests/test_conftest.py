from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"

TEST_THAT_SKIPS = """
import pytest

@pytest.mark.integration
def test_needs_a_program(program):
    program("promtool")
"""

FILE_THAT_SKIPS = """
import pytest

pytest.skip("install the Debian package prometheus", allow_module_level=True)
"""


def run(directory: Path, *, required: bool, **files: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest on these files with our conftest and nothing on the PATH."""
    (directory / "integration").mkdir()
    (directory / "conftest.py").write_text(CONFTEST.read_text())
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = integration\n    estimator\n")
    for name, text in files.items():
        (directory / "integration" / f"{name}.py").write_text(text)
    environment = {**os.environ, "PATH": "", "OBSERVED_HOOKS_REQUIRE_INTEGRATION": "1" if required else ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", str(directory)],
        capture_output=True,
        check=False,
        cwd=directory,
        env=environment,
        text=True,
    )


@pytest.mark.parametrize("text", [TEST_THAT_SKIPS, FILE_THAT_SKIPS], ids=["test", "file"])
class TestAMissingProgram:
    def test_skips_and_names_the_package_to_install(self, tmp_path: Path, text: str) -> None:
        outcome = run(tmp_path, required=False, test_it=text, test_other="def test_it(): pass")

        assert outcome.returncode == 0, outcome.stdout
        assert "install the Debian package prometheus" in outcome.stdout

    def test_fails_the_run_where_integration_is_required(self, tmp_path: Path, text: str) -> None:
        outcome = run(tmp_path, required=True, test_it=text, test_other="def test_it(): pass")

        assert outcome.returncode != 0, outcome.stdout
        assert "install the Debian package prometheus" in outcome.stdout


class TestTheGraphFixture:
    def test_is_the_default_graph_and_empty(self, graph: object) -> None:
        tf = pytest.importorskip("tensorflow")

        assert tf.compat.v1.get_default_graph() is graph
        assert not tf.compat.v1.get_default_graph().get_operations()
