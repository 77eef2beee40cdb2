"""The result of a comparison as files for programs: result.json holds everything, result.csv a line for each case.

Both are written aside and renamed: a reader sees the old file or the new one, never half of either.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from observed_hooks.compare.measures import MEASURES
from observed_hooks.compare.result import Figure, Machine, Recommendation, Result, Row
from observed_hooks.compare.whole import write_whole
from observed_hooks.errors import ConfigurationError

_UNITS = {measure.name: measure.unit for measure in MEASURES}
_CASE = ("name", "buffer_size", "placement", "symbolic", "failed")


def as_fields(result: Result) -> dict[str, Any]:
    """Return `result` ready for JSON: its own fields, each figure with its unit, and what each measure is."""
    fields = asdict(result)
    for row in fields["rows"]:
        for name, figure in row["figures"].items():
            figure["unit"] = _UNITS[name]
    return {**fields, "measures": [asdict(measure) for measure in MEASURES]}


def write_json(result: Result, path: str | os.PathLike[str]) -> None:
    """Write everything that `result` holds.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    _write(json.dumps(as_fields(result), indent=2) + "\n", path)


def write_csv(result: Result, path: str | os.PathLike[str]) -> None:
    """Write the medians with their spread, a line for each case; what is not known is left empty.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    text = io.StringIO()
    columns = [column for name in _UNITS for column in (name, f"{name}_low", f"{name}_high")]
    lines = csv.DictWriter(text, [*_CASE, *columns, "remarks"], lineterminator="\n")
    lines.writeheader()
    lines.writerows(_line(row) for row in result.rows)
    _write(text.getvalue(), path)


def load_result(path: str | os.PathLike[str]) -> Result:
    """Return what `write_json` has written to `path`.

    Raises:
        ConfigurationError: it is not there, cannot be read, or is not such a file.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return _result(json.load(file))
    except OSError as error:
        raise ConfigurationError(f"the result at {os.fspath(path)} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"expected the result of a comparison, {os.fspath(path)} is none: {error}") from error


def _result(fields: Mapping[str, Any]) -> Result:
    machine, recommendation = fields["machine"], fields["recommendation"]
    return Result(
        subject=fields["subject"],
        rows=tuple(map(_row, fields["rows"])),
        machine=None if machine is None else Machine(**machine),
        date=fields["date"],
        settings=fields["settings"],
        recommendation=None if recommendation is None else Recommendation(**recommendation),
        complete=fields["complete"],
    )


def _row(fields: Mapping[str, Any]) -> Row:
    figures = {
        name: Figure(each["median"], each["low"], each["high"], each["repeats"])
        for name, each in fields["figures"].items()
    }
    return Row(**{**fields, "figures": figures, "remarks": tuple(fields["remarks"])})


def _line(row: Row) -> dict[str, Any]:
    line: dict[str, Any] = {name: getattr(row, name) for name in _CASE}
    for name, figure in row.figures.items():
        line |= {name: figure.median, f"{name}_low": figure.low, f"{name}_high": figure.high}
    return {**line, "remarks": "; ".join(row.remarks)}


def _write(text: str, path: str | os.PathLike[str]) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise ConfigurationError(f"the result cannot be written to {os.fspath(path)}: {error.strerror}") from error
