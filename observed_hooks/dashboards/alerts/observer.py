"""Alerts on the observer itself: who watches, and misses something."""

from __future__ import annotations

from observed_hooks import metrics as m
from observed_hooks.dashboards.alerts.model import RUN, Alert, Group
from observed_hooks.dashboards.config import Config, duration
from observed_hooks.dashboards.queries import Series


def observer_alerts(config: Config) -> Group:
    """Return the alerts on sinks that fail or fall behind."""
    return Group("observed_hooks.observer", "Observer", (_errors(config), _dropped(config)))


def _increase(config: Config, metric: m.Metric) -> str:
    selected = Series(config.selector)(metric)
    window = duration(config.observer_window_seconds)
    return f"sum by ({config.run_labels}, sink) (increase({selected}[{window}])) > 0"


def _errors(config: Config) -> Alert:
    return Alert(
        name="SinkFailing",
        severity="warning",
        expr=_increase(config, m.SINK_ERRORS),
        summary="A sink of the observer fails.",
        description=f"Sink {{{{ $labels.sink }}}} of {RUN} has failed within "
        f"{duration(config.observer_window_seconds)}; training and the other sinks go on.",
        meaning="A sink raised an error or did not answer in time. Training is not affected, but what that sink "
        "should have recorded is lost, and alerts that depend on it may stay silent. `measure` is not a sink: it is "
        "the measuring of files.",
        see='"Training checkpoints", row *Observer*.',
        act="The training log has the first error of each sink, with its traceback. A full disk hurts TensorBoard and "
        "JSON lines; a sink of your own may have a bug. Checkpoints are not affected, as you can see:\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )


def _dropped(config: Config) -> Alert:
    return Alert(
        name="EventsDropped",
        severity="warning",
        expr=_increase(config, m.EVENTS_DROPPED),
        summary="The observer has dropped events.",
        description=f'{{{{ printf "%.0f" $value }}}} events for sink {{{{ $labels.sink }}}} of {RUN} have been dropped '
        f"within {duration(config.observer_window_seconds)}.",
        meaning="Events came faster than a sink could take them, or came after the bus was closed; those in excess "
        "were dropped, so that training need not wait. Sink `all` counts those that no sink received. Counters in "
        "Prometheus and curves in TensorBoard have gaps.",
        see='"Training checkpoints", row *Observer*, *Time spent observing*: which stage is slow?',
        act="Find the slow sink by its stage, and give it faster storage, or leave it out. Too many saves for the "
        "measuring of files, on slow storage: save less often. How many files there are:\n\n"
        "    observed-hooks inspect <checkpoint_dir>\n",
    )
