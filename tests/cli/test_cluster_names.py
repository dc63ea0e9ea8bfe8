"""A cluster name that the configuration does not have never passes without a word."""

import json

import pytest

from tests.cli.conftest import CONFIG
from tests.integration.pod_site import ALICES, GPU_CLOUD, NODE

SINCE = ("--since", "2026-11-16")
BARE = '[site]\ntimezone = "Europe/Berlin"\n[ledger]\npath = "ledger"\n'
NAMED = """\
JobIDRaw|Cluster|User|State|Submit|Start|End|ElapsedRaw|NCPUS|DBIndex
11|testclu|alice|COMPLETED|2026-11-16T09:00:00|2026-11-16T10:00:00|2026-11-16T16:00:00|21600|8|1
"""
ALLOCATION = {
    "name": "gpu-cloud-a/ml/train/main",
    "properties": {"cluster": "prod-eu", "namespace": "ml", "pod": "train", "container": "main"},
    "window": {"start": "2026-11-16T00:00:00Z", "end": "2026-11-17T00:00:00Z"},
    "start": "2026-11-16T10:00:00Z",
    "end": "2026-11-16T12:00:00Z",
    "minutes": 120.0,
    "cpuCores": 4.0,
    "cpuCoreHours": 8.0,
    "cpuCoreRequestAverage": 4.0,
    "cpuCoreUsageAverage": 1.0,
    "ramByteHours": 2e9,
    "ramByteRequestAverage": 1e9,
    "ramByteUsageAverage": 1e9,
    "gpuHours": 0.0,
}


@pytest.fixture
def both(run, site):
    """Return `run` on a site with a Slurm and a Kubernetes cluster, and exports of each kind."""
    (site / "auditor.toml").write_text(CONFIG + GPU_CLOUD)
    items = {"kind": "List", "apiVersion": "v1", "items": [*ALICES, NODE]}
    (site / "pods.json").write_text(json.dumps(items))
    (site / "named.txt").write_text(NAMED)
    answer = {"code": 200, "data": [{"gpu-cloud-a/ml/train/main": ALLOCATION}]}
    (site / "allocations.json").write_text(json.dumps(answer))
    return run


REFUSED = [
    pytest.param("gpu-clod", "Did you mean 'gpu-cloud'?", id="a slip"),
    pytest.param("GPU-Cloud", "Did you mean 'gpu-cloud'?", id="another case"),
    pytest.param("alfa", "Did you mean 'alpha'?", id="the other cluster"),
    pytest.param("zzz", '[[clusters]] with name = "zzz"', id="like none"),
]


@pytest.mark.parametrize(("name", "hint"), REFUSED)
@pytest.mark.parametrize("option", ["--cluster", "-M"])
def test_ingest_refuses_a_name_that_the_configuration_lacks(both, site, option, name, hint):
    refused = both("ingest", option, name, "pods.json")
    assert refused.code == 2
    assert f"no cluster {name!r}; it has alpha, gpu-cloud" in refused.err
    assert hint in refused.err
    assert not (site / "ledger").exists()


def test_without_clusters_in_the_configuration_every_name_will_do(both, site):
    (site / "auditor.toml").write_text(BARE)
    loaded = both("ingest", "--cluster", "any", "pods.json")
    assert (loaded.code, "warning" in loaded.err) == (0, False), loaded.err


WARNED = [
    pytest.param(("named.txt",), "'testclu'", "The only Slurm cluster of the configuration is "
                 "'alpha'", id="a Slurm export that names another"),
    pytest.param(("allocations.json",), "'prod-eu'", "The only Kubernetes cluster of the "
                 "configuration is 'gpu-cloud'", id="an answer of OpenCost"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "name", "hint"), WARNED)
@pytest.mark.parametrize("verb", [("ingest",), ("report", *SINCE, "--from")], ids=lambda v: v[0])
def test_a_name_that_an_export_has_is_warned_of(both, verb, files, name, hint):
    told = both(*verb, *files)
    assert told.code == 0, told.err
    (warning,) = (line for line in told.err.splitlines() if "warning:" in line)
    for words in (f"is of {name}", "no zone and no PUE", "grid of WORLD", "1.56", hint):
        assert words in warning


def test_a_report_on_a_misspelt_cluster_is_warned_of(both):
    told = both("report", *SINCE, "--from", "pods.json", "-M", "gpu-clod")
    assert told.code == 0
    assert "runs are of 'gpu-clod', which the configuration does not name" in told.err
    assert "Did you mean 'gpu-cloud'?" in told.err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("ingest", "--cluster", "gpu-cloud", "pods.json"), id="ingest"),
        pytest.param(("report", *SINCE, "--from", "pods.json", "-M", "gpu-cloud"), id="report"),
        pytest.param(("report", *SINCE, "--from", "jobs.txt", "-M", "alpha"), id="Slurm"),
    ],
)
def test_a_cluster_that_was_stated_needs_no_word(both, words):
    told = both(*words)
    assert told.code == 0, told.err
    assert "names no cluster" not in told.err + told.out
    assert "warning" not in told.err


def test_help_says_that_it_names_the_cluster_of_an_export(run):
    text = " ".join(run("report", "--help").out.split())
    assert "with --from, one is also whose an export is that names none" in text
