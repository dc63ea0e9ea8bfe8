"""`auditor collect` of a Kubernetes cluster, as typed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.collect.kubernetes_world import pod, small_world
from tests.fakes.kubernetes_api import PODS, World, kubernetes_api, write_kubeconfig

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CONFIG = """
[site]
timezone = "Europe/Berlin"
[ledger]
path = "ledger"
[[clusters]]
name = "gpu-cloud"
scheduler = "kubernetes"
collect = "kubernetes"
  [clusters.kubernetes]
  kubeconfig = "kubeconfig"
"""
FREE_PORT = 9  # discard: nobody listens


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.collect.kubernetes_conversation._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("auditor.collect.kubernetes_conversation._BETWEEN_LOOKS_S", 0.01)


@pytest.fixture
def api(site: Path, run) -> Iterator[World]:
    world = small_world()
    world.clock = lambda: NOW
    (site / "auditor.toml").write_text(CONFIG)
    with kubernetes_api(world) as url:
        write_kubeconfig(site / "kubeconfig", url)
        yield world


def test_receipts_for_people_and_programs(api: World, run) -> None:
    n_pods = len(api.objects[PODS])
    answer = run("collect")
    assert answer.code == 0, answer.err
    assert answer.out == (
        f"gpu-cloud: collected up to 2026-11-23T09:00:00Z; {n_pods} jobs read: {n_pods} new,"
        " 0 updated, 0 known\n"
    )
    assert "every 15 minutes: those that begin and end between two looks are not seen" in answer.err
    (receipt,) = json.loads(run("collect", "--json").out)
    assert (receipt["is_whole"], receipt["n_new"], receipt["n_unchanged"]) == (True, 0, n_pods)
    assert (receipt["failure"], receipt["incidents"]) == (None, [])
    assert run("check").code == 0


def test_a_pod_that_is_gone_has_ended(api: World, run) -> None:
    run("collect")
    api.change(PODS, [*api.objects[PODS][1:], pod(99)])
    (receipt,) = json.loads(run("collect", "--json").out)
    assert receipt["n_new"] == 1
    assert receipt["n_jobs"] == receipt["n_new"] + receipt["n_superseded"] + receipt["n_unchanged"]


def test_who_may_not_list_pods_ends_with_4(api: World, run) -> None:
    api.forbidden = {"pods"}
    answer = run("collect", "--json")
    assert answer.code == 4
    (receipt,) = json.loads(answer.out)
    assert receipt["failure"]["code"] == "kubernetes_denied"
    assert (receipt["n_jobs"], receipt["collected_to"]) == (0, None)


def test_what_cannot_be_reached_ends_with_75(api: World, run, site: Path) -> None:
    write_kubeconfig(site / "kubeconfig", f"http://127.0.0.1:{FREE_PORT}")
    answer = run("collect")
    assert answer.code == 75
    assert "Kubernetes API" in answer.err


def test_which_clusters(api: World, run, site: Path) -> None:
    assert run("collect", "--cluster", "gpu-cloud").code == 0
    answer = run("collect", "--cluster", "beta")
    assert (answer.code, '"kubernetes" or "prometheus"' in answer.err) == (2, True)
    (site / "auditor.toml").write_text(CONFIG.replace('collect = "kubernetes"', ""))
    answer = run("collect")
    assert (answer.code, '"kubernetes" or "prometheus"' in answer.err) == (6, True)


def test_slurm_is_not_asked_about_the_people_of_a_kubernetes_cluster(api: World, run) -> None:
    run("collect")
    assert run("report", "--from", "sacct", "--since", "2026-11-22").code == 75
