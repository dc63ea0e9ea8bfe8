"""Published traces and samples lying beside the checkout; skipped where they are not."""

import csv
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from auditor.cli.app import main

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
TRACE = SHARED / "traces" / "alibaba-gpu-v2023" / "openb_pod_list_default.csv"
OPENCOST = SHARED / "k8s" / "opencost"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no samples beside the checkout"),
]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Return a function that runs `auditor ARGS...` with the trace's configuration of the page."""
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if '"pai"' in b]
    cloud = '[[clusters]]\nname = "gpu-cloud"\nscheduler = "kubernetes"\n'
    (tmp_path / "auditor.toml").write_text(f'[ledger]\npath = "ledger"\n{block}\n{cloud}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDITOR_NOW", "2026-11-23T18:00:00Z")
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)

    def runner(*arguments):
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        code = stopped.value.code if isinstance(stopped.value.code, int) else 0
        return code, captured.out, captured.err

    return runner


def gpu_h_of_models(path):
    """Add up GPU-hours by model with nothing but csv."""
    gpu_h = defaultdict(float)
    with path.open(newline="") as file:
        for pod in csv.DictReader(file):
            if pod["scheduled_time"]:
                n_gpu = int(pod["num_gpu"]) * int(pod["gpu_milli"]) / 1000
                seconds = int(pod["deletion_time"]) - int(pod["scheduled_time"])
                gpu_h[pod["gpu_spec"]] += n_gpu * seconds / 3600
    return gpu_h


def reported(run):
    code, out, _ = run("report", "-S", "2023-01-01", "-E", "2023-12-31", "--by", "gpu", "--json")
    assert code == 0
    return json.loads(out)


@pytest.mark.parametrize("options", [(), ("--cluster", "pai")])
def test_the_trace_gives_the_gpu_hours_that_ten_lines_give(run, options):
    code, out, err = run("ingest", *options, TRACE, "--json")
    assert code == 0, err
    (receipt,) = json.loads(out)
    assert (receipt["n_rows"], receipt["n_jobs"], receipt["n_rejects"]) == (8152, 8152, 0)
    assert receipt["n_new"] == 8152
    report = reported(run)
    expected = sum(gpu_h_of_models(TRACE).values())
    assert expected == pytest.approx(51470.67, abs=0.005)
    assert report["totals"]["gpu_s"] / 3600 == pytest.approx(expected, rel=1e-9)
    assert report["totals"]["n_jobs"] == 8152 - 897
    assert json.loads(run("ingest", TRACE, "--json")[1])[0]["n_unchanged"] == 8152


def test_models_of_a_file_that_tells_them(run, tmp_path):
    models = ["V100M32", "T4", "", "G2|P100"]
    with TRACE.open(newline="") as file:
        pods = list(csv.DictReader(file))
    for place, pod in enumerate(pods):
        pod["gpu_spec"] = models[place % len(models)]
    made = tmp_path / "with_models.csv"
    with made.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(pods[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(pods)
    assert run("ingest", made)[0] == 0
    found = sorted(group["gpu_s"] / 3600 for group in reported(run)["by"]["gpu"] if group["gpu_s"])
    assert found == pytest.approx(sorted(gpu_h_of_models(made).values()), rel=1e-9)


def test_answers_of_opencost_hold_their_core_hours(run):
    code, out, err = run(
        "ingest", "--cluster", "gpu-cloud", "--json", OPENCOST / "allocation-example-output.json"
    )
    assert code == 0
    (receipt,) = json.loads(out)
    assert (receipt["n_rows"], receipt["n_jobs"]) == (3, 3)
    assert "OpenCost measures no power" in err
    code, out, _ = run("report", "-S", "2023-07-01", "-E", "2023-08-01", "--json")
    answer = json.loads((OPENCOST / "allocation-example-output.json").read_text())
    core_h = sum(one["cpuCoreHours"] for one in answer["data"][0].values())
    report = json.loads(out)
    assert report["totals"]["core_s"] / 3600 == pytest.approx(core_h, rel=1e-9)
    assert {group["key"] for group in report["by"]["account"]} == {
        "(platform)", "opencost", "prometheus",
    }  # fmt: skip


def test_the_csv_export_of_opencost(run):
    code, out, _ = run("ingest", "--cluster", "gpu-cloud", "--json", OPENCOST / "export-sample.csv")
    assert code == 0
    assert json.loads(out)[0]["n_new"] == 2
