"""Run the command in this process, as a user would type it."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor.cli.app import main

CONFIG = """
[site]
name = "Test HPC"
timezone = "Europe/Berlin"
[ledger]
path = "ledger"
[[clusters]]
name = "alpha"
zone = "X"
pue = 1.5
  [[clusters.nodes]]
  match = "gpu[01-04]"
  gpu = "NVIDIA A100-SXM4-80GB"
  gpu_w = 400
  gpu_idle_w = 50
  cpu_w_per_core = 4
  cpu_idle_w_per_core = 1
  n_cores = 64
  node_base_w = 100
[[intensity]]
zone = "X"
source = "csv"
path = "grid.csv"
fallback_g_per_kwh = 100
"""
GRID = (
    "time,g_per_kwh\n2026-11-16T00:00:00Z,200\n2026-11-16T12:00:00Z,400\n2026-11-17T00:00:00Z,200\n"
)
EXPORT = """\
JobIDRaw|JobID|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|TimelimitRaw|AllocTRES|TotalCPU|NodeList|DBIndex
11|11|alice|ml|gpu|COMPLETED|2026-11-16T09:00:00|2026-11-16T10:00:00|2026-11-16T16:00:00|21600|600|billing=8,cpu=8,gres/gpu:a100=2,gres/gpu=2,mem=64G,node=1|1-00:00:00|gpu01|1
11.batch|11.batch|||||2026-11-16T10:00:00|2026-11-16T10:00:00|2026-11-16T16:00:00|21600||cpu=8,gres/gpu:a100=2,gres/gpu=2,mem=64G,node=1|1-00:00:00|gpu01|1
12|12|bob|bio|cpu|FAILED|2026-11-16T09:00:00|2026-11-16T10:00:00|2026-11-16T11:00:00|3600|600|billing=4,cpu=4,mem=8G,node=1|02:00:00|gpu02|2
13|13|bob|bio|cpu|COMPLETED|2026-11-16T09:00:00|2026-11-16T10:00:00|2026-11-16T11:00:00|cpu=abc|600|billing=4,cpu=4,mem=8G,node=1|02:00:00|gpu02|3
14|14|bob|bio|cpu|FAILED|2026-11-16T09:00
"""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with a configuration, a grid series and one export."""
    (tmp_path / "auditor.toml").write_text(CONFIG)
    (tmp_path / "grid.csv").write_text(GRID)
    (tmp_path / "jobs.txt").write_text(EXPORT)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys, site):
    """Return a function that runs `auditor ARGS...` in the site's folder."""
    monkeypatch.chdir(site)
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)
    monkeypatch.setenv("AUDITOR_NOW", "2026-11-23T09:00:00Z")

    def runner(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["auditor", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        code = stopped.value.code
        return Answer(code if isinstance(code, int) else 0, captured.out, captured.err)

    return runner
