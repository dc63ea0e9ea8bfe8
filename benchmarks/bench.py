"""What the auditor costs on exports of a million jobs and more, beside pandas' plain read of them.

`python -m benchmarks.bench 1000000 5000000` (or `make bench`) prints a table and writes the
figures to bench-out/. Every figure is that of a fresh process: CPU is user + system with those of
its children, memory is the largest resident set.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

OUT = Path("bench-out")
PROBE_USER = "user0007"
PROBE_WEEK = "2025-W20"
PROBE_START = "2025-05-12"
EXPORT_START = "2025-01-01"
REPEATS_UP_TO = {1_000_000: 3}
N_REPORTS = 5
MAX_CPU_RATIO = 4.0
MAX_PEAK_BYTES = 1.2e9
MAX_REPORT_S = 1.0
_RELATIVE_ERROR = 1e-9

PLAIN_READ = """
import sys, pandas as pd, pyarrow as pa
text = pd.ArrowDtype(pa.string())
print(len(pd.read_csv(sys.argv[1], sep="|", quoting=3, na_filter=False, dtype=text)))
"""
CONFIGURATION = """
[site]
name = "Benchmark"
timezone = "UTC"
[ledger]
path = "{ledger}"
[[clusters]]
name = "alpha"
zone = "DE"
pue = 1.3
  [[clusters.nodes]]
  match = "gpua*"
  gpu = "NVIDIA A100-SXM4-80GB"
  cpu = "AMD EPYC 7763"
  [[clusters.nodes]]
  match = "cpu*"
  cpu = "AMD EPYC 7763"
[[intensity]]
zone = "DE"
source = "csv"
path = "{grid}"
"""


@dataclass(frozen=True)
class Cost:
    """What one process took: CPU and wall time [s], the largest resident set [bytes]."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Place:
    """Where one size is measured."""

    export: Path
    configuration: Path
    ledger: Path


def measure(command: list[str], output: Path, environment: Mapping[str, str]) -> Cost:
    """Run a command as a fresh process, its stdout into a file, and return what it took.

    Raises
    ------
    SystemExit
        The command failed: a benchmark of a failure is none.
    """
    started_s = time.perf_counter()
    with output.open("wb") as stream:
        actions = [(os.POSIX_SPAWN_DUP2, stream.fileno(), 1)]
        child = os.posix_spawnp(command[0], command, dict(environment), file_actions=actions)
        _, status, usage = os.wait4(child, 0)
    wall_s = time.perf_counter() - started_s
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss * 1024)


def middle(costs: list[Cost]) -> Cost:
    """Return the median of each figure, and the largest memory."""
    return Cost(
        median(cost.cpu_s for cost in costs),
        median(cost.wall_s for cost in costs),
        max(cost.peak_bytes for cost in costs),
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _generate(n_jobs: int, place: Place) -> dict[str, float]:
    words = [
        sys.executable, "-m", "benchmarks.generate", "--jobs", str(n_jobs), "--out",
        str(place.export), "--start", EXPORT_START, "--probe-user", PROBE_USER,
        "--probe-start", PROBE_START, "--totals", str(OUT / "totals.json"),
    ]  # fmt: skip
    measure(words, OUT / "generate.out", os.environ)
    totals: dict[str, float] = json.loads((OUT / "totals.json").read_text(encoding="utf-8"))
    return totals


def _grid_file(path: Path) -> None:
    """Write an hourly intensity for the year: its values do not matter for the cost."""
    rows = [f"{EXPORT_START}T00:00Z,300"]
    for month in range(1, 13):
        for day in range(1, 29):
            rows += [f"2025-{month:02d}-{day:02d}T{h:02d}:00Z,{200 + 9 * h}" for h in range(1, 24)]
    path.write_text("time,g_per_kwh\n" + "\n".join(rows) + "\n", encoding="utf-8")


def _auditor(place: Place, *words: str) -> list[str]:
    program = Path(sys.executable).parent / "auditor"
    return [str(program), "--config", str(place.configuration), *words]


def _ingests(place: Place, n_repeats: int) -> dict[str, Cost]:
    """Measure the plain read, the load into an empty ledger and the same load again, in turns."""
    read = [sys.executable, "-c", PLAIN_READ, str(place.export)]
    load = _auditor(place, "ingest", str(place.export))
    costs: dict[str, list[Cost]] = {"plain read": [], "ingest": [], "ingest again": []}
    for turn in range(n_repeats):
        _say(f"  turn {turn + 1} of {n_repeats}: plain read, ingest, ingest again")
        shutil.rmtree(place.ledger, ignore_errors=True)
        costs["plain read"].append(measure(read, OUT / "read.out", os.environ))
        costs["ingest"].append(measure(load, OUT / "ingest.out", os.environ))
        costs["ingest again"].append(measure(load, OUT / "again.out", os.environ))
    return {name: middle(of_name) for name, of_name in costs.items()}


def _report(place: Place) -> tuple[Cost, dict[str, float]]:
    words = ("report", "--user", PROBE_USER, "--week", PROBE_WEEK, "--json")
    output = OUT / "report.json"
    costs = [measure(_auditor(place, *words), output, os.environ) for _ in range(N_REPORTS)]
    return middle(costs), json.loads(output.read_text(encoding="utf-8"))["totals"]


def _agreement(totals: dict[str, float], reported: dict[str, float]) -> dict[str, bool]:
    """Compare one user's week with what the generator counted."""
    pairs = {"n_jobs": "probe_n_jobs", "gpu_s": "probe_gpu_s", "core_s": "probe_cpu_s"}
    return {
        name: abs(reported[name] - totals[own]) <= _RELATIVE_ERROR * abs(totals[own])
        for name, own in pairs.items()
    }


def bench_size(n_jobs: int) -> dict[str, object]:
    """Measure one size and return its figures."""
    place = Place(OUT / f"{n_jobs}.txt", OUT / f"{n_jobs}.toml", OUT / f"ledger-{n_jobs}")
    grid = OUT / "grid.csv"
    _grid_file(grid)
    ledger = place.ledger.resolve()
    text = CONFIGURATION.format(ledger=ledger, grid=grid.resolve())
    place.configuration.write_text(text, encoding="utf-8")
    _say(f"{n_jobs:,} jobs: writing the export")
    totals = _generate(n_jobs, place)
    n_repeats = next((n for size, n in REPEATS_UP_TO.items() if n_jobs <= size), 1)
    costs = _ingests(place, n_repeats)
    _say(f"  report, {N_REPORTS} times")
    costs["report"], reported = _report(place)
    figures: dict[str, object] = {
        "n_jobs": n_jobs,
        "export_bytes": totals["bytes"],
        "n_repeats": n_repeats,
        "cost": {name: asdict(cost) for name, cost in costs.items()},
        "cpu_ratio": costs["ingest"].cpu_s / costs["plain read"].cpu_s,
        "agrees": _agreement(totals, reported),
    }
    place.export.unlink()
    shutil.rmtree(place.ledger)
    return figures


def table(figures: list[dict[str, object]]) -> str:
    """Lay the figures out for a person, each beside its bar."""
    lines = []
    for size in figures:
        cost = {name: Cost(**values) for name, values in size["cost"].items()}  # type: ignore[attr-defined]
        lines.append(f"{size['n_jobs']:,} jobs, {size['export_bytes'] / 1e6:,.0f} MB of export")  # type: ignore[operator]
        lines.append(f"  {'':<14}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}")
        lines += [
            f"  {name:<14}{c.cpu_s:>9.2f}{c.wall_s:>9.2f}{c.peak_bytes / 1e6:>9,.0f}"
            for name, c in cost.items()
        ]
        peak = max(cost[name].peak_bytes for name in ("ingest", "ingest again"))
        bars = (
            ("ingest CPU / plain read CPU", size["cpu_ratio"], MAX_CPU_RATIO),
            ("peak memory of ingest [GB]", peak / 1e9, MAX_PEAK_BYTES / 1e9),
            ("report of a user's week [s]", cost["report"].wall_s, MAX_REPORT_S),
        )
        lines += [
            f"  {what:<30}{value:>6.2f}  at most {bar:g}: {'met' if value <= bar else 'NOT MET'}"
            for what, value, bar in bars
        ]
        agrees = all(size["agrees"].values())  # type: ignore[attr-defined]
        lines += [f"  totals of that week: {'as generated' if agrees else 'DIFFER'}", ""]
    return "\n".join(lines)


def main(words: list[str] | None = None) -> None:
    """Measure every size asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("n_jobs", type=int, nargs="*", default=[1_000_000, 5_000_000])
    OUT.mkdir(exist_ok=True)
    figures = [bench_size(n_jobs) for n_jobs in parser.parse_args(words).n_jobs]
    machine = {"n_cpus": os.cpu_count(), "system": platform.platform(), "load": os.getloadavg()}
    document = {"machine": machine, "python": platform.python_version(), "sizes": figures}
    (OUT / "figures.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(table(figures))


if __name__ == "__main__":
    main()
