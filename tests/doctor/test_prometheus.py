"""Each fault of a Prometheus is named by its own code, and no other is invented.

One real Prometheus holds a cluster for each fault, told apart by a label.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from auditor.doctor import prometheus
from auditor.doctor.check import Check
from tests.doctor.house import DAY, HOUR, NOW
from tests.doctor.kubernetes_house import INQUIRY, cluster_settings, trouble
from tests.doctor.prometheus_server import prometheus_of, samples, series

W, F = "warning", "fault"
RULES = '[clusters.kubernetes]\nuser = ["label:example.org/user", "annotation:mail"]\n'
WORKLOAD = {"namespace": "ml", "pod": "train-0"}
EXPORTER = {"namespace": "gpu-operator", "pod": "dcgm-exporter-x7k2p"}
EXPORTED = {f"exported_{name}": text for name, text in WORKLOAD.items()}
ENERGY = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
BOARD = {"UUID": "GPU-1", "job": "dcgm"}

# The series of a cluster in which all is well, by what they tell of.
HEALTHY: dict[str, tuple[str, dict[str, str]]] = {
    "up": ("up", {"job": "kube-state-metrics"}),
    "pod": ("kube_pod_info", {**WORKLOAD, "uid": "u1", "created_by_kind": "Job"}),
    "daemon": ("kube_pod_info", {**EXPORTER, "uid": "u2", "created_by_kind": "DaemonSet"}),
    "labels": ("kube_pod_labels", {**WORKLOAD, "uid": "u1", "label_example_org_user": "alice"}),
    "annotations": (
        "kube_pod_annotations",
        {**WORKLOAD, "uid": "u1", "annotation_mail": "alice@example.org"},
    ),
    "requests": (
        "kube_pod_container_resource_requests",
        {**WORKLOAD, "resource": "nvidia_com_gpu", "unit": "integer"},
    ),
    "capacity": ("kube_node_status_capacity", {"node": "gpu1", "resource": "nvidia_com_gpu"}),
    "usage": ("container_cpu_usage_seconds_total", {**WORKLOAD, "container": "main"}),
    "gpu": (ENERGY, {**BOARD, **WORKLOAD}),
}
Change = dict[str, tuple[str, dict[str, str]] | None]
NO_GPUS: Change = {"requests": None, "capacity": None, "gpu": None}
SPOILT: dict[str, tuple[Change, dict[str, str]]] = {
    "nothing": ({}, {}),
    "nothing, exported names": ({"gpu": (ENERGY, {**BOARD, **EXPORTER, **EXPORTED})}, {}),
    "nothing, power only": ({"gpu": ("DCGM_FI_DEV_POWER_USAGE", {**BOARD, **WORKLOAD})}, {}),
    "nothing, no GPUs": (NO_GPUS, {}),
    "nothing, GPUs that nobody holds": (
        {"gpu": (ENERGY, {**BOARD, **EXPORTER}), "requests": None},
        {},
    ),
    "no label allowlist": ({"labels": ("kube_pod_labels", WORKLOAD)}, {"prometheus_labels": W}),
    "no series of labels at all": (
        {"labels": None, "annotations": None},
        {"prometheus_labels": W},
    ),
    "no kube-state-metrics": (
        dict.fromkeys(("pod", "daemon", "labels", "annotations", "requests", "capacity")),
        {"prometheus_pods": F},
    ),
    "no cAdvisor": ({"usage": None}, {"prometheus_usage": W}),
    "no DCGM": ({"gpu": None}, {"prometheus_gpus": W}),
    "no pod names in DCGM": ({"gpu": (ENERGY, BOARD)}, {"prometheus_gpu_pods": W}),
    "DCGM names its exporter only": (
        {"gpu": (ENERGY, {**BOARD, **EXPORTER})},
        {"prometheus_gpu_pods": W},
    ),
    "nothing, no up": ({"up": None}, {}),
    "no up, no label allowlist": (
        {"up": None, "labels": ("kube_pod_labels", WORKLOAD)},
        {"prometheus_labels": W},
    ),
    "no up, no DCGM": ({"up": None, "gpu": None}, {"prometheus_gpus": W}),
    "GPUs only": (
        dict.fromkeys(
            ("up", "pod", "daemon", "labels", "annotations", "requests", "capacity", "usage")
        ),
        {"prometheus_pods": F, "prometheus_usage": W},
    ),
    "labels without kube_pod_info": (
        {"pod": None, "daemon": None, "labels": ("kube_pod_labels", WORKLOAD)},
        {"prometheus_pods": F, "prometheus_labels": W},
    ),
    "three days only": ({}, {"prometheus_reach": W}),
    "three days only, no up": ({"up": None}, {"prometheus_reach": W}),
    "nothing for two hours": ({}, {"prometheus_series": F}),
}
SPAN = {
    "three days only": (3 * DAY, timedelta()),
    "three days only, no up": (3 * DAY, timedelta()),
    "nothing for two hours": (9 * DAY, 2 * HOUR),
}


def name_of(fault: str) -> str:
    return fault.replace(" ", "_").replace(",", "")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.collect.prometheus._PAUSE_S", 0.01)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    lines: dict[str, list[str]] = {}
    for fault, (change, _) in SPOILT.items():
        long_ago, ago = SPAN.get(fault, (9 * DAY, timedelta()))
        for told in (HEALTHY | change).values():
            if told is not None:
                one = series(name_of(fault), told[0], **told[1])
                lines.setdefault(told[0], []).extend(samples(one, NOW - long_ago, NOW - ago))
    # OpenMetrics wants the series of a metric together.
    text = [line for metric in sorted(lines) for line in lines[metric]]
    with prometheus_of(tmp_path_factory.mktemp("prometheus"), text) as address:
        yield address


def examined(folder: Path, table: str, collect: str = "prometheus") -> list[Check]:
    settings = cluster_settings(folder, collect, f"{RULES}[clusters.prometheus]\n{table}\n")
    cluster = settings.clusters[0]
    assert cluster.prometheus is not None
    return list(prometheus.cluster_checks(cluster, cluster.prometheus, INQUIRY))


def table(url: str, fault: str) -> str:
    return f'url = "{url}"\nmatch = \'cluster="{name_of(fault)}"\''


@pytest.mark.parametrize("fault", SPOILT)
def test_each_fault_is_named_and_no_other(url: str, tmp_path: Path, fault: str) -> None:
    checks = examined(tmp_path, table(url, fault))
    expected = SPOILT[fault][1]
    assert trouble(checks) == expected
    assert all(check.hint for check in checks if check.code in expected)


def test_pods_are_known_without_kube_state_metrics_where_the_api_is_asked(url, tmp_path) -> None:
    checks = examined(tmp_path, table(url, "no kube-state-metrics"), "kubernetes")
    assert trouble(checks) == {"prometheus_pods": W}


def test_a_match_that_fits_nothing(url: str, tmp_path: Path) -> None:
    checks = examined(tmp_path, table(url, "nowhere"))
    assert trouble(checks) == {"prometheus_series": F}
    assert 'cluster="nowhere"' in checks[-1].found
    assert "labels, CPU and GPUs cannot be judged" in checks[-1].found


def test_what_came_in_place_of_up_is_named(url: str, tmp_path: Path) -> None:
    found = {check.code: check.found for check in examined(tmp_path, table(url, "nothing, no up"))}
    assert found["prometheus_series"] == "there is no up, but kube_pod_info is fresh"
    assert found["prometheus_reach"] == "a week and more"


def test_the_allowlist_is_given_to_type(url: str, tmp_path: Path) -> None:
    checks = examined(tmp_path, table(url, "no series of labels at all"))
    (hint,) = (check.hint for check in checks if check.code == "prometheus_labels")
    assert "--metric-labels-allowlist=pods=[example.org/user]" in hint
    assert "--metric-annotations-allowlist=pods=[mail]" in hint


def test_a_prometheus_that_is_away(tmp_path: Path) -> None:
    assert trouble(examined(tmp_path, 'url = "http://127.0.0.1:9"')) == {"prometheus_api": F}


def test_a_token_file_that_is_missing(tmp_path: Path) -> None:
    words = 'url = "http://127.0.0.1:9"\nbearer_token_file = "nowhere"'
    assert trouble(examined(tmp_path, words)) == {"prometheus_login": F}


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "prometheus_login"), (403, "prometheus_login"), (200, "prometheus_api")],
    ids=["unknown", "forbidden", "a page that is no Prometheus"],
)
def test_a_server_that_does_not_let_us_in(tmp_path: Path, status: int, code: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, format: str, *words: object) -> None:  # noqa: A002  (its name)
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            checks = examined(tmp_path, f'url = "{address}"')
            assert trouble(checks) == {code: F}
            assert "`auditor doctor`" not in "".join(check.hint for check in checks)
        finally:
            server.shutdown()
            thread.join()
