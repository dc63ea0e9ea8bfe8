"""A real Prometheus that holds what a test wrote, of several clusters side by side."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import urllib3

STEP = timedelta(minutes=15)
_PATIENCE_S = 30.0


def series(cluster: str, metric: str, **labels: str) -> str:
    """Return the name and labels of a series of one cluster."""
    words = ",".join(f'{name}="{text}"' for name, text in {"cluster": cluster, **labels}.items())
    return f"{metric}{{{words}}}"


def samples(one: str, begin_utc: datetime, end_utc: datetime) -> Iterator[str]:
    """Return a series that is 1 from a begin to an end, as OpenMetrics has it."""
    n_samples = (end_utc - begin_utc) // STEP + 1
    for number in range(n_samples):
        yield f"{one} 1 {(begin_utc + number * STEP).timestamp():.0f}"


@contextmanager
def prometheus_of(folder: Path, lines: Sequence[str]) -> Iterator[str]:
    """Serve samples; gives the address."""
    programs = {name: shutil.which(name) for name in ("prometheus", "promtool")}
    if None in programs.values():
        pytest.skip("no prometheus")
    (folder / "text").write_text("\n".join([*lines, "# EOF"]) + "\n", encoding="utf-8")
    (folder / "p.yml").write_text("global: {scrape_interval: 1m}\n", encoding="utf-8")
    make = ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=336h"]
    subprocess.run(
        [programs["promtool"], *make, "text", "data"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=120,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        programs["prometheus"], "--config.file=p.yml", "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=10y", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(words, cwd=folder, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until_s:
        assert process.poll() is None, "prometheus has ended"
        try:
            if urllib3.request("GET", f"{url}/-/ready", retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    pytest.fail("prometheus does not get ready")
