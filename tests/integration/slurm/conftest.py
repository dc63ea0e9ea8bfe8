import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .auditing import Auditor
from .cluster import PROGRAMS, Slurm
from .namespace import PATH, UNSHARE
from .oracle import Span
from .past import move_back
from .story import Day, Story

N_LINES_SHOWN = 8


def _missing() -> str | None:
    """Say why there can be no cluster here."""
    if os.geteuid() != 0:
        return "a Slurm of one's own needs root"
    if lacking := [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]:
        return f"not installed: {', '.join(lacking)}"
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        return "this host allows no namespaces"
    return None


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A running cluster; it ends with the session, whatever becomes of the session."""
    if reason := _missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="auditor-slurm-"))
    try:
        cluster = Slurm(folder)
        try:
            cluster.start()
            yield cluster
        finally:
            _show_logs(folder)
            cluster.end()
    finally:
        shutil.rmtree(folder)


def _show_logs(folder: Path) -> None:
    """Print how each daemon's log ends; pytest shows it where a test failed."""
    for log in sorted((folder / "log").iterdir()):
        lines = log.read_text(errors="replace").splitlines()[-N_LINES_SHOWN:]
        print(f"--- {log.name}", *lines, sep="\n")  # noqa: T201


@pytest.fixture(scope="session")
def story(slurm: Slurm) -> Story:
    """The cluster's day, played to its end."""
    return Day(slurm).play()


@dataclass(frozen=True)
class Past:
    """A cluster whose day lies an hour and more back, and a ledger that has it all."""

    slurm: Slurm
    span: Span
    auditor: Auditor
    since: str


@pytest.fixture(scope="session")
def past(slurm: Slurm, story: Story) -> Past:
    """The same day in hours that sreport has rolled up, collected into a fresh ledger."""
    span = move_back(slurm)
    since = Span(span.start_s - 3 * 86400, span.end_s).words[0][:10]
    auditor = Auditor(slurm, "past", since)
    collected = auditor.collect()
    assert collected.code == 0, collected.err
    return Past(slurm, span, auditor, since)
