"""Figures of real exports lying beside the checkout; skipped where they are not."""

import json
import sys
from pathlib import Path

import pytest

from auditor.cli.app import main

SHARED = Path(__file__).parents[3] / "shared" / "data"
REAL = SHARED / "slurm-real"
HOUR_S = 3600.0
CONFIG = """
[site]
name = "Test HPC"
timezone = "{timezone}"
[ledger]
path = "ledger"
[[clusters]]
name = "{cluster}"
zone = "NO"
pue = 1.2
[[intensity]]
zone = "NO"
source = "constant"
g_per_kwh = 30
"""
TGHTHON = (
    "JobID,JobName,State,ExitCode,Start,End,Elapsed,Timelimit,Partition,NodeList,AllocTRES,ReqMem,"
    "MaxRSS"
)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no real exports beside the checkout"),
]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs `auditor ARGS...` on one cluster and returns code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDITOR_NOW", "2026-11-23T18:00:00Z")
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)

    def runner(*arguments, cluster="fox", timezone="UTC"):
        text = CONFIG.format(cluster=cluster, timezone=timezone)
        (tmp_path / "auditor.toml").write_text(text)
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        code = stopped.value.code if isinstance(stopped.value.code, int) else 0
        return code, captured.out, captured.err

    return runner


def totals_of(report):
    return report["totals"]["gpu_s"] / HOUR_S, report["totals"]["core_s"] / HOUR_S


def gpu_h_by(report, dimension):
    return {
        group["key"]: round(group["gpu_s"] / HOUR_S, 3)
        for group in report["by"][dimension]
        if group["gpu_s"]
    }


def test_a_day_of_a_university_cluster_loaded_once_twice_and_in_pieces(run, tmp_path):
    file = SHARED / "sacct" / "naic-fox" / "slurm-sacct.csv"
    lines = file.read_text().splitlines(keepends=True)
    (tmp_path / "piece.csv").write_text("".join(lines[200:700]))
    reports = []
    for load in ((file,), (file,), (tmp_path / "piece.csv",)):
        assert run("ingest", *load, timezone="Europe/Oslo")[0] == 0
        week = ("--week", "2025-W18", "--json")
        reports.append(json.loads(run("report", *week, timezone="Europe/Oslo")[1]))
    first = reports[0]
    assert first["totals"]["n_jobs"] == 294
    gpu_h, core_h = totals_of(first)
    assert (round(gpu_h, 3), round(core_h, 2)) == (39.0, 1247.03)
    assert gpu_h_by(first, "user") == {
        "x10001": 24.004,
        "x10002": 8.261,
        "ec313-autotekst": 3.997,
        "x10006": 2.577,
        "x10012": 0.161,
    }
    assert gpu_h_by(first, "account") == {
        "a10000": 32.265,
        "a10010": 3.997,
        "a10005": 2.577,
        "a10011": 0.161,
    }
    assert sorted(gpu_h_by(first, "gpu").values()) == [3.997, 5.727, 29.276]
    for later in reports[1:]:
        assert later["totals"] == first["totals"]
        assert later["by"] == first["by"]


def test_other_sites(run):
    file = SHARED / "sacct" / "tghthon26" / "sacct.txt"
    code, out, _ = run(
        "report", "--from", file, "--columns", TGHTHON, "-S", "2026-06-01", "-E", "2026-07-31",
        "--json",
    )  # fmt: skip
    assert code == 0
    gpu_h, core_h = totals_of(json.loads(out))
    assert (round(gpu_h, 3), round(core_h, 3)) == (19.068, 152.544)
    file = SHARED / "sacct" / "xdmod" / "phillips.log"
    span = ("-S", "2016-12-01", "-E", "2017-02-01")
    code, out, _ = run(
        "report", "--from", file, *span, "--json", cluster="phillips", timezone="America/New_York"
    )
    report = json.loads(out)
    gpu_h, core_h = totals_of(report)
    assert (report["totals"]["n_jobs"], round(gpu_h, 3)) == (4285, 506.913)
    assert core_h == pytest.approx(11767.99, abs=0.01)


@pytest.mark.parametrize(
    "names",
    [
        ("11-delimiter-long.txt",),
        ("50-json.json",),
        ("50-json.json", "11-delimiter-long.txt", "01-all-fields-D.txt"),
        ("11-delimiter-long.txt", "20-epoch.txt"),
    ],
    ids=" ".join,
)
def test_a_real_slurm_by_text_by_json_and_by_both(run, names):
    for name in names:
        assert run("ingest", REAL / name, cluster="testclu")[0] == 0
    span = ("-S", "2026-11-23", "-E", "2026-11-24")
    _, out, _ = run("report", *span, "--by", "job", "--json", cluster="testclu")
    jobs = [
        job
        for job in json.loads(out)["jobs"]
        if not job["job_id"].startswith("9000") and not job["is_open"]
    ]
    gpu_s = {}
    for job in jobs:
        gpu_s[job["user"]] = gpu_s.get(job["user"], 0) + round(job["gpu_s"] or 0)
    assert {user: seconds for user, seconds in gpu_s.items() if seconds} == {
        "alice": 97,
        "bob": 26,
        "carol": 94,
    }


def test_the_hour_that_sreport_knows(run):
    span = ("-S", "2026-11-23T16:00:00", "-E", "2026-11-23T17:00:00")
    _, out, _ = run(
        "report", "--from", REAL / "41-window-cut.txt", *span, "--json", cluster="testclu"
    )
    assert json.loads(out)["totals"]["gpu_s"] == 16882


def test_a_hundred_thousand_jobs(run):
    assert run("ingest", REAL / "bulk-100k.txt.xz", cluster="testclu")[0] == 0
    span = ("-S", "2026-01-01", "-E", "2026-10-02")
    report = json.loads(run("report", *span, "--json", cluster="testclu")[1])
    assert report["totals"]["gpu_s"] == 9_361_045_416
    assert report["totals"]["core_s"] == 28_798_926_292
    assert {group["key"]: group["gpu_s"] for group in report["by"]["user"]} == {
        "alice": 2_160_020_400,
        "bob": 3_600_208_054,
        "carol": 3_600_816_962,
    }


FILES = sorted(
    path
    for folder in ("sacct", "slurm-real")
    for path in (SHARED / folder).rglob("*")
    if path.is_file()
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SHARED).as_posix())
def test_every_file_loads_and_adds_up_or_is_refused_with_a_reason(run, path):
    code, out, err = run("ingest", "--json", path)
    if code == 0:
        (receipt,) = json.loads(out)
        parts = receipt["n_jobs"] + receipt["n_steps"] + receipt["n_rejects"]
        assert receipt["n_rows"] == parts
    else:
        assert code == 2
        assert err.startswith("auditor: ")
        assert "Traceback" not in err
