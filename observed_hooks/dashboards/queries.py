"""PromQL text from the metrics of the catalogue: no name of a series is typed anywhere else."""

from __future__ import annotations

from dataclasses import dataclass

from observed_hooks.metrics import Metric


@dataclass(frozen=True, slots=True)
class Series:
    """Writes selectors that share some matchers.

    >>> from observed_hooks import metrics
    >>> Series('run="a"')(metrics.SAVES, outcome="failure")
    'observed_hooks_saves_total{run="a", outcome="failure"}'
    """

    shared: str = ""

    def __call__(self, metric: Metric, suffix: str = "", **equal: str) -> str:
        """Return the selector of `metric`; `suffix` names the part of a histogram, such as `_sum`."""
        unknown = equal.keys() - set(metric.all_labels)
        if unknown:
            raise ValueError(f"{metric.name} has no label {sorted(unknown)}")
        matchers = [self.shared] if self.shared else []
        matchers += [f'{label}="{value}"' for label, value in equal.items()]
        name = exported_name(metric, suffix)
        return f"{name}{{{', '.join(matchers)}}}" if matchers else name


def exported_name(metric: Metric, suffix: str = "") -> str:
    """Return the name under which Prometheus knows `metric`, or the part of it with `suffix`."""
    return metric.name + ("_info" if metric.type == "info" else suffix)


def exported_names(metric: Metric) -> tuple[str, ...]:
    """Return every name that `metric` takes in an exposition."""
    suffixes = ("_bucket", "_sum", "_count") if metric.type == "histogram" else ("",)
    return tuple(exported_name(metric, suffix) for suffix in suffixes)
