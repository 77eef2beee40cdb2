"""Metrics pushed to a Prometheus Pushgateway: for jobs that may end before anybody scrapes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, push_to_gateway
from prometheus_client.exposition import default_handler

from observed_hooks.clock import Clock, SystemClock
from observed_hooks.errors import SinkError
from observed_hooks.events import Record
from observed_hooks.metrics import CATALOGUE
from observed_hooks.sinks._snapshots import Snapshots

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

LONGEST_TIMEOUT_SECONDS = 5.0
_RESERVED = {"job", *(label for metric in CATALOGUE for label in metric.all_labels)}


class PushgatewaySink:
    """Pushes the catalogue's metrics to the gateway at `url`: soon after each record, and at the end.

    For short jobs. A gateway keeps what it was told until somebody deletes it, so a long job, which can be scraped,
    is better served by `PrometheusSink` and `serve`. Prometheus has to scrape the gateway with `honor_labels: true`.

    Pushing has a thread of its own. A gateway that takes connections and never answers costs that thread
    `timeout_seconds` a push, and the end of the run as much once; training goes on meanwhile. The bus counts every
    failure it hears of, and the next push holds what the failed one did not deliver.

    Each run and task has a group of its own in the gateway, since a push replaces its whole group. The group's key is
    the label `instance`, not `run` or `task`: the gateway would overwrite those of the metrics.

    Args:
        url: Of the gateway, such as "http://127.0.0.1:9091"; its metrics path is added.
        job: Value of the label `job`.
        registry: More metrics to push along, such as `prometheus_client.REGISTRY`. Nothing is registered there.
        timeout_seconds: How long the gateway may take to answer; 5 s at most.
        every_seconds: Push at most so often, the end excepted.
        grouping_key: More labels for the group; `instance` is "<run>/<task>" unless given here.
        handler: Makes the request, for gateways that ask for a password or a certificate: see
            `prometheus_client.exposition.basic_auth_handler`.
        clock: For `every_seconds`.

    Raises:
        SinkError: An argument that cannot work.
    """

    name = "pushgateway"

    def __init__(  # noqa: PLR0913 - what users need to reach their gateway
        self,
        url: str,
        job: str = "training",
        *,
        registry: CollectorRegistry | None = None,
        timeout_seconds: float = LONGEST_TIMEOUT_SECONDS,
        every_seconds: float = 5.0,
        grouping_key: Mapping[str, str] | None = None,
        handler: Callable[..., Callable[[], None]] = default_handler,
        clock: Clock | None = None,
    ) -> None:
        self.url = _checked(url)
        self.job = job
        if not job:
            raise SinkError("a Pushgateway takes no metrics without a job; give a name to the argument job.")
        if not 0 < timeout_seconds <= LONGEST_TIMEOUT_SECONDS:
            raise SinkError(
                f"timeout_seconds is above 0 and at most {LONGEST_TIMEOUT_SECONDS:g}; got {timeout_seconds}."
            )
        if reserved := _RESERVED.intersection(grouping_key or ()):
            raise SinkError(
                f"grouping_key would overwrite labels of the metrics: {', '.join(sorted(reserved))}. Name others."
            )
        self._timeout_seconds = timeout_seconds
        self._group = dict(grouping_key or {})
        self._handler = handler
        self._snapshots = Snapshots(
            self._push, name=self.name, registry=registry, every_seconds=every_seconds, clock=clock or SystemClock()
        )

    def write(self, record: Record) -> None:
        """Take over what `record` says, and have it pushed; never waits for the gateway.

        Raises:
            SinkError: The push before this one failed.
        """
        self._group.setdefault("instance", f"{record.run}/{record.task}")
        self._snapshots.write(record)

    def close(self) -> None:
        """Push the last values, without a pause; takes `timeout_seconds` at most.

        Raises:
            SinkError: The gateway did not take them.
        """
        self._snapshots.close(self._timeout_seconds)

    def _push(self, collector: Collector) -> None:
        request: dict[str, Any] = {"timeout": self._timeout_seconds, "handler": self._handler}
        try:
            push_to_gateway(self.url, self.job, collector, grouping_key=self._group, **request)
        except OSError as error:
            raise SinkError(f"the Pushgateway at {self.url} did not take the metrics: {_reason(error)}") from error


def _checked(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SinkError(f"PushgatewaySink needs an address such as http://127.0.0.1:9091; got {url!r}.")
    if parts.username is not None:
        raise SinkError("PushgatewaySink takes no password in the address; give a handler that knows it.")
    return parts.geturl()


def _reason(error: OSError) -> str:
    if isinstance(error, HTTPError):  # the gateway says in the body what is wrong with the metrics
        return f"{error.code} {error.reason}: {error.read(500).decode(errors='replace').strip()}"
    return str(error)
