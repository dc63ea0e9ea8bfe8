"""Small clusters in one real Prometheus, told apart by a label: what is said of each."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from auditor.collect.errors import CollectError, CollectStoppedError
from auditor.collect.prometheus import Prometheus, PrometheusHost
from auditor.domain.frames import METERS, check
from auditor.normalize.interface import ExportContext
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.rules import PodRules
from auditor.pipeline.pod_metering import ask_meters
from tests.integration.prometheus.server import backfill, prometheus, require_prometheus

BEGIN_S = 1_794_700_800
HOUR_S, STEP_S = 3600, 60
TIMES = [BEGIN_S + at for at in range(0, 2 * HOUR_S, STEP_S)]
POD = 'namespace="a",pod="train",uid="u1"'
BOARD = 'UUID="GPU-1",modelName="NVIDIA A100-SXM4-80GB"'
HELD = f'{BOARD},namespace="a",pod="train"'
SHARED = 'label_nvidia_com_gpu_product="Tesla-T4-SHARED",label_nvidia_com_gpu_replicas="4"'
WATTS = 250.0
ENERGY, POWER, BUSY = (
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_UTIL",
)  # fmt: skip


def rising(times=TIMES):
    return {at: WATTS * (at - BEGIN_S + 500) * 1000 for at in times}


def steady(value, times=TIMES):
    return dict.fromkeys(times, value)


def pod(labels=POD, **more):
    """Return the series of a pod that holds a board and was there all the time."""
    return {
        ("kube_pod_info", f'{labels},node="n1"'): steady(1),
        ("kube_pod_status_scheduled_time", labels): steady(BEGIN_S - 600),
        ("kube_pod_container_resource_requests",
         f'{labels},container="main",resource="nvidia_com_gpu"'): steady(1),
        ("kube_node_info", 'node="n1"'): steady(1),
        **more,
    }  # fmt: skip


WORLDS = {
    "whole": {**pod(), (ENERGY, HELD): rising(), (BUSY, HELD): steady(40)},
    "power-only": {**pod(), (POWER, HELD): steady(WATTS)},
    "stands": {**pod(), (ENERGY, HELD): steady(7e9), (POWER, HELD): steady(WATTS)},
    "incredible": {**pod(), (POWER, HELD): steady(5000.0)},
    "no-numbers": {**pod(), (POWER, HELD): {**steady(WATTS), TIMES[30]: "NaN"}},
    "unnamed": {**pod(), (ENERGY, BOARD): rising()},
    "unknown": {("kube_node_info", 'node="n1"'): steady(1), (ENERGY, HELD): rising()},
    "no-boards": pod(),
    "paused": {**pod(), (ENERGY, HELD): rising([at for at in TIMES if at < BEGIN_S + HOUR_S])},
    "two-tellers": {
        **pod(f'{POD},instance="one"'), **pod(f'{POD},instance="two"'), (ENERGY, HELD): rising(),
    },
    "sharing": {
        **pod(),
        **pod('namespace="a",pod="other",uid="u2"'),
        ("kube_node_labels", f'node="n1",{SHARED}'): steady(1),
        (ENERGY, HELD): rising(),
        (ENERGY, HELD.replace("train", "other")): rising(),
    },
}  # fmt: skip


def text_of(worlds):
    families = {}
    for cluster, series in worlds.items():
        for (name, labels), values in series.items():
            families.setdefault(name, []).append((f'{{cluster="{cluster}",{labels}}}', values))
    for name, rows in families.items():
        yield f"# TYPE {name} unknown\n"
        for labels, values in sorted(rows, key=lambda row: row[0]):
            yield from (f"{name}{labels} {value} {at}\n" for at, value in values.items())
    yield "# EOF\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    require_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "worlds.txt"
    text.write_text("".join(text_of(WORLDS)))
    backfill(folder, text)
    with prometheus(folder) as address:
        yield address


def ask(url, cluster, hours=(0, 2), known=None, rules=None, should_stop=lambda: False):
    context = ExportContext(
        "prometheus", cluster, None, {}, "UTC", default_pod_rules=rules or PodRules()
    )
    host = PrometheusHost(cluster, url, 30.0, match=f'cluster="{cluster}"')
    window = tuple(datetime.fromtimestamp(BEGIN_S + hour * HOUR_S, UTC) for hour in hours)
    found = ask_meters(host, window, known, context, should_stop)
    check(found.pods, PODS)
    check(found.meters, METERS)
    return found


WHOLE_WH = WATTS * 119 / 60


@pytest.mark.parametrize(
    ("cluster", "energy_wh", "covered_s"),
    [
        ("whole", {"u1": WHOLE_WH}, 119 * 60),
        # A gauge stands for its first interval too.
        ("power-only", {"u1": WATTS * 2}, 120 * 60),
        ("stands", {"u1": WATTS * 2}, 120 * 60),
        ("no-numbers", {"u1": WATTS * 2}, 120 * 60),
        ("two-tellers", {"u1": WHOLE_WH}, 119 * 60),
        ("sharing", {"u1": WHOLE_WH / 2, "u2": WHOLE_WH / 2}, 119 * 60 / 4),
        ("unnamed", {}, 0),
        ("no-boards", {}, 0),
        ("incredible", {}, 0),
    ],
)
def test_energy_of_each_small_cluster(url, cluster, energy_wh, covered_s):
    found = ask(url, cluster)
    meters = found.meters[found.meters["gpu_metered_s"] > 0].set_index("uid")
    assert (meters["gpu_energy_j"] / 3600).to_dict() == pytest.approx(energy_wh, rel=1e-6)
    assert (meters["gpu_metered_s"] == covered_s).all()
    assert found.unattributed_wh == 0
    assert found.idle_wh == pytest.approx(WHOLE_WH if cluster == "unnamed" else 0, abs=1e-6)


@pytest.mark.parametrize(
    ("cluster", "codes"),
    [
        ("whole", ["series_missing"]),
        ("no-boards", ["series_missing", "series_missing"]),
        ("unnamed", ["series_missing", "pods_unnamed"]),
        ("no-numbers", ["series_missing", "values_unusable"]),
    ],
)
def test_what_is_missing_is_said_once_by_name(url, cluster, codes):
    found = ask(url, cluster)
    assert [note.code for note in found.notes] == codes
    assert "cAdvisor" in " ".join(note.text for note in found.notes)
    assert found.gaps == ()


def test_a_label_that_kube_state_metrics_lets_not_through_is_named(url):
    found = ask(url, "whole", rules=PodRules(user=("label:example.org/user",)))
    (note,) = [note for note in found.notes if note.code == "labels_missing"]
    assert "label:example.org/user" in note.text
    assert "allowlist" in note.hint


def test_an_exporter_that_stopped_is_a_gap_and_not_one_that_is_missing(url):
    first, second = ask(url, "paused", (0, 2)), ask(url, "paused", (1.5, 2))
    assert [(gap.what, gap.start_utc.hour, gap.start_utc.minute) for gap in first.gaps] == [
        ("the meters of 1 accelerators", 0, 59)
    ]
    assert [gap.what for gap in second.gaps] == ["dcgm-exporter"]
    assert "dcgm-exporter" not in " ".join(note.text for note in second.notes)


def test_pods_that_others_told_of_are_named_where_the_series_do_not(url):
    known = pd.DataFrame(
        {
            "uid": ["u9"],
            "namespace": ["a"],
            "name": ["train"],
            "start_utc": pd.to_datetime([BEGIN_S - 60], unit="s", utc=True),
            "end_utc": pd.to_datetime([None], utc=True),
        }
    )
    lost, found = ask(url, "unknown"), ask(url, "unknown", known=known)
    assert lost.unattributed_wh == pytest.approx(WHOLE_WH)
    assert lost.meters.empty
    assert found.unattributed_wh == 0
    assert found.meters["uid"].tolist() == ["u9"]


def test_utilisation_comes_from_what_ran_where_engines_are_not_told(url):
    row = ask(url, "whole").meters.iloc[0]
    assert row["gpu_busy_s"] / row["gpu_observed_s"] == pytest.approx(0.4)
    assert row["gpu_observed_s"] == 120 * 60


def test_a_model_is_the_boards_where_no_node_label_comes_through(url):
    assert ask(url, "whole").pods["gpu_types"].tolist() == ["NVIDIA-A100-SXM4-80GB=1"]
    assert set(ask(url, "sharing").pods["gpu_types"]) == {"Tesla-T4=0.25"}


def test_it_stops_when_asked_to(url):
    with pytest.raises(CollectStoppedError):
        ask(url, "whole", should_stop=lambda: True)


def test_nobody_there_is_an_error_and_no_silence(monkeypatch):
    monkeypatch.setattr(Prometheus, "_wait", lambda *_: None)
    with pytest.raises(CollectError) as refused:
        ask("http://127.0.0.1:9", "whole")
    assert refused.value.code == "prometheus_down"
