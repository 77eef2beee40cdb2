"""Runs that do not save, die, end, come back, fail."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.scenarios.model import RUN, Scenario, minutes, spoken

SOON = 10
OTHER = "host-b:9464"


def saving_scenarios(config: Config) -> list[Scenario]:
    """Return the stories of saves that are missing."""
    return [
        *_overdue(config),
        *_not_overdue(config),
        _stuck(config),
        *_vanished(config),
        *_failed(config),
        *_skipped(config),
    ]


def _limit(config: Config) -> int:
    return minutes(max(config.overdue_intervals * config.overdue_floor_seconds, config.overdue_floor_seconds))


def _run(name: str, config: Config, active: str, saved: str, *, by_time: bool = True) -> Scenario:
    story = Scenario(name, config).reports(m.RUN_ACTIVE, active)
    story.reports(m.LAST_SAVE_TIMESTAMP, saved, kind="model").reports(
        m.LAST_SAVE_TIMESTAMP, saved, kind="input_pipeline"
    )
    return (
        story.reports(
            m.SAVE_INTERVAL_SECONDS,
            active.replace("0x", f"{config.overdue_floor_seconds}x").replace("1x", f"{config.overdue_floor_seconds}x"),
        )
        if by_time
        else story
    )


def _old(minute: int) -> str:
    return f"The newest model checkpoint of {RUN} is {spoken(minute * 60)} old, and the run has not ended as it should."


def _overdue(config: Config) -> list[Scenario]:
    patience = minutes(config.restart_seconds) + 1
    late, very_late = _limit(config) + patience, minutes(config.overdue_seconds) + patience
    alive = f"1x{very_late + SOON}"
    return [
        _run("a run that saves by time stops saving", config, alive, f"0x{very_late}")
        .is_silent(late - 3, "CheckpointOverdue")
        .fires(late, "CheckpointOverdue", _old(late), kind="model"),
        _run("a run that saves by steps stops saving", config, alive, f"0x{very_late}", by_time=False)
        .is_silent(very_late - 3, "CheckpointOverdue")
        .fires(very_late, "CheckpointOverdue", _old(very_late), kind="model"),
        _run("a run is killed and stays dead", config, f"1x{SOON} stale", f"0x{SOON} stale")
        .is_silent(late - 3, "CheckpointOverdue")
        .fires(late, "CheckpointOverdue", _old(late), kind="model"),
    ]


def _not_overdue(config: Config) -> list[Scenario]:
    late = minutes(config.overdue_seconds) + _limit(config)
    quiet = ("CheckpointOverdue", "CheckpointStuck", "TrainingVanished")
    ended = f"1x{SOON} 0 0 stale"
    back = SOON + 2
    moved = _run("a run is killed, and resumed on another machine", config, f"1x{SOON} stale", f"0x{SOON} stale")
    moved.reports(m.RUN_ACTIVE, f"_x{back} 1x{late}", instance=OTHER)
    for kind in ("model", "input_pipeline"):
        moved.reports(m.LAST_SAVE_TIMESTAMP, f"_x{back} {back * 60}+60x{late}", kind=kind, instance=OTHER)
        moved.reports(m.LAST_SAVE_STEP, f"100x{SOON} stale", kind=kind)
        moved.reports(m.LAST_SAVE_STEP, f"_x{back} 100+5x{late}", kind=kind, instance=OTHER)
    saves = _run("only the model is saved on time", config, f"1x{late}", f"0+60x{late}")
    saves.reports(m.LAST_SAVE_TIMESTAMP, f"0x{late}", kind="input_pipeline")
    start = late + minutes(config.restart_seconds) - 1
    again = f"{(start - 1) * 60}+60x{2 * SOON}"
    returned = _run(
        "a run that ended as it should is resumed hours later, and takes its time to restore",
        config,
        f"{ended} _x{late - SOON - 4} 1x{3 * SOON}",
        f"0x{SOON} 0 0 stale _x{start - SOON - 4} {again}",
    )
    for kind in ("model", "input_pipeline"):
        returned.reports(m.LAST_SAVE_STEP, f"500x{SOON + 2} stale _x{start - SOON - 4} 500+5x{2 * SOON}", kind=kind)
    for minute in range(late, start + SOON, 2):
        returned.is_silent(minute, *quiet)
    return [
        returned,
        _run("a run ends as it should", config, ended, f"0x{SOON} 0 0 stale").is_silent(late, *quiet),
        moved.is_silent(SOON + 4, *quiet).is_silent(late, *quiet),
        saves.is_silent(late, *quiet),
    ]


def _stuck(config: Config) -> Scenario:
    back = minutes(config.overdue_seconds)
    late = back + 2 * minutes(config.restart_seconds) + SOON
    story = _run("a run dies and restarts before its first save, again and again", config, f"1x{late}", f"0+60x{late}")
    story.reports(m.LAST_SAVE_STEP, f"500x{late}", kind="model")
    text = f"The newest model checkpoint of {RUN} is of step 500, as it was {duration(config.overdue_seconds)} ago."
    return (
        story.is_silent(back - 2, "CheckpointStuck")
        .fires(late, "CheckpointStuck", text, kind="model")
        .is_silent(late, "CheckpointOverdue")
    )


def _vanished(config: Config) -> list[Scenario]:
    gone = SOON + minutes(config.handover_seconds) + minutes(config.restart_seconds) + 2
    text = f"Nothing is heard of {RUN} any more, and it never said that it had ended."
    return [
        _run("a run is gone", config, f"1x{SOON} stale", f"0x{SOON} stale", by_time=False)
        .is_silent(SOON + 2, "TrainingVanished")
        .fires(gone, "TrainingVanished", text)
        .is_silent(gone + minutes(config.memory_seconds), "TrainingVanished", "CheckpointOverdue"),
        _run(
            "a run is restarted at once", config, f"1x{SOON} stale _ _ 1x{gone}", f"0x{SOON} stale _ _ 780x{gone}"
        ).is_silent(gone, "TrainingVanished"),
    ]


def _saves(name: str, config: Config, success: str, failure: str = "0x90", skipped: str = "0x90") -> Scenario:
    story = Scenario(name, config)
    outcomes = {"success": success, "failure": failure, "skipped": skipped}
    for outcome, values in outcomes.items():
        story.reports(m.SAVES, values, kind="model", outcome=outcome)
    return story


def _failed(config: Config) -> list[Scenario]:
    window, many = duration(config.failure_window_seconds), config.failures_in_a_row + 1
    after = 2 + many
    one = f"A save of the model of {RUN} has failed within {window}."
    all_ = f"{many} saves of the model of {RUN} have failed within {window}, and none has succeeded."
    forgotten = after + minutes(config.failure_window_seconds) + 1
    return [
        _saves("every save fails", config, "1x90", f"0 0 0+1x{many} {many}x90")
        .fires(after, "CheckpointSaveFailed", one, kind="model")
        .fires(after, "CheckpointSavesFailing", all_, kind="model")
        .is_silent(forgotten, "CheckpointSaveFailed", "CheckpointSavesFailing"),
        _saves("saves fail between others that succeed", config, "0+1x90", f"0 0 0+1x{many} {many}x90")
        .fires(after, "CheckpointSaveFailed", one, kind="model")
        .is_silent(after, "CheckpointSavesFailing"),
        _saves("every save succeeds", config, "0+1x90").is_silent(
            60, "CheckpointSaveFailed", "CheckpointSavesFailing", "CheckpointSavesSkipped"
        ),
    ]


def _skipped(config: Config) -> list[Scenario]:
    window = duration(config.failure_window_seconds)
    share = min(2 * config.skipped_share, 1.0)
    text = f"{share * 100:.4g}% of the saves that were due for the model of {RUN} have been skipped within {window}."
    end = minutes(config.failure_window_seconds) + SOON
    return [
        _saves("many saves are skipped", config, f"0+{1 - share:g}x{end}", skipped=f"0+{share:g}x{end}").fires(
            end, "CheckpointSavesSkipped", text, kind="model"
        ),
        _saves(
            "a save is skipped now and then", config, f"0+1x{end}", skipped=f"0+{config.skipped_share / 2:g}x{end}"
        ).is_silent(end, "CheckpointSavesSkipped"),
    ]
