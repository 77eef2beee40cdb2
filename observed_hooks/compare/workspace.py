"""The comparison's directory: claimed for one process at a time, taken up again, and never somebody else's.

What lies in it:

    plan.json, machine.json    what is compared, and where: an interrupted comparison continues when both are the same
    source.sha256              and when this is, too: see `identity`
    survey/, data/, cases/     what the measuring processes write; `ledger` tells which repeats are done
    result.json, result.csv, report.html, tensorboard/
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from observed_hooks.compare.identity import CHANGED, identity_of
from observed_hooks.compare.plan import Plan
from observed_hooks.compare.whole import write_whole
from observed_hooks.errors import CheckpointDirectoryError, ConfigurationError, StateError

_MARKER = ".observed-hooks-compare"
_IGNORE = ".gitignore"
_STAGED = ".new"
_SURVEYED = "survey.json"
"""Which a survey writes last."""
_OWN_DIRECTORIES = ("survey", "data", "cases", "tensorboard")
_OWN_FILES = ("plan.json", "machine.json", "source.sha256", "result.json", "result.csv", "report.html")

MachineFields = Mapping[str, Any]
"""`Machine` as a dict."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths below the comparison's directory."""

    directory: str

    @property
    def plan(self) -> str:
        """The plan of the comparison that is here, if one is."""
        return os.path.join(self.directory, "plan.json")

    @property
    def machine(self) -> str:
        """The machine that it is measured on."""
        return os.path.join(self.directory, "machine.json")

    @property
    def identity(self) -> str:
        """What its source was; there is none when that cannot be told."""
        return os.path.join(self.directory, "source.sha256")

    @property
    def result_json(self) -> str:
        """The result for programs."""
        return os.path.join(self.directory, "result.json")

    @property
    def result_csv(self) -> str:
        """The result for spreadsheets."""
        return os.path.join(self.directory, "result.csv")

    @property
    def report(self) -> str:
        """The result for people."""
        return os.path.join(self.directory, "report.html")

    @property
    def tensorboard(self) -> str:
        """The result for TensorBoard: its log directory."""
        return os.path.join(self.directory, "tensorboard")

    def empty(self) -> None:
        """Remove what comparisons write, the plan first; a file that somebody else put there stays."""
        for name in _OWN_FILES:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(self.directory, name))
        for name in _OWN_DIRECTORIES:
            shutil.rmtree(os.path.join(self.directory, name), ignore_errors=True)


@contextlib.contextmanager
def claimed(directory: str) -> Iterator[Workspace]:
    """Make `directory`, or take up an earlier comparison's, and keep it to ourselves for the length of the block.

    A block that ends with nothing in it leaves no directory behind that was not there before.

    Raises:
        CheckpointDirectoryError: it is a file, holds something and was not made by a comparison, cannot be written,
            or another comparison is at work in it.
    """
    with contextlib.ExitStack() as undoing:
        try:
            marker = _open_marker(directory, undoing)
        except OSError as error:
            raise CheckpointDirectoryError(
                f"the comparison cannot write to {directory!r}: {error.strerror}; pass --dir with another directory"
            ) from error
        with os.fdopen(marker, "wb"):
            try:
                fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                undoing.pop_all()
                raise CheckpointDirectoryError(
                    f"another comparison is at work in {directory!r}; end it, or pass --dir with another directory"
                ) from error
            try:
                yield Workspace(directory)
            finally:
                if set(os.listdir(directory)) > {_MARKER, _IGNORE}:
                    undoing.pop_all()


def establish(plan: Plan, machine: MachineFields, *, restart: bool, survey: Callable[[Plan], None]) -> bool:
    """Have `plan` in its directory, which is claimed, and its source surveyed.

    The survey writes beside what is there, and nothing is given up before it has succeeded: a source that cannot be
    read costs nobody an earlier comparison.

    Args:
        plan: what is to be compared.
        machine: `Machine` as a dict.
        restart: whether to give up what has been measured by an earlier plan, or by this one.
        survey: writes what the source of a plan holds below that plan's directory; it is told a plan in another
            directory than this.

    Returns:
        Whether an earlier comparison is continued.

    Raises:
        ConfigurationError: the directory holds a comparison by another plan, one of a source that has changed since,
            or one from another machine.
        StateError: the survey has ended, and left nothing.
    """
    workspace = Workspace(plan.directory)
    earlier = None if restart else read_plan(workspace)
    if earlier is not None:
        _require_same(workspace, earlier, plan, machine)
        write_whole(workspace.plan, plan.to_json())
        return True
    # Before the survey: a source that changes meanwhile is not the one that was looked at.
    identity = identity_of(plan.source)
    staged = replace(plan, directory=os.path.join(plan.directory, _STAGED))
    shutil.rmtree(staged.directory, ignore_errors=True)
    try:
        os.makedirs(staged.survey)
        write_whole(staged.path, staged.to_json())
        survey(staged)
        if not os.path.exists(os.path.join(staged.survey, _SURVEYED)):
            raise StateError(
                "the examples could not be looked at: the survey ended without a word of what it found; look for what "
                "ends the process in the source"
            )
        workspace.empty()
        for name in ("survey", "data"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(os.path.join(staged.directory, name), os.path.join(plan.directory, name))
    finally:
        shutil.rmtree(staged.directory, ignore_errors=True)
    write_whole(workspace.machine, json.dumps(machine, indent=2) + "\n")
    if identity:
        write_whole(workspace.identity, identity + "\n")
    write_whole(workspace.plan, plan.to_json())
    return False


def read_plan(workspace: Workspace) -> Plan | None:
    """Return the plan of the comparison in the directory; None when there is none.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        with open(workspace.plan, encoding="utf-8") as file:
            return Plan.from_json(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigurationError(
            f"{workspace.plan} is not the plan of a comparison of this version ({error}); pass --restart to measure "
            "anew, or --dir with another directory"
        ) from error


def _require_same(workspace: Workspace, earlier: Plan, plan: Plan, machine: MachineFields) -> None:
    found = [*_differences(asdict(_measured(earlier)), asdict(_measured(plan)))]
    with contextlib.suppress(OSError, ValueError), open(workspace.machine, encoding="utf-8") as file:
        found += _differences(json.load(file), machine)
    if earlier.source == plan.source and _has_changed(workspace, plan):
        found.append(CHANGED[plan.source.kind])
    if found:
        raise ConfigurationError(
            f"{workspace.directory} holds another comparison: {'; '.join(found)}; pass --restart to give that one up, "
            "or --dir with another directory"
        )


def _has_changed(workspace: Workspace, plan: Plan) -> bool:
    now = identity_of(plan.source)
    with contextlib.suppress(OSError), open(workspace.identity, encoding="utf-8") as file:
        return bool(now) and file.read().strip() != now
    return False


def _measured(plan: Plan) -> Plan:
    """Return the plan without what leaves single figures as they are, and may therefore differ."""
    return replace(plan, directory="", repeats=0, save_interval_seconds=0.0)


def _differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in now:
        if earlier.get(name) != now[name]:
            yield f"{name.replace('_', ' ')} {_told(earlier.get(name))} there, {_told(now[name])} here"


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(each) for each in value.values() if each not in {"", None})
    if isinstance(value, list | tuple):
        return ",".join(_case_name(each) for each in value)
    return str(value)


def _case_name(fields: Mapping[str, Any]) -> str:
    from observed_hooks.compare.case import Case

    return Case(**fields).name


def _open_marker(directory: str, undoing: contextlib.ExitStack) -> int:
    path = os.path.join(directory, _MARKER)
    if not os.path.isdir(directory) or not os.listdir(directory):
        _make(directory, undoing)
        ignore = os.path.join(directory, _IGNORE)
        for each in (path, ignore):
            undoing.callback(_remove, each)
        # Nothing a comparison writes is to be committed by the repository that it may have been run in.
        write_whole(ignore, "*\n")
    elif not os.path.exists(path):
        raise CheckpointDirectoryError(
            f"{directory!r} is not empty and was not made by a comparison, which would write in it; "
            "pass --dir with a new directory"
        )
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


def _make(directory: str, undoing: contextlib.ExitStack) -> None:
    """Make `directory` and its parents, each to be removed again."""
    if os.path.isdir(directory):
        return
    parent = os.path.dirname(directory)
    if parent and parent != directory:
        _make(parent, undoing)
    os.mkdir(directory)
    undoing.callback(os.rmdir, directory)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
