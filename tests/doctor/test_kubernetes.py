"""Each fault of an API is named by its own code, and no other is invented."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.doctor import kubernetes
from auditor.doctor.check import Check
from auditor.doctor.examine import examine
from tests.collect.kubernetes_world import small_world
from tests.doctor.house import NOW
from tests.doctor.kubernetes_house import INQUIRY, cluster_settings, trouble
from tests.fakes.certificates import make_certificate
from tests.fakes.kubernetes_api import (
    NODES,
    PODS,
    Fault,
    World,
    kubernetes_api,
    write_kubeconfig,
)

W, F = "warning", "fault"
SECOND = timedelta(seconds=1)
TABLE = '[clusters.kubernetes]\nkubeconfig = "kubeconfig"\n'


def healthy() -> World:
    world = small_world()
    world.clock = lambda: NOW
    world.tokens = {"t"}
    return world


def examined(folder: Path) -> list[Check]:
    settings = cluster_settings(folder, "kubernetes", TABLE)
    return list(kubernetes.cluster_checks(settings.clusters[0], settings, INQUIRY))


def at(moment: timedelta) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.clock = lambda: NOW + moment

    return change


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.collect.prometheus._PAUSE_S", 0.01)


SPOILT: dict[str, tuple[Callable[[World], object], dict[str, str]]] = {
    "nothing": (lambda world: None, {}),
    "a token that is not known": (lambda world: world.tokens.clear(), {"kubernetes_login": F}),
    "pods that may not be listed": (
        lambda world: world.forbidden.add("pods"),
        {"kubernetes_rights": F},
    ),
    "nothing that may be listed": (
        lambda world: world.forbidden.update({"pods", "nodes", "jobs", "replicasets"}),
        {"kubernetes_rights": F},
    ),
    "nodes that may not be listed": (
        lambda world: world.forbidden.add("nodes"),
        {"kubernetes_rights": W},
    ),
    "a clock that is ahead": (at(7 * SECOND), {"kubernetes_clock": W}),
    "a clock that is far behind": (at(-90 * SECOND), {"kubernetes_clock": F}),
    "no clock": (lambda world: setattr(world, "clock", None), {"kubernetes_clock": W}),
    "a server that fails": (
        lambda world: world.faults.update({(NODES, 0): Fault(status=500)}),
        {"kubernetes_api": F},
    ),
    "pages of a proxy": (
        lambda world: world.faults.update({(PODS, 0): Fault(body=b"<html>")}),
        {"kubernetes_api": F},
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), SPOILT.values(), ids=SPOILT)
def test_each_fault_is_named_and_no_other(tmp_path: Path, spoil, expected) -> None:
    world = healthy()
    spoil(world)
    with kubernetes_api(world) as url:
        write_kubeconfig(tmp_path / "kubeconfig", url)
        checks = examined(tmp_path)
    assert trouble(checks) == expected
    assert all(check.hint for check in checks if check.code in expected)
    assert all(target.partition("?")[2] == "limit=1" for target in world.asked)


def test_an_api_that_is_away(tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:9")
    assert trouble(examined(tmp_path)) == {"kubernetes_api": F}


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with kubernetes_api(healthy(), make_certificate(tmp_path, "IP:127.0.0.1")) as url:
        write_kubeconfig(tmp_path / "kubeconfig", url)
        (check,) = examined(tmp_path)
    assert trouble([check]) == {"kubernetes_api": F}
    assert "certificate-authority" in check.hint


def test_no_kubeconfig(tmp_path: Path) -> None:
    (check,) = examined(tmp_path)
    assert trouble([check]) == {"kubernetes_login": F}
    assert str(tmp_path / "kubeconfig") in check.found


def test_the_doctor_asks_each_cluster_by_what_it_is_collected_with(tmp_path: Path) -> None:
    configuration = tmp_path / "auditor.toml"
    configuration.write_text(
        '[ledger]\npath = "ledger"\n'
        '[[clusters]]\nname = "gpu-cloud"\nscheduler = "kubernetes"\ncollect = "kubernetes"\n'
        f'{TABLE}[clusters.prometheus]\nurl = "http://127.0.0.1:9"\n'
        '[[clusters]]\nname = "other"\nscheduler = "kubernetes"\ncollect = "prometheus"\n'
        '[clusters.prometheus]\nurl = "http://127.0.0.1:9"\n',
        encoding="utf-8",
    )
    with kubernetes_api(healthy()) as url:
        write_kubeconfig(tmp_path / "kubeconfig", url)
        checks = list(examine(configuration, INQUIRY))
    asked = [check for check in checks if check.group in {"Slurm", "Kubernetes", "Prometheus"}]
    assert [(check.code, check.name) for check in asked] == [
        ("kubernetes_api", "gpu-cloud: API"),
        ("kubernetes_login", "gpu-cloud: login"),
        ("kubernetes_rights", "gpu-cloud: rights"),
        ("kubernetes_clock", "gpu-cloud: clock"),
        ("prometheus_api", "gpu-cloud: API"),
        ("prometheus_api", "other: API"),
    ]
    assert trouble(asked) == {"prometheus_api": F}
