"""The real Prometheus and Alertmanager, started with the generated examples on free ports of this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

LOOPBACK = "127.0.0.1"
READY_SECONDS = 20.0
_TURN_SECONDS = 0.1


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - a server of ours
        return json.load(response)


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return the first true answer of `holds`; fail when there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(_TURN_SECONDS)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}")


class Server:
    """A program of ours that answers HTTP; ended by `close`, which keeps its log for whoever failed."""

    def __init__(self, command: list[str], port: int, directory: Path) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self._log = (directory / "log").open("w+")
        self._process = subprocess.Popen(command, cwd=directory, stdout=self._log, stderr=subprocess.STDOUT)
        try:
            wait_until(self._is_ready, READY_SECONDS, f"{command[0]} to be ready")
        except AssertionError:
            self.close()
            raise

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            self._log.seek(0)
            raise AssertionError(f"ended before it was ready: {self._log.read()}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:  # noqa: S310 - ours
                return int(response.status) == 200
        except OSError:
            return False

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Prometheus(Server):
    """Scrapes and evaluates every second what the generated example scrapes and evaluates at leisure."""

    def __init__(self, program: Path, generated: Path, directory: Path, scraped: list[int], alertmanager: str) -> None:
        config = yaml.safe_load((generated / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        (managers,) = config["alerting"]["alertmanagers"]
        managers["static_configs"] = [{"targets": [urllib.parse.urlsplit(alertmanager).netloc] if alertmanager else []}]
        (training,) = config["scrape_configs"]
        training["static_configs"] = [{"targets": [f"{LOOPBACK}:{port}" for port in scraped]}]
        (generated / "prometheus" / "shortened.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        command = [
            str(program),
            f"--config.file={generated / 'prometheus' / 'shortened.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            "--storage.tsdb.retention.time=30d",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--rules.alert.resend-delay=1s",
            "--log.level=warn",
        ]
        super().__init__(command, port, directory)

    def ask(self, query: str, **parameters: float) -> list[dict[str, Any]]:
        """Return the series that `query` finds, now or over the range that `parameters` give."""
        kind = "query_range" if "step" in parameters else "query"
        arguments = urllib.parse.urlencode({"query": query, **parameters})
        try:
            answer = get_json(f"{self.url}/api/v1/{kind}?{arguments}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from error
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def firing(self, **labels: str) -> set[str]:
        """Return the names of alerts that fire now, of those with these labels."""
        chosen = "".join(f', {name}="{value}"' for name, value in labels.items())
        return {each["metric"]["alertname"] for each in self.ask(f'ALERTS{{alertstate="firing"{chosen}}}')}


class Alertmanager(Server):
    """Routes as the generated example does, without its patience, and to our pager."""

    def __init__(self, program: Path, generated: Path, directory: Path, pager: Pager) -> None:
        text = (generated / "prometheus" / "alertmanager.yml").read_text().replace("http://127.0.0.1:5001", pager.url)
        config = yaml.safe_load(text)
        config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
        (directory / "alertmanager.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        command = [
            str(program),
            f"--config.file={directory / 'alertmanager.yml'}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        super().__init__(command, port, directory)


@dataclass(frozen=True)
class Notification:
    """One alert as it reached somebody."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


@dataclass
class Pager:
    """A webhook that remembers who was told what."""

    received: list[Notification] = field(default_factory=list)

    def __post_init__(self) -> None:
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pager.received += [
                    Notification(body["receiver"], alert["status"], alert["labels"], alert["annotations"])
                    for alert in body["alerts"]
                ]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})
        self._thread.start()

    def told(self, alert: str, **labels: str) -> list[Notification]:
        """Return the notifications of a firing alert with these labels."""
        wanted = {"alertname": alert, **labels}.items()
        return [each for each in self.received if each.status == "firing" and wanted <= each.labels.items()]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
