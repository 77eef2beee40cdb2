"""The HTTP endpoint that Prometheus scrapes."""

from __future__ import annotations

import errno
import functools
import logging
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from weakref import WeakSet
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from observed_hooks.errors import SinkError
from observed_hooks.sinks._scrapes import Scrapes
from observed_hooks.sinks.prometheus import PrometheusSink

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from typing_extensions import Self

logger = logging.getLogger(__name__)

DEFAULT_PORT = 9464
_LAST_PORT = 65535
_SCHEDULED = "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"  # a header that Prometheus sends, and people do not
_WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (recognised, not bound)


class Exporter:
    """A running endpoint, until `close()` or the end of a `with` block.

    Attributes:
        addr: The address it is bound to.
        port: The port it is bound to, which is not the one asked for when that was taken.
        url: Where to scrape it from this machine.
    """

    def __init__(self, server: _Server, addr: str) -> None:
        self._server = server
        self.addr = addr
        self.port = int(server.server_port)
        self.url = _url(addr, self.port)
        # The poll interval bounds how long close() takes.
        self._thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name=f"observed-hooks-exporter-{self.port}",
            daemon=True,
        )
        self._thread.start()

    def wait_for_scrapes(self, count: int, timeout_seconds: float) -> bool:
        """Wait for `count` more scrapes, so that the last values of a run are seen before the process ends.

        Returns:
            Whether they came within `timeout_seconds`.
        """
        return self._server.application.scrapes.wait_for(count, timeout_seconds)

    def linger(self, limit_seconds: float) -> bool:
        """Wait until whoever scrapes regularly has seen the last values twice; at once when nobody does.

        A run that ends as it should says so in its last values. Unseen, its end looks like its death. A run so short
        that Prometheus has come once waits for it, too: Prometheus says who it is, and comes again.

        Args:
            limit_seconds: Never wait longer. A scraper that would need longer is not waited for.

        Returns:
            False when somebody scraped regularly and did not come again.
        """
        patience_seconds = self._server.application.scrapes.patience_seconds(limit_seconds)
        if not self._thread.is_alive() or patience_seconds is None:
            return True
        logger.info("The last metrics stay at %s for two more scrapes.", self.url)
        return self.wait_for_scrapes(2, patience_seconds)

    def close(self) -> None:
        """Stop answering and free the port, within a fraction of a second; again is harmless.

        Scrapes under way are finished by their own threads, which hold nothing up.
        """
        if self._thread.is_alive():  # not so in a forked child, where nobody would answer a shutdown
            self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def serve(
    registry: PrometheusSink | CollectorRegistry,
    port: int = DEFAULT_PORT,
    addr: str = "127.0.0.1",
    *,
    tries: int = 20,
) -> Exporter:
    """Serve `registry` over HTTP from daemon threads.

    When `port` is in use, because another job runs on this machine, the next free one of `tries` ports is
    taken, and one warning names both. Plain HTTP without a password: bound to this machine alone unless
    `addr` says otherwise.

    Args:
        registry: What to serve, or the sink that holds it.
        port: First choice of port; 0 lets the system choose one.
        addr: Address to bind, IPv4 or IPv6; "0.0.0.0" is every interface.
        tries: How many ports to try, `port` included.

    Raises:
        SinkError: No free port among those tried, or the address or port cannot be bound.
    """
    application = _Application(_registry_of(registry))
    family = _address_family(addr)
    for candidate in _candidates(port, tries):
        try:
            server = _Server(family, (addr, candidate), application)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise SinkError(f"cannot serve metrics on {addr} port {candidate}: {error}") from error
        exporter = Exporter(server, addr)
        if port not in (0, exporter.port):
            logger.warning("Port %d is in use: metrics are served at %s instead.", port, exporter.url)
        return exporter
    raise SinkError(
        f"no free port on {addr} for metrics among {port} to {min(port + tries - 1, _LAST_PORT)}; "
        "give another port, or 0 to let the system choose."
    )


def _registry_of(registry: PrometheusSink | CollectorRegistry) -> CollectorRegistry:
    if isinstance(registry, PrometheusSink):
        return registry.registry
    if not hasattr(registry, "collect"):
        raise SinkError(f"serve() takes a PrometheusSink or a prometheus_client.CollectorRegistry; got {registry!r}")
    return registry


def _candidates(port: int, tries: int) -> range:
    if not 0 <= port <= _LAST_PORT or tries < 1:
        raise SinkError(f"port must be 0 to {_LAST_PORT} and tries at least 1; got port={port}, tries={tries}")
    return range(1) if port == 0 else range(port, min(port + tries, _LAST_PORT + 1))


def _address_family(addr: str) -> socket.AddressFamily:
    try:
        found = socket.getaddrinfo(addr or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SinkError(f"cannot serve metrics on {addr!r}: {error}") from error
    return found[0][0]


def _url(addr: str, port: int) -> str:
    host = _WILDCARDS.get(addr, addr)
    return f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"


class _Answer:
    """The body of an answer, which tells when it has been sent: a WSGI server asks for more once it has sent a part."""

    def __init__(self, body: Iterable[bytes], sent: Callable[[], None]) -> None:
        self._body = body
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        yield from self._body
        self._sent()


class _Application:
    """The client's own WSGI application, with its failures reported once and its scrapes counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._inner = make_wsgi_app(registry)
        self.scrapes = Scrapes()
        self._reported = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        number = self.scrapes.begin()
        try:
            body: Iterable[bytes] = self._inner(environ, start_response)
        except Exception as error:  # noqa: BLE001 (whatever a foreign collector raises; reported below)
            # A foreign collector in a shared registry. Half a scrape would look as if series had ended.
            self._report(error)
            start_response("500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"A collector failed: {type(error).__name__}: {error}\n".encode("utf-8", "replace")]
        return _Answer(body, functools.partial(self.scrapes.answered, number, scheduled=_SCHEDULED in environ))

    def _report(self, error: Exception) -> None:
        if not self._reported:
            self._reported = True
            logger.error("A collector fails, so scrapes are answered with 500 (said once).", exc_info=error)


class _Handler(WSGIRequestHandler):
    # A client that connects and says nothing gives its thread back.
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is the base class's)
        """Say nothing: a line for every scrape would bury the training log."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """One short-lived daemon thread per scrape."""

    application: _Application

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int], application: _Application) -> None:
        self.address_family = family
        super().__init__(address, _Handler)
        self.application = application
        _listening.add(self)
        _close_in_forked_children()

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks DNS for this machine's name, which may take as long as it likes.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def get_app(self) -> Any:
        return self.application

    def process_request(self, request: Any, client_address: Any) -> None:
        threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="observed-hooks-scrape",
            daemon=True,
        ).start()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the base class's)
        # Not the base class's traceback on stderr: a scraper that hangs up is no news in a training log.
        logger.debug("A scrape from %s broke off: %s", client_address, sys.exc_info()[1])


_listening: WeakSet[_Server] = WeakSet()


@functools.cache
def _close_in_forked_children() -> None:
    """See to it that a forked child lets go of the port, which else outlives the parent.

    Without this the next run of a job finds its port taken by a left-over worker process of the last one.
    """
    os.register_at_fork(after_in_child=_close_listening)


def _close_listening() -> None:
    for server in list(_listening):
        server.server_close()
