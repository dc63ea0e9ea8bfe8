"""The auditor as its own user on the cluster's head node: its configuration, its answers."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cluster import USERS, Slurm
from .namespace import Account
from .oracle import Span

CONFIGURATION = """
[site]
name = "Small HPC"
timezone = "UTC"
[ledger]
path = "ledger"
[collect]
since = {since}
[[clusters]]
name = "small"
collect = "sacct"
slurm_conf = "{conf}"
zone = "NO"
pue = 1.2
[[intensity]]
zone = "NO"
source = "constant"
g_per_kwh = 30
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Auditor:
    """One ledger, kept by one user."""

    def __init__(self, slurm: Slurm, name: str, since: str, user: Account | None = None) -> None:
        self.slurm = slurm
        self.user = user or USERS["auditor"]
        self.folder = slurm.home(self.user) / name
        self.folder.mkdir()
        text = CONFIGURATION.format(conf=slurm.conf, since=since)
        (self.folder / "auditor.toml").write_text(text)
        os.chown(self.folder, self.user.uid, self.user.uid)

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def start(self, *words: str, **how: Any) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", "auditor", "--config", "auditor.toml", *words)
        return self.slurm.popen(*command, user=self.user, folder=self.folder, **how)

    def ask(self, *words: str) -> Answer:
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        process = self.start(*words, stdin=subprocess.DEVNULL, **pipes)
        out, err = process.communicate(timeout=300)
        return Answer(process.returncode, out.decode(), err.decode())

    def collect(self) -> Answer:
        return self.ask("collect", "--json")

    def report(self, span: Span) -> dict[str, Any]:
        """Return the report of a span.

        Raises
        ------
        AssertionError
            There is none.
        """
        start, end = span.words
        answer = self.ask("report", "--json", "-S", start, "-E", end)
        assert answer.code == 0, answer.err
        return answer.document

    def findings(self) -> list[Any]:
        """Return what `auditor check` finds."""
        return self.ask("check", "--json").document["findings"]


def settled_part(report: dict[str, Any]) -> dict[str, Any]:
    """Return what two reports of the same runs have in common, as values by path.

    Sums of floating-point numbers are approximate: their order is that of the ledger's files.
    """
    parts = {name: report[name] for name in ("totals", "components_wh", "by")}
    counts = {name: report["quality"][name] for name in ("n_rejected", "incidents")}
    return {
        path: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
        for path, value in _leaves({**parts, "quality": counts}, "")
    }


def _leaves(part: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _leaves(inner, f"{path}/{name}")
    elif isinstance(part, list) and all(isinstance(one, dict) and "key" in one for one in part):
        for one in part:
            yield from _leaves(one, f"{path}/{one['key']}")
    else:
        yield path, part


def used(
    report: dict[str, Any], *, by: str, without: Collection[str] = ()
) -> dict[tuple[str, str], int]:
    """Return whole seconds by user or account, and resource, as the report has them."""
    sums = {}
    for group in report["by"][by]:
        if group["key"] in without:
            continue
        for unit in ("core_s", "gpu_s"):
            seconds = round(group[unit])
            assert abs(group[unit] - seconds) < 1e-3, (group, "is not whole seconds")
            if seconds:
                sums[group["key"], unit] = seconds
    return sums
