from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

from observed_hooks.cli.commands import COMMANDS
from observed_hooks.cli.main import main
from observed_hooks.errors import ConfigurationError, MissingExtraError
from observed_hooks.version import VERSION

Run = Callable[..., Result]
PACKAGE = "observed_hooks.cli"


@pytest.fixture
def run() -> Run:
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="observed-hooks")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Adds a command named `try` that does what it is given."""

    def add(deed: Callable[[], object]) -> None:
        module = ModuleType(f"{PACKAGE}.try")
        module.command = click.Command("try", callback=deed)  # type: ignore[attr-defined] # what the table asks for
        monkeypatch.setitem(sys.modules, f"{PACKAGE}.try", module)
        monkeypatch.setitem(COMMANDS, "try", "Try something.")

    return add


class TestTheCommandLine:
    def test_tells_its_version(self, run: Run) -> None:
        assert run("--version").output == f"observed-hooks, version {VERSION}\n"

    def test_lists_its_commands_without_loading_one(self) -> None:
        code = (
            "import sys; from observed_hooks.cli.main import main; main(['--help'], standalone_mode=False); "
            f"print([name for name in {[f'{PACKAGE}.{name}' for name in COMMANDS]} if name in sys.modules])"
        )
        output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout

        assert all(f"  {name} " in output for name in COMMANDS)
        assert output.splitlines()[-1] == "[]"

    def test_answers_in_well_under_a_second(self) -> None:
        code = "from observed_hooks.cli.main import main; main(['--help'])"
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

        assert time.monotonic() - started < 1.0

    @pytest.mark.parametrize("name", COMMANDS)
    def test_loads_no_tensorflow_to_explain_a_command(self, name: str) -> None:
        code = (
            "import sys; from observed_hooks.cli.main import main; "
            f"main(['{name}', '--help'], standalone_mode=False); print('tensorflow' in sys.modules)"
        )
        output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout

        assert output.splitlines()[-1] == "False"

    @pytest.mark.parametrize("name", COMMANDS)
    def test_finds_each_listed_command_by_its_name(self, name: str) -> None:
        command = importlib.import_module(f"{PACKAGE}.{name}").command

        assert command.name == name
        assert command.help

    def test_answers_an_unknown_command_with_code_2(self, run: Run) -> None:
        result = run("no-such-command")

        assert result.exit_code == 2
        assert "No such command 'no-such-command'" in result.output


class TestExitCodes:
    def test_are_0_when_all_is_well(self, run: Run, command: Callable[[Callable[[], object]], None]) -> None:
        command(lambda: None)

        assert run("try").exit_code == 0

    def test_are_2_and_one_line_for_an_error_of_the_package(
        self, run: Run, command: Callable[[Callable[[], object]], None]
    ) -> None:
        def fail() -> None:
            raise ConfigurationError("expected this,\n    got that")

        command(fail)
        result = run("try")

        assert (result.exit_code, result.output) == (2, "Error: expected this, got that\n")

    def test_are_2_for_a_missing_extra_that_is_named(
        self, run: Run, command: Callable[[Callable[[], object]], None]
    ) -> None:
        def fail() -> None:
            raise MissingExtraError("run: pip install 'observed-hooks[demo]'")

        command(fail)
        result = run("try")

        assert (result.exit_code, result.output) == (2, "Error: run: pip install 'observed-hooks[demo]'\n")

    def test_are_130_for_ctrl_c(self, run: Run, command: Callable[[Callable[[], object]], None]) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        command(interrupt)

        assert run("try").exit_code == 130

    def test_leave_a_defect_its_traceback(self, run: Run, command: Callable[[Callable[[], object]], None]) -> None:
        def crash() -> None:
            raise ZeroDivisionError

        command(crash)

        assert isinstance(run("try").exception, ZeroDivisionError)
