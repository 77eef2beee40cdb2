"""Checkpoints that bloat, and those that only look so."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.scenarios.model import RUN, Scenario, binary, minutes

SHUFFLE = {"iterator": "IteratorV2", "node": "Prefetch::BatchV2::ShuffleAndRepeat", "transformation": "Shuffle"}
BATCH = {"iterator": "IteratorV2", "node": "Prefetch::BatchV2", "transformation": "Batch"}
PREFETCH = {"iterator": "IteratorV2", "node": "Prefetch", "transformation": "Prefetch"}
HOURS = 60
LONG = 10 * HOURS
FILL = (0.2, 0.6, 1.0)
"""How full a shuffle buffer is at the first saves after a start; the baseline is the median of the first five."""


def size_scenarios(config: Config) -> list[Scenario]:
    """Return the stories of sizes."""
    return [
        *_bloated(config),
        *_filling(config),
        *_small(config),
        *_growing(config),
        *_outweighing(config),
        *_concentrated(config),
    ]


def _usual(config: Config) -> int:
    """Return a size that nobody minds, and that is not too small to be looked at."""
    return 2 * config.input_floor_bytes


def _late(config: Config) -> int:
    return minutes(config.size_for_seconds) + 2


def _sizes(name: str, config: Config, kind: str, sizes: str, baseline: str) -> Scenario:
    story = Scenario(name, config)
    story.reports(m.CHECKPOINT_SIZE, sizes, kind=kind, part="data")
    story.reports(m.CHECKPOINT_SIZE, "0x900", kind=kind, part="index")
    return story.reports(m.CHECKPOINT_BASELINE, baseline, kind=kind)


def _bloated(config: Config) -> list[Scenario]:
    usual, times = _usual(config), 2 * config.bloat_ratio
    bloated, shuffle = round(usual * times), round(usual * times * 3 / 4)
    text = f"The newest input_pipeline checkpoint of {RUN} weighs {times:.4g} times as much as the first ones."
    blame = f" {binary(shuffle)}B of it belong to Shuffle ({SHUFFLE['node']})."
    sizes = f"{usual}x{HOURS} {bloated}x{LONG}"
    late = HOURS + 1 + _late(config)
    named = _sizes(
        "a shuffle buffer is enlarged between two runs", config, "input_pipeline", sizes, f"{usual}x{LONG + HOURS}"
    )
    named.reports(m.ITERATOR_STATE, f"{shuffle}x{LONG + HOURS}", **SHUFFLE)
    named.reports(m.ITERATOR_STATE, f"{config.input_floor_bytes}x{LONG + HOURS}", **BATCH)
    model = f"The newest model checkpoint of {RUN} weighs {times:.4g} times as much as the first ones."
    model += f" {binary(shuffle)}B of it are of component optimizer."
    return [
        named.is_silent(HOURS, "CheckpointBloat")
        .fires(late, "CheckpointBloat", text + blame, kind="input_pipeline")
        .fires(LONG, "CheckpointBloat", text + blame, kind="input_pipeline"),
        _sizes(
            "nobody knows the nodes of a bloated input checkpoint", config, "input_pipeline", sizes, f"{usual}x{LONG}"
        ).fires(late, "CheckpointBloat", text, kind="input_pipeline"),
        _sizes("a model grows", config, "model", sizes, f"{usual}x{LONG}")
        .reports(m.CHECKPOINT_COMPONENT, f"{usual}x{LONG}", kind="model", component="weights")
        .reports(m.CHECKPOINT_COMPONENT, f"{shuffle}x{LONG}", kind="model", component="optimizer")
        .is_silent(HOURS, "CheckpointBloat")
        .fires(late, "CheckpointBloat", model, kind="model"),
    ]


def _filling(config: Config) -> list[Scenario]:
    full = _usual(config)
    rise = " ".join(f"{round(full * share)}x9" for share in FILL)
    sizes = f"{rise} {full}x{LONG}"
    # Known from the fifth save on.
    story = _sizes("a shuffle buffer fills after the start", config, "input_pipeline", sizes, f"_x50 {full}x{LONG}")
    restart = _sizes(
        "a run is restarted, and its buffer fills again", config, "input_pipeline", sizes, f"{full}x{LONG}"
    )
    quiet = ("CheckpointBloat", "CheckpointGrowth")
    checks = (15, 25, 31 + _late(config), HOURS + 1, 2 * HOURS)
    for minute in checks:
        story.is_silent(minute, *quiet)
        restart.is_silent(minute, *quiet)
    return [story, restart]


def _small(config: Config) -> list[Scenario]:
    tiny = config.input_floor_bytes // 100
    many = round(tiny * config.bloat_ratio * config.growth_ratio * 4)
    sizes = f"{tiny}x{4 * HOURS} {min(many, config.input_floor_bytes - 1)}x{LONG}"
    story = _sizes("an input checkpoint is bloated, and still tiny", config, "input_pipeline", sizes, f"{tiny}x900")
    story.reports(m.CHECKPOINT_SIZE, "1000x900", kind="model", part="data")
    story.reports(m.ITERATOR_STATE, f"{tiny}x900", **SHUFFLE)
    late = 4 * HOURS + 1 + _late(config)
    names = ("CheckpointBloat", "CheckpointGrowth", "InputOutweighsModel", "IteratorStateConcentrated")
    return [story.is_silent(late, *names)]


def _growing(config: Config) -> list[Scenario]:
    usual = _usual(config)
    window = minutes(config.growth_window_seconds)
    grown = round(usual * config.growth_ratio * 2)
    story = Scenario("a checkpoint doubles after hours", config)
    story.reports(m.CHECKPOINT_SIZE, f"{usual}x{window} {grown}x{2 * window}", kind="model", part="data")
    text = (
        f"The newest model checkpoint of {RUN} weighs {binary(grown)}B, more than {config.growth_ratio:g} times its "
        f"median of the last {duration(config.growth_window_seconds)}."
    )
    late = window + 1 + _late(config)
    return [
        story.is_silent(window, "CheckpointGrowth")
        .fires(late, "CheckpointGrowth", text, kind="model")
        .is_silent(2 * window, "CheckpointGrowth")
    ]


def _outweighing(config: Config) -> list[Scenario]:
    usual, late = _usual(config), _late(config)
    heavy = round(usual * config.input_model_ratio * 2)

    def pair(name: str, model: int) -> Scenario:
        story = Scenario(name, config).reports(m.CHECKPOINT_SIZE, f"{heavy}x{LONG}", kind="input_pipeline", part="data")
        return story.reports(m.CHECKPOINT_SIZE, f"{model}x{LONG}", kind="model", part="data")

    times = 2 * config.input_model_ratio
    text = f"The input checkpoint of {RUN} weighs {times:.4g} times its model checkpoint."
    blame = f" {binary(usual)}B of it belong to Shuffle ({SHUFFLE['node']})."
    return [
        pair("the input pipeline outweighs its model from the first save on", usual)
        .reports(m.ITERATOR_STATE, f"{usual}x{LONG}", **SHUFFLE)
        .fires(late, "InputOutweighsModel", text + blame),
        pair("the model outweighs its input pipeline", heavy * 2).is_silent(late, "InputOutweighsModel"),
    ]


def _concentrated(config: Config) -> list[Scenario]:
    late = _late(config)
    share = (1 + config.node_share) / 2
    total = round(_usual(config) / share)
    node = round(total * share)

    def nodes(name: str, shuffle: int) -> Scenario:
        story = Scenario(name, config).reports(m.CHECKPOINT_SIZE, f"{total}x90", kind="input_pipeline", part="data")
        story.reports(m.ITERATOR_STATE, f"{shuffle}x90", **SHUFFLE)
        return story.reports(m.ITERATOR_STATE, f"{round(total * 0.01)}x90", **BATCH)

    text = f"Shuffle ({SHUFFLE['node']}) makes up {node / total * 100:.4g}% of the input checkpoint of {RUN}."
    return [
        nodes("one node makes up most of an input checkpoint", node).fires(
            late, "IteratorStateConcentrated", text, **SHUFFLE
        ),
        nodes("many nodes share an input checkpoint", round(total * config.node_share * 0.9)).is_silent(
            late, "IteratorStateConcentrated"
        ),
    ]
