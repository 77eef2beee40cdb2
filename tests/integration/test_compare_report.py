"""The page and the HParams of a comparison, opened by those who show them: a real browser, and a real TensorBoard."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from observed_hooks.compare import measures as m
from observed_hooks.compare.hparams import tag, write_hparams
from observed_hooks.compare.report import content, write_report
from observed_hooks.compare.result import Result
from tests.compare.results import FOUR_SERIES, HOSTILE, NOTHING, ONE_SERIES, RUNS
from tests.integration.servers import LOOPBACK, free_port, get_json, wait_until

# Of the page's own clock: a browser that is slow does not run out of it.
PATIENCE_MILLISECONDS = 20_000
RESULTS = {"one series": ONE_SERIES, "four series": FOUR_SERIES, "runs": RUNS, "hostile": HOSTILE, "nothing": NOTHING}


@dataclass
class Drawn:
    """What stands in one plot's place."""

    points: list[int] = field(default_factory=list)
    """Markers of each trace."""
    lines: int = 0
    error_bars: int = 0
    texts: list[str] = field(default_factory=list)


class Dom(HTMLParser):
    """A page as the browser has built it."""

    VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.plots: dict[str, Drawn] = {}
        self._path: list[tuple[str, frozenset[str]]] = []
        self._plot: tuple[Drawn, int] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        classes = frozenset((attributes.get("class") or "").split())
        if "plot" in classes:
            self._plot = self.plots.setdefault(str(attributes["id"]), Drawn()), len(self._path)
        elif self._plot is not None:
            self._element(self._plot[0], tag, classes)
        if tag not in self.VOID:
            self._path.append((tag, classes))

    def handle_endtag(self, tag: str) -> None:
        while self._path and self._path.pop()[0] != tag:
            pass
        if self._plot is not None and len(self._path) <= self._plot[1]:
            self._plot = None

    def handle_data(self, data: str) -> None:
        if self._plot is not None and data.strip() and not self._inside("style"):
            self._plot[0].texts.append(data.strip())

    def _element(self, drawn: Drawn, tag: str, classes: frozenset[str]) -> None:
        if tag == "g" and "trace" in classes:
            drawn.points.append(0)
        elif tag == "path" and "point" in classes:
            drawn.points[-1] += 1
        elif tag == "path" and "js-line" in classes:
            drawn.lines += 1
        elif tag == "path" and classes & {"xerror", "yerror"}:
            drawn.error_bars += 1

    def _inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._path)


class Browser:
    """Chromium without a window, and without a network."""

    def __init__(self, program: Path, directory: Path) -> None:
        self._program = program
        self._directory = directory

    def open(self, result: Result, *options: str) -> tuple[Dom, str]:
        """Return the page once its scripts have run, and what they said on the console."""
        page = self._directory / "report.html"
        write_report(result, page)
        command = [
            str(self._program),
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
            # Whatever the page asked for would be answered by nobody, and said on the console.
            "--host-resolver-rules=MAP * ~NOTFOUND",
            *("--enable-logging=stderr", "--log-level=0"),
            f"--user-data-dir={self._directory / 'profile'}",
            f"--virtual-time-budget={PATIENCE_MILLISECONDS}",
            *(options or ("--dump-dom",)),
            page.as_uri(),
        ]
        run = subprocess.run(command, capture_output=True, check=True, text=True, timeout=120)
        return Dom(run.stdout), "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)


@pytest.fixture
def browser(program: Callable[[str], Path], tmp_path: Path) -> Browser:
    return Browser(program("chromium"), tmp_path)


class TestTheReportInABrowser:
    @pytest.mark.parametrize("result", RESULTS.values(), ids=list(RESULTS))
    def test_has_every_plot_drawn_with_a_point_for_every_figure(self, browser: Browser, result: Result) -> None:
        figures = content(result)["figures"]
        dom, console = browser.open(result)

        assert dom.plots.keys() == figures.keys()
        for name, drawn in dom.plots.items():
            traces = figures[name]["data"]
            assert drawn.points == [len(trace["x"]) if "markers" in trace["mode"] else 0 for trace in traces], name
            assert drawn.lines == sum("lines" in trace["mode"] for trace in traces)
            assert not any("could not be drawn" in text for text in drawn.texts)
        assert not console

    def test_draws_one_trace_for_each_series_that_the_rows_make(self, browser: Browser) -> None:
        dom, _ = browser.open(FOUR_SERIES)
        cost, *others = dom.plots.values()

        # The first two are the front, a line without points, and the ring around what is recommended.
        assert cost.points == [0, 1, 5, 5, 5, 5]
        assert all(drawn.points == [5, 5, 5, 5] for drawn in others)
        assert len(others) == 10

    def test_names_the_recommended_size_and_the_one_that_failed(self, browser: Browser) -> None:
        dom, _ = browser.open(FOUR_SERIES)

        assert "10k recommended" in dom.plots["plot-0"].texts
        assert {"0", "1m", "failed"} <= set(dom.plots["plot-1"].texts)

    def test_draws_the_spread(self, browser: Browser) -> None:
        dom, _ = browser.open(ONE_SERIES)

        # Both ways on each of five points.
        assert dom.plots["plot-0"].error_bars == 10

    def test_shows_hostile_names_as_text(self, browser: Browser) -> None:
        dom, console = browser.open(HOSTILE)

        assert any(text.startswith("</script>") for drawn in dom.plots.values() for text in drawn.texts)
        assert not console

    def test_can_be_printed_as_a_picture(self, browser: Browser, tmp_path: Path) -> None:
        browser.open(ONE_SERIES, f"--screenshot={tmp_path / 'page.png'}", "--window-size=1280,2000")

        assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


class TensorBoard:
    """A real one, asked as its page asks it."""

    def __init__(self, logdir: Path, port: int) -> None:
        self._url = f"http://{LOOPBACK}:{port}/data/plugin/hparams"
        command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--port", str(port)]
        command += ["--host", LOOPBACK, "--load_fast=false"]
        self._log = (logdir / "log").open("w")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)

    def ask(self, path: str, **request: Any) -> Any:
        arguments = urllib.parse.urlencode({"request": json.dumps({"experimentName": "", **request})})
        return get_json(f"{self._url}/{path}?{arguments}")

    def sessions(self, columns: list[str]) -> list[dict[str, Any]]:
        """Return every trial; empty while it still reads."""
        wanted = [
            *({"hparam": name} for name in ("buffer_size", "placement", "symbolic")),
            *({"metric": {"group": "", "tag": name}} for name in columns),
        ]
        try:
            answer = self.ask(
                "session_groups",
                colParams=wanted,
                startIndex=0,
                sliceSize=100,
                allowedStatuses=["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
            )
        except OSError:
            return []
        found: list[dict[str, Any]] = answer.get("sessionGroups", [])
        return found

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


@pytest.fixture
def tensorboard(tmp_path: Path) -> Iterator[TensorBoard]:
    write_hparams(FOUR_SERIES, tmp_path)
    running = TensorBoard(tmp_path, free_port())
    try:
        yield running
    finally:
        running.close()


class TestTheComparisonInTensorBoard:
    def test_is_a_trial_for_each_row_with_its_case_and_figures(self, tensorboard: TensorBoard) -> None:
        count = len(FOUR_SERIES.rows)
        columns = [tag(each) for each in (m.CHECKPOINT, m.MIXING)]
        found = wait_until(
            lambda: trials if len(trials := tensorboard.sessions(columns)) == count else None, 60, "all trials"
        )
        by_name = {re.sub(r".*/", "", each["sessions"][0]["name"]): each for each in found}

        assert by_name.keys() == {row.name for row in FOUR_SERIES.rows}
        for row in FOUR_SERIES.rows:
            metrics = {each["name"]["tag"]: each["value"] for each in by_name[row.name].get("metricValues", [])}
            assert by_name[row.name]["hparams"]["buffer_size"] == row.buffer_size
            assert metrics.get(tag(m.MIXING)) == (
                None if row.failed else pytest.approx(row.figures[m.MIXING.name].median, rel=1e-6)
            )

    def test_has_its_columns_named_with_units(self, tensorboard: TensorBoard) -> None:
        def experiment() -> Any:
            try:
                return tensorboard.ask("experiment").get("metricInfos")
            except OSError:
                return None

        names = {each["displayName"] for each in wait_until(experiment, 60, "the experiment")}

        assert {"checkpoint MiB", "first batch s", "mixing"} <= names
