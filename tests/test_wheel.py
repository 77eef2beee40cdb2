from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "observed_hooks"


@dataclass(frozen=True)
class Installation:
    """An environment that holds our wheel, and borrows everything else from the one the tests run in."""

    bin: Path
    elsewhere: Path

    def run(self, *command: str) -> str:
        """Runs a program of this environment, far from the source tree."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        run = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            capture_output=True,
            check=False,
            cwd=self.elsewhere,
            env=environment,
            text=True,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(directory),
        str(ROOT),
    ]
    run = subprocess.run(build, capture_output=True, check=False, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    run = subprocess.run(install, capture_output=True, check=False, text=True)
    assert run.returncode == 0, run.stderr
    (site_packages,) = home.glob("lib/python*/site-packages")
    # A directory named like this has its own .pth files left unread, and so the sources stay out of reach.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return Installation(home / "bin", tmp_path_factory.mktemp("elsewhere"))


class TestTheWheel:
    def test_holds_every_file_of_the_package(self, names: set[str]) -> None:
        files = {
            path.relative_to(ROOT).as_posix()
            for path in PACKAGE.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

        assert files <= names

    def test_says_that_it_is_typed(self, names: set[str]) -> None:
        assert "observed_hooks/py.typed" in names

    def test_holds_the_licence(self, names: set[str]) -> None:
        assert any(name.endswith("licenses/LICENSE") for name in names)

    def test_holds_neither_tests_nor_anything_else(self, names: set[str]) -> None:
        others = {name for name in names if not name.startswith(("observed_hooks/", "observed_hooks-"))}

        assert not others


class TestItsInstallation:
    def test_imports_the_installed_package_and_not_the_sources(self, installation: Installation) -> None:
        where = installation.run("python", "-c", "import observed_hooks; print(observed_hooks.__file__)")

        assert Path(where).is_relative_to(installation.bin.parent)

    def test_resolves_every_public_name(self, installation: Installation) -> None:
        code = "import observed_hooks as o; print(all(getattr(o, name) for name in o.__all__))"

        assert installation.run("python", "-c", code) == "True"

    def test_has_the_command(self, installation: Installation) -> None:
        assert "demo" in installation.run("observed-hooks", "--help")
