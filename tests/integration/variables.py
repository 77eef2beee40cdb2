"""The variables of a dashboard, with everything chosen and the whole history shown."""

from __future__ import annotations

from tests.integration.history import HOURS

VARIABLES = {"$__rate_interval": "10m", "$__range": f"{HOURS}h", "$job": ".+", "$instance": ".+"}


def resolved(query: str, run: str = ".+") -> str:
    """Return `query` as Grafana would send it."""
    for name, value in {**VARIABLES, "$run": run}.items():
        query = query.replace(name, value)
    assert "$" not in query
    return query
