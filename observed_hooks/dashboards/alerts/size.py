"""Alerts on checkpoints that bloat, and on who is to blame."""

from __future__ import annotations

from observed_hooks.dashboards.alerts.model import RUN, Alert, Group
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.rules import COMPONENT, NODE_STATE, SIZE, TO_BASELINE, TO_MODEL

INSPECT_INPUT = "    observed-hooks inspect <checkpoint_dir>/input.ckpt-<step>\n"
INSPECT_MODEL = "    observed-hooks inspect <checkpoint_dir>/model.ckpt-<step>\n"


def size_alerts(config: Config) -> Group:
    """Return the alerts on size, the surest first."""
    alerts = (_bloat(config), _growth(config), _outweighs(config), _concentrated(config))
    return Group("observed_hooks.size", "Size", alerts)


def node_culprit(config: Config) -> str:
    """Return the template that names the node which takes most of an input checkpoint; nothing when none is known."""
    return _largest(config, NODE_STATE, "belong to {{ .Labels.transformation }} ({{ .Labels.node }})")


def component_culprit(config: Config) -> str:
    """Return the template that names the largest component of a model checkpoint; nothing when none is known."""
    return _largest(config, COMPONENT, "are of component {{ .Labels.component }}")


def _largest(config: Config, series: str, verdict: str) -> str:
    labels = [label.strip() for label in config.run_labels.split(",")]
    matchers = ", ".join(f"{label}=%q" for label in labels)
    values = " ".join(f"$labels.{label}" for label in labels)
    query = f"printf `topk(1, {series}{{{matchers}}})` {values} | query"
    return f"{{{{ range {query} }}}} {{{{ .Value | humanize1024 }}}}B of it {verdict}.{{{{ end }}}}"


def _bloat(config: Config) -> Alert:
    return Alert(
        name="CheckpointBloat",
        severity="warning",
        expr=f"{TO_BASELINE} > {config.bloat_ratio:g}\nunless\n{_too_small(config)}",
        for_seconds=config.size_for_seconds,
        summary="Checkpoints are much larger than the run's first ones.",
        description=f"The newest {{{{ $labels.kind }}}} checkpoint of {RUN} weighs {{{{ $value | humanize }}}} times "
        'as much as the first ones.{{ if eq $labels.kind "input_pipeline" }}'
        + node_culprit(config)
        + "{{ else }}"
        + component_culprit(config)
        + "{{ end }}",
        meaning=f"The newest checkpoint weighs more than {config.bloat_ratio:g} times the run's baseline, the median "
        "of its first five. The baseline is kept beside the checkpoints and survives restarts, so a buffer that was "
        "enlarged between two runs is found as well as a leak within one. The alert lasts as long as the bloat does.",
        see='"Training checkpoints", row *Size*: the stacked sizes have left the baseline. For the input pipeline, '
        '"Shuffle buffers" shows which node it is; the alert names the largest.',
        act="List what the checkpoint holds, largest first, and compare with an early one:\n\n"
        f"{INSPECT_MODEL}{INSPECT_INPUT}\n"
        "- Input pipeline: a shuffle buffer is written element by element into every checkpoint. Make it smaller, or "
        "shuffle before decoding (file names or encoded records instead of images). "
        "`observed-hooks compare` shows what a smaller buffer costs in mixing. tf.data cannot restore a shuffle into a "
        "buffer of another size (`Expected 1 components but got 0`): remove `*input.ckpt-*` before you resume, and the "
        "pipeline begins afresh.\n"
        "- Model: look for variables that were not there before (optimizer slots, moving averages, a vocabulary "
        "that grows).\n"
        "- The new size is intended: remove `<checkpoint_dir>/observed_hooks/baseline-*.json` and restart; the next "
        "five saves make the new baseline.",
    )


def _growth(config: Config) -> Alert:
    window, settled = duration(config.growth_window_seconds), duration(max(config.growth_window_seconds / 6, 1))
    return Alert(
        name="CheckpointGrowth",
        severity="info",
        # The second half keeps quiet while there is too little past: a buffer that fills after the start.
        expr=f"{SIZE} > {config.growth_ratio:g} * quantile_over_time(0.5, {SIZE}[{window}])\nand\n"
        f"{SIZE} offset {settled}\nunless\n{_too_small(config)}",
        for_seconds=config.size_for_seconds,
        summary="Checkpoints grow faster than they used to.",
        description=f"The newest {{{{ $labels.kind }}}} checkpoint of {RUN} weighs {{{{ $value | humanize1024 }}}}B, "
        f"more than {config.growth_ratio:g} times its median of the last {window}.",
        meaning="Checkpoints have grown against the run's own recent past. The past catches up: this alert ends by "
        "itself once the new size has become usual, whether or not it is welcome. CheckpointBloat does not forget.",
        see='"Training checkpoints", row *Size*: a step or a slope in the stacked sizes. Annotations show restarts.',
        act=f"Compare a checkpoint from before the step with one from after it:\n\n{INSPECT_INPUT}{INSPECT_MODEL}\n"
        "A step that coincides with a restart comes from a changed configuration, a slope from something that "
        "accumulates.",
    )


def _outweighs(config: Config) -> Alert:
    return Alert(
        name="InputOutweighsModel",
        severity="warning",
        expr=f"{TO_MODEL} > {config.input_model_ratio:g}\nunless on ({config.run_labels})\n{_too_small(config)}",
        for_seconds=config.size_for_seconds,
        summary="The input pipeline takes more room in checkpoints than the model.",
        description=f"The input checkpoint of {RUN} weighs {{{{ $value | humanize }}}} times its model checkpoint."
        + node_culprit(config),
        meaning="Most of what each save writes is not the model but the position of its input pipeline, nearly always "
        "the elements of a shuffle buffer. Needs no baseline: it is found in a run that was bloated from its first "
        "save.",
        see='"Training checkpoints", *Input against model*; "Checkpoint fleet" ranks all runs by it.',
        act=f"See which node it is:\n\n{INSPECT_INPUT}\n"
        "Then make that buffer smaller or shuffle smaller things (see CheckpointBloat). When the price is right for "
        "you, raise `input_model_ratio`.",
    )


def _concentrated(config: Config) -> Alert:
    run = config.run_labels
    size = f'max by ({run}) ({SIZE}{{kind="input_pipeline"}})'
    return Alert(
        name="IteratorStateConcentrated",
        severity="warning",
        expr=f"{NODE_STATE} / on ({run}) group_left () {size}\n> {config.node_share:g}\nand\n"
        f"{NODE_STATE} >= {config.input_floor_bytes}",
        for_seconds=config.size_for_seconds,
        summary="One tf.data node makes up most of a large input checkpoint.",
        description=f"{{{{ $labels.transformation }}}} ({{{{ $labels.node }}}}) makes up "
        f"{{{{ $value | humanizePercentage }}}} of the input checkpoint of {RUN}.",
        meaning="One node's state is what input checkpoints consist of, and it is large. The alert carries the node as "
        "a label: `transformation` is what the program calls (`Shuffle` for `dataset.shuffle(...)`), `node` its path "
        "from the consumer on.",
        see='"Shuffle buffers", *What each node takes in a checkpoint*.',
        act=f"Look at elements and bytes of the node:\n\n{INSPECT_INPUT}\n"
        "- Shuffle: `observed-hooks compare` puts buffer sizes side by side.\n"
        "- Cache, Batch, Prefetch: move them behind the shuffle, or set "
        "`options.experimental_symbolic_checkpoint = True`, which turns prefetched elements into cursors.",
    )


def _too_small(config: Config) -> str:
    return f'{SIZE}{{kind="input_pipeline"}} < {config.input_floor_bytes}'
