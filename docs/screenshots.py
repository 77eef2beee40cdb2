"""Takes pictures of TensorBoard on what the demo has written.

    python docs/screenshots.py                 # runs the demo, then writes docs/images/tensorboard-*.png
    python docs/screenshots.py --logdir DIR    # pictures of other runs

Needs chromium on the PATH (the Debian package of that name);
for the demo, scikit-learn too (`pip install -e ".[dev]"`).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
DEMO_LOGDIR = Path("checkpoints", "observed_hooks", "tensorboard")
PAGES = {"scalars": 1020, "custom_scalars": 1500}
"""Pages of TensorBoard, with the height of the picture in pixels."""
WIDTH_PIXELS = 1180
"""Two charts beside each other, and no more room than that."""
PATIENCE_SECONDS = 120.0
LOADING_SECONDS = 20
"""By the browser's clock, which runs ahead while it has nothing to do."""

QUIET = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars"
ALONE = "--disable-background-networking --disable-component-update --disable-sync"
MAIN = "from observed_hooks.cli.main import main; main()"


def run_demo(directory: Path) -> None:
    """Let the demo train, die and resume in `directory`."""
    command = [sys.executable, "-c", MAIN, "demo", "--dir", str(directory)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - a program of ours


@contextmanager
def tensorboard(logdir: Path) -> Iterator[str]:
    """Serve `logdir` on a free port of this machine; yield the address once the layout has been read."""
    # Started above the log directory, so that the page shows a short path.
    command = [sys.executable, "-m", "tensorboard.main", "--host", "127.0.0.1", "--port", "0", "--logdir", logdir.name]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=logdir.parent, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not (address := _address(log.seek(0) or log.read())) or not _has_layout(address):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"TensorBoard shows no layout for {logdir}: {log.seek(0) or log.read()}")
                time.sleep(0.5)
            yield address
        finally:
            process.terminate()
            process.wait()


def _address(log: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/", log)
    return found[0] if found else ""


def _has_layout(address: str) -> bool:
    url = f"{address}data/plugin/custom_scalars/layout"
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:  # noqa: S310 - a server of ours
        return "category" in json.load(response)


def take(chromium: str, address: str, page: str, path: Path) -> None:
    """Write a picture of one page, drawn as it is opened: without a click, and without smoothing."""
    url = f"{address}?darkMode=false#{page}&_smoothingWeight=0"
    with tempfile.TemporaryDirectory() as profile:
        command = [chromium, *QUIET.split(), *ALONE.split(), f"--user-data-dir={profile}"]
        command += [f"--window-size={WIDTH_PIXELS},{PAGES[page]}", f"--virtual-time-budget={LOADING_SECONDS * 1000}"]
        command += [f"--screenshot={path}", url]
        subprocess.run(command, check=True, timeout=PATIENCE_SECONDS, capture_output=True)  # noqa: S603 - found below


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description="Pictures of TensorBoard for the README.")
    parser.add_argument("--logdir", type=Path, help="show these runs instead of the demo's")
    chosen: Path | None = parser.parse_args().logdir
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not on the PATH: install the Debian package chromium")
    with tempfile.TemporaryDirectory() as directory:
        if chosen is None:
            run_demo(Path(directory, "demo"))
        with tensorboard((chosen or Path(directory, "demo", DEMO_LOGDIR)).resolve()) as address:
            for page in PAGES:
                take(chromium, address, page, IMAGES / f"tensorboard-{page.replace('_', '-')}.png")


if __name__ == "__main__":
    main()
