"""A real Prometheus on loopback, with blocks made of OpenMetrics text, or scraping targets."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

_PATIENCE_S = 60.0
_OK = 200
_CONFIG = """global:
  scrape_interval: {interval}
  evaluation_interval: 1h
scrape_configs: [{targets}]
"""


def require_prometheus() -> None:
    """Skip where the programs are missing."""
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def backfill(folder: Path, openmetrics: Path) -> None:
    """Make blocks of a file of OpenMetrics text, times in seconds."""
    subprocess.run(
        [
            "promtool", "tsdb", "create-blocks-from", "openmetrics",
            "--max-block-duration=168h", str(openmetrics), str(folder / "db"),
        ],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip


@contextmanager
def prometheus(
    folder: Path, targets: Sequence[str] = (), interval: str = "1m", options: Sequence[str] = ()
) -> Iterator[str]:
    """Run a Prometheus on the blocks under `folder` and yield its address; it ends with the block.

    `targets` are scrape configurations in YAML's flow style.
    """
    require_prometheus()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG.format(interval=interval, targets=", ".join(targets)))
    port = free_port()
    log = (folder / "prometheus.log").open("ab")
    process = subprocess.Popen(
        [
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'db'}",
            "--storage.tsdb.retention.time=10y", f"--web.listen-address=127.0.0.1:{port}",
            *options,
        ],
        stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE_S)
        log.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None, "Prometheus ended"
        try:
            if urllib3.request("GET", f"{url}/-/ready", retries=False, timeout=5).status == _OK:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    pytest.fail("Prometheus was not ready in time")
