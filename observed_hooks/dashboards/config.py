"""The one configuration of rules, alerts and dashboards, each value with when to change it.

Durations are in seconds here and in PromQL's own form (`90m`) where they are written or given as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import Any

from observed_hooks.errors import ConfigurationError

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def setting(default: Any, when_to_change: str) -> Any:
    """Return a dataclass field whose comment is there for people who list the settings, too."""
    return field(default=default, metadata={"comment": when_to_change})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Thresholds and selectors. Ratios are plain numbers, 1.5 for half as much again."""

    # -- What is looked at

    selector: str = setting(
        "",
        'Matchers for every series in rules and alerts, such as `namespace="training"`. Give them when one '
        "Prometheus scrapes jobs that somebody else looks after.",
    )
    run_labels: str = setting(
        "job, run, task",
        "Labels that together name a run, wherever it is scraped. `instance` is not among them, so that a run "
        "which comes back on another machine stays the same run. Add `cluster` or `namespace` where the same run "
        "name occurs in several of them.",
    )
    runbook_url: str = setting(
        "runbook.md",
        "Where people on call find runbook.md; alerts link to its sections. Change it to the address you publish "
        "it at.",
    )

    # -- Size

    bloat_ratio: float = setting(
        1.5,
        "Newest checkpoint against the median of the run's first. Raise it where models grow as they train.",
    )
    growth_ratio: float = setting(
        1.5,
        "Newest checkpoint against the run's own recent median. Raise it when buffers fill and drain by design.",
    )
    growth_window_seconds: int = setting(
        6 * 3600,
        "What counts as recent, at least twice the time between saves.",
    )
    input_model_ratio: float = setting(
        1.0,
        "Input checkpoint against model checkpoint. Raise it for small models that read large elements.",
    )
    node_share: float = setting(
        0.5,
        "Share of the input checkpoint that one tf.data node may take.",
    )
    input_floor_bytes: int = setting(
        64 * 1024**2,
        "Input state below this is nobody's business, whatever its ratios. Lower it on slow or dear storage.",
    )
    size_for_seconds: int = setting(
        300,
        "How long a size must stay wrong; a save or two of patience.",
    )

    # -- Saving

    overdue_intervals: float = setting(
        3.0,
        "Intervals without a save, for runs that save by time. Never below 2: a save itself takes time.",
    )
    overdue_seconds: int = setting(
        2 * 3600,
        "The same for runs that save by steps, whose seconds nobody knows: how much work you can bear to lose.",
    )
    overdue_floor_seconds: int = setting(
        600,
        "Never sooner than this, so that a save every ten seconds does not page for a stutter.",
    )
    memory_seconds: int = setting(
        12 * 3600,
        "How long a run that died is remembered: its alerts end then. Longer than a night on call.",
    )
    handover_seconds: int = setting(
        120,
        "How long a value is taken for current: at least twice the scrape interval and the evaluation interval.",
    )
    restart_seconds: int = setting(
        300,
        "How long a restart may take until the first sign of life, restoring included. A run may be away for so long "
        "before it counts as vanished or overdue. Raise it for models that take longer to load.",
    )
    failure_window_seconds: int = setting(
        1800,
        "Over which failed and skipped saves are counted: at least twice the time between saves.",
    )
    failures_in_a_row: int = setting(
        3,
        "Failed saves without a success among them that make it urgent.",
    )
    skipped_share: float = setting(
        0.1,
        "Share of due saves that may be skipped. Raise it when saving asynchronously at short intervals.",
    )
    slow_save_seconds: float = setting(
        300.0,
        "What a save may take on average. Raise it for very large models, and save less often.",
    )
    stall_share: float = setting(
        0.05,
        "Share of wall time that saving may hold up training.",
    )
    time_window_seconds: int = setting(
        3600,
        "Over which durations and stalls are averaged: at least twice the time between saves.",
    )

    # -- Disk

    disk_free_ratio: float = setting(
        0.25,
        "Below this share of free space a trend is taken seriously; above it, retention may still reach its limit.",
    )
    disk_trend_seconds: int = setting(
        3600,
        "From how long a past the trend is taken.",
    )
    disk_ahead_seconds: int = setting(
        24 * 3600,
        "How far ahead a full disk is worth a ticket: a working day and a night.",
    )
    disk_room_saves: float = setting(
        2.0,
        "Checkpoints that must still fit: a save writes the new one before it removes the oldest.",
    )
    retained_share: float = setting(
        0.5,
        "Share of the file system that one run's checkpoints may take. Lower it where runs share a disk.",
    )
    retained_bytes: int = setting(
        1024**4,
        "The same in bytes, for remote stores that have no size: what you are ready to pay for.",
    )

    # -- Resume and observer

    news_seconds: int = setting(
        6 * 3600,
        "How long a skewed resume stays an alert: it is news once, and true for ever after.",
    )
    observer_window_seconds: int = setting(
        3600,
        "Over which errors of sinks and dropped events are counted.",
    )

    def __post_init__(self) -> None:
        slowest = max(self.overdue_seconds, self.overdue_floor_seconds)
        if self.memory_seconds <= slowest:
            raise ConfigurationError(
                f"expected memory_seconds to be longer than overdue_seconds and overdue_floor_seconds ({slowest}), "
                f"got {self.memory_seconds}: a dead run would be forgotten before it is missed"
            )

    @property
    def kind_labels(self) -> str:
        """The labels that name a run's checkpoints of one kind."""
        return f"{self.run_labels}, kind"

    def with_values(self, values: dict[str, str]) -> Config:
        """Return this configuration with some values replaced, each given as text.

        Raises:
            ConfigurationError: an unknown name, or a value that cannot be read.
        """
        known: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in values:
            if name not in known:
                raise ConfigurationError(f"expected one of {', '.join(sorted(known))}; got {name!r}")
        read: dict[str, Any] = {name: _read(name, text, known[name]) for name, text in values.items()}
        return replace(self, **read)


def _read(name: str, text: str, default: str | float) -> str | float:
    if isinstance(default, str):
        return text
    try:
        if name.endswith("_seconds") and not text.replace(".", "", 1).isdigit():
            value: float = seconds_of(text)
        else:
            value = float(text)
    except ValueError:
        form = "seconds, or a duration such as 90m" if name.endswith("_seconds") else "a number"
        raise ConfigurationError(f"expected {name} to be {form}; got {text!r}") from None
    if not 0 < value < float("inf"):
        raise ConfigurationError(f"expected {name} to be above 0 and finite; got {text!r}")
    if isinstance(default, int) and value != int(value):
        raise ConfigurationError(f"expected {name} to be a whole number; got {text!r}")
    return int(value) if isinstance(default, int) else value


def duration(seconds: float) -> str:
    """Return whole `seconds` as PromQL writes them, such as `1h30m`."""
    left, parts = round(seconds), []
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def seconds_of(text: str) -> int:
    """Return the seconds of a PromQL duration such as `1h30m`.

    Raises:
        ValueError: `text` is none.
    """
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(count or 0) * size for count, size in zip(match.groups(), _UNITS.values(), strict=True))
