"""`auditor collect` over a week that a real Prometheus holds, and what the report makes of it."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from auditor.cli.app import main
from auditor.ledger.ledger import Ledger
from tests.fakes.kubernetes_api import World as Api
from tests.fakes.kubernetes_api import kubernetes_api, write_kubeconfig
from tests.integration.prometheus.generator import END_S, GAP_S, Pod, World

NOW = datetime.fromtimestamp(END_S, UTC) + timedelta(minutes=10)
PERIOD = ("-S", "2026-11-15", "-E", "2026-11-22")
CONFIG = """
[site]
timezone = "UTC"
[ledger]
path = "ledger"
[collect]
since = 2026-11-15
[[clusters]]
name = "gpu-cloud"
scheduler = "kubernetes"
collect = "{collect}"
pue = 1.2
  [clusters.kubernetes]
  user = ["label:example.org/user"]
  kubeconfig = "kubeconfig"
  [clusters.prometheus]
  url = "{url}"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `auditor ARGS...` and gives its code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUDITOR_CONFIG", raising=False)
    monkeypatch.setenv("AUDITOR_NOW", NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def runner(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["auditor", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return runner


def report(run: Run, *arguments: str) -> dict[str, Any]:
    code, out, err = run("report", *PERIOD, "--json", *arguments)
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def book() -> pd.DataFrame:
    with Ledger.open("ledger", create=False) as ledger:
        return ledger.read().set_index("raw_job_id")


def own(world: World) -> pd.DataFrame:
    return world.truth().set_index("uid")


def test_a_week_is_collected_reported_and_collected_again(
    run: Run, url: str, world: World, tmp_path: Path
) -> None:
    Path("auditor.toml").write_text(CONFIG.format(collect="prometheus", url=url))
    code, out, err = run("collect")
    assert (code, "collected up to 2026-11-22T00:10:00Z" in out) == (0, True), err
    truth, runs = own(world), book()
    assert set(truth.index) <= set(runs.index)
    mine = runs.loc[truth.index]
    assert mine["gpu_wh"].sum() == pytest.approx(truth["energy_wh"].sum(), rel=1e-3)
    assert (mine["gpu_basis"] == "measured").mean() > 0.99
    assert mine["n_gpu"].tolist() == pytest.approx(truth["n_gpu"].tolist())
    told = report(run)
    components = told["components_wh"]
    assert components["gpu"] == pytest.approx(truth["energy_wh"].sum(), rel=1e-3)
    by_user = {line["key"]: line for line in told["by"]["user"]}
    assert set(truth["user"]) <= set(by_user)
    for user, theirs in truth.groupby("user"):
        gpu_s = (theirs["n_gpu"] * (theirs["end_s"] - theirs["start_s"])).sum()
        assert by_user[user]["gpu_s"] == pytest.approx(gpu_s, rel=5e-3)
    for by in ("user", "gpu", "account"):
        lines = told["by"][by]
        total = sum(line["energy_wh"] for line in lines)
        assert total == pytest.approx(told["totals"]["energy_wh"], rel=1e-9)
        assert run("report", *PERIOD, "--by", by)[0] == 0
    gaps = [one for one in told["quality"]["incidents"] if one["code"] == "prometheus_gap"]
    assert any(
        abs(pd.Timestamp(gap["start"]).timestamp() - GAP_S[0]) < 600
        and abs(pd.Timestamp(gap["end"]).timestamp() - GAP_S[1]) < 600
        for gap in gaps
    ), gaps
    with Ledger.open("ledger", create=False) as ledger:
        version = ledger.version
    assert run("collect")[0] == 0
    with Ledger.open("ledger", create=False) as ledger:
        assert ledger.version == version
    assert run("check")[0] == 0


def test_what_the_api_still_has_and_what_meters_remember_are_one_account(
    run: Run, url: str, world: World, tmp_path: Path
) -> None:
    here = [pod for pod in world.pods if pod.gone_s > END_S]
    assert 0 < len(here) < len(world.pods)
    api = Api.of_lists({"kind": "List", "items": [pod_object(pod) for pod in here]})
    api.clock = lambda: NOW
    Path("auditor.toml").write_text(CONFIG.format(collect="kubernetes", url=url))
    with kubernetes_api(api) as address:
        write_kubeconfig(tmp_path / "kubeconfig", address)
        code, _, err = run("collect")
        assert code == 0, err
        code, out, err = run("collect", "--json")
        assert (code, json.loads(out)[0]["n_new"]) == (0, 0), err
    truth, runs = own(world), book()
    mine = runs.loc[truth.index]
    assert len(runs.index) == runs.index.nunique()
    assert mine["gpu_wh"].sum() == pytest.approx(truth["energy_wh"].sum(), rel=1e-3)
    sources = mine["source"].astype("str").value_counts()
    assert sources["prometheus gpu-cloud"] > 100
    for pod in here:
        row = runs.loc[pod.uid]
        assert row["start_utc"].timestamp() == pytest.approx(pod.begin_s, abs=1)
        assert not row["is_open"]
    assert run("check")[0] == 0


def pod_object(pod: Pod) -> dict[str, Any]:
    """Return a pod of the week as the API lists it after the end."""
    owner = {"kind": pod.owner[0], "name": pod.owner[1], "uid": "o", "controller": True}
    ended = {"startedAt": _rfc(pod.begin_s), "finishedAt": _rfc(pod.end_s), "exitCode": 0}
    bound = {
        "type": "PodScheduled", "status": "True", "lastTransitionTime": _rfc(pod.begin_s),
    }  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name, "namespace": pod.namespace, "uid": pod.uid,
            "creationTimestamp": _rfc(pod.created_s), "ownerReferences": [owner],
            "labels": {"example.org/user": pod.user},
        },
        "spec": {
            "nodeName": pod.node,
            "containers": [{"name": "main", "resources": {"requests": {"cpu": "4"}}}],
        },
        "status": {
            "phase": "Succeeded", "startTime": _rfc(pod.begin_s), "conditions": [bound],
            "containerStatuses": [
                {"name": "main", "restartCount": 0, "state": {"terminated": ended}}
            ],
        },
    }  # fmt: skip


def _rfc(since_s: float) -> str:
    return datetime.fromtimestamp(int(since_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
