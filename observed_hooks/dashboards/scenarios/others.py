"""Slow saves, full disks, resumes that are not exact, sinks that fail."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.scenarios.model import RUN, Scenario, binary, minutes, spoken

GIB = 1024**3


def time_scenarios(config: Config) -> list[Scenario]:
    """Return the stories of what saves cost in time."""
    window = minutes(config.time_window_seconds)
    text = duration(config.time_window_seconds)
    slow, share = config.slow_save_seconds * 2, min(config.stall_share * 2, 1.0)
    quick, one = slow / 10, minutes(config.time_window_seconds) // 10

    def durations(name: str, values: str) -> Scenario:
        return Scenario(name, config).reports(m.LAST_SAVE_DURATION, values, kind="model")

    def stalls(name: str, per_minute: float) -> Scenario:
        story = Scenario(name, config)
        return story.reports(m.SAVE_STALL, f"0+{per_minute:g}x{2 * window}", "_sum", kind="model")

    return [
        durations("saves are slow", f"{slow:g}x{window}").fires(
            window,
            "CheckpointSaveSlow",
            f"A save of the model of {RUN} has taken {spoken(slow)} on average over the last {text}.",
            kind="model",
        ),
        durations("one save is slow", f"{quick:g}x{window} {slow:g}x{one} {quick:g}x{window}").is_silent(
            window + one, "CheckpointSaveSlow"
        ),
        stalls("saves hold up training", 60 * share).fires(
            2 * window, "SavingStallsTraining", f"Saves have held up {RUN} for {share * 100:.4g}% of the last {text}."
        ),
        stalls("saves cost little", 60 * config.stall_share / 2).is_silent(2 * window, "SavingStallsTraining"),
    ]


def disk_scenarios(config: Config) -> list[Scenario]:
    """Return the stories of disks."""
    size, trend, held = 1000 * GIB, minutes(config.disk_trend_seconds), minutes(config.disk_trend_seconds / 4)

    def disk(name: str, free: str) -> Scenario:
        return Scenario(name, config).reports(m.FILESYSTEM_SIZE, f"{size}x2000").reports(m.FILESYSTEM_FREE, free)

    # Empty in half the time that the alert looks ahead.
    low = round(size * config.disk_free_ratio * 0.8)
    pace = round(low / minutes(config.disk_ahead_seconds) * 2)
    late = trend + held
    left = (low - pace * late) / size * 100
    filling = (
        f"{left:.4g}% of the file system that holds the checkpoints of {RUN} are free, and at the present pace nothing "
        f"is left within {duration(config.disk_ahead_seconds)}."
    )
    limit = round(size * (1 + config.disk_free_ratio) / 2)
    fall = (size - limit) // 40
    return [
        disk("a disk fills up", f"{low}-{pace}x{late + 5}").fires(late, "CheckpointDiskFilling", filling),
        disk("retention reaches its limit on a disk with room", f"{size}-{fall}x40 {limit}x600")
        .is_silent(20, "CheckpointDiskFilling", "CheckpointDiskFull")
        .is_silent(40, "CheckpointDiskFilling", "CheckpointDiskFull")
        .is_silent(90, "CheckpointDiskFilling", "CheckpointDiskFull"),
        disk("a disk is nearly full, and stays so", f"{low}x600").is_silent(late, "CheckpointDiskFilling"),
        *_room(config),
        *_retained(config),
    ]


def _room(config: Config) -> list[Scenario]:
    def room(name: str, free: int) -> Scenario:
        story = Scenario(name, config).reports(m.FILESYSTEM_FREE, f"{free}x60")
        story.reports(m.CHECKPOINT_SIZE, f"{2 * GIB}x60", kind="model", part="data")
        return story.reports(m.CHECKPOINT_SIZE, f"{GIB}x60", kind="input_pipeline", part="data")

    need = round(3 * GIB * config.disk_room_saves)
    free = need // 2
    text = (
        f"Only {binary(free)}B are free for the checkpoints of {RUN}, not enough for {config.disk_room_saves:g} more."
    )
    return [
        room("the next checkpoints do not fit", free).fires(5, "CheckpointDiskFull", text),
        room("the next checkpoints fit", need * 2).is_silent(5, "CheckpointDiskFull"),
    ]


def _retained(config: Config) -> list[Scenario]:
    late = minutes(config.size_for_seconds) + 2

    def retained(name: str, kept: float, size: float | None) -> Scenario:
        story = Scenario(name, config)
        story.reports(m.RETAINED_BYTES, f"{round(kept) - GIB}x60", kind="model")
        story.reports(m.RETAINED_BYTES, f"{GIB}x60", kind="input_pipeline")
        return story.reports(m.FILESYSTEM_SIZE, f"{round(size)}x60") if size else story

    local = 100 * GIB
    over, far_over = (1 + config.retained_share) / 2 * local, 2 * config.retained_bytes
    name = "CheckpointsRetainedLarge"
    return [
        retained("kept checkpoints take most of the disk", over, local).fires(
            late, name, f"The checkpoints kept by {RUN} take {binary(over)}B."
        ),
        retained("kept checkpoints in a remote store are dear", far_over, None).fires(
            late, name, f"The checkpoints kept by {RUN} take {binary(far_over)}B."
        ),
        retained("kept checkpoints take their share", local * config.retained_share * 0.8, local).is_silent(late, name),
    ]


def resume_scenarios(config: Config) -> list[Scenario]:
    """Return the stories of runs that come back."""
    old = minutes(config.news_seconds) + 5

    def resumed(name: str, skew: int, outcome: str) -> Scenario:
        story = Scenario(name, config).reports(m.RESTORE_STEP_SKEW, f"{skew}x{old}")
        for each in ("success", "failure", "restarted"):
            story.reports(m.RESTORES, f"{int(each == outcome)}x{old}", kind="input_pipeline", outcome=each)
        return story

    skewed = f"The input pipeline of {RUN} resumed 40 steps behind its model: those elements are trained on twice."
    restarted = f"The input pipeline of {RUN} began at its first element, while the model was resumed."
    failed = f"A checkpoint of the input_pipeline of {RUN} could not be restored."
    return [
        resumed("the input pipeline resumes behind its model", 40, "success")
        .fires(5, "ResumeSkewed", skewed)
        .is_silent(5, "InputRestarted", "RestoreFailed")
        .is_silent(old, "ResumeSkewed"),
        resumed("the input pipeline begins afresh", 40, "restarted")
        .fires(5, "InputRestarted", restarted)
        .is_silent(5, "ResumeSkewed")
        .is_silent(old, "InputRestarted"),
        resumed("an input checkpoint cannot be read", 0, "failure")
        .fires(5, "RestoreFailed", failed, kind="input_pipeline")
        .is_silent(old, "RestoreFailed"),
        resumed("a run resumes exactly", 0, "success").is_silent(5, "ResumeSkewed", "InputRestarted", "RestoreFailed"),
    ]


def observer_scenarios(config: Config) -> list[Scenario]:
    """Return the stories of sinks."""
    text = duration(config.observer_window_seconds)
    forgotten = 10 + minutes(config.observer_window_seconds) + 2

    def sink(name: str, errors: str, dropped: str) -> Scenario:
        story = Scenario(name, config).reports(m.SINK_ERRORS, errors, sink="jsonl")
        return story.reports(m.EVENTS_DROPPED, dropped, sink="jsonl")

    failing = f"Sink jsonl of {RUN} has failed within {text}; training and the other sinks go on."
    dropping = f"3 events for sink jsonl of {RUN} have been dropped within {text}."
    return [
        sink("a sink fails, and falls behind", "0x5 2x200", "0x5 3x200")
        .is_silent(5, "SinkFailing", "EventsDropped")
        .fires(8, "SinkFailing", failing, sink="jsonl")
        .fires(8, "EventsDropped", dropping, sink="jsonl")
        .is_silent(forgotten, "SinkFailing", "EventsDropped"),
        sink("all sinks are well", "0x60", "0x60").is_silent(30, "SinkFailing", "EventsDropped"),
    ]
