"""A week of a cluster in a real Prometheus, audited and compared with what really happened."""

import numpy as np
import pandas as pd
import pytest

from auditor.domain.job import QualityFlag
from auditor.normalize.prometheus import (
    boards,
    counters,
    names,
    steps,
)
from auditor.pipeline import pod_metering_boards
from tests.integration.prometheus.auditing import audit
from tests.integration.prometheus.generator import (
    AWAY_S,
    BEGIN_S,
    GAP_S,
    OTHERS_STEP_S,
    STEP_S,
    cpu_rate,
)

DAY_S = 86400
# What a board of this world can draw at most.
BOARD_W = 60 + 280 * 1.3
RESTART_DAY = (BEGIN_S + 3 * DAY_S // 2, BEGIN_S + 5 * DAY_S // 2)


def seconds(instants):
    return (instants - pd.Timestamp(0, tz="UTC")).dt.total_seconds()


def allowed_wh(truth):
    """What a look every STEP_S leaves open: a step at each end, or the gap where it lies there.

    A step is split evenly in time where the pods' times are recorded, and is the later pod's where
    they are not, so at each end of a pod up to one step of each of its boards may be another's. Of
    one that began or ended while nobody looked, the gap's energy is spread evenly.
    """
    step_wh = 2 * STEP_S * BOARD_W / 3600
    gap_wh = (GAP_S[1] - GAP_S[0] + 4 * STEP_S) * BOARD_W / 3600
    return np.ceil(truth["n_gpu"]) * np.where(touches_gap(truth), gap_wh, step_wh)


def touches_gap(truth):
    near_s = OTHERS_STEP_S
    return truth["start_s"].between(GAP_S[0] - near_s, GAP_S[1] + near_s) | truth["end_s"].between(
        GAP_S[0] - near_s, GAP_S[1] + near_s
    )


def test_it_is_as_large_as_promised(world):
    assert len(world.pods) >= 200
    names = pd.Series([(pod.namespace, pod.name) for pod in world.pods])
    assert names.duplicated().sum() > 20
    back_to_back = {pod.begin_s for pod in world.pods} & {pod.end_s for pod in world.pods}
    assert len(back_to_back) > 20


def test_all_pods_together_are_within_a_thousandth_of_the_truth(week, world):
    truth = world.truth()
    assert week.energy_wh.sum() == pytest.approx(truth["energy_wh"].sum(), rel=1e-3)
    assert week.unattributed_wh == 0


def test_pods_and_idle_boards_are_all_that_the_boards_drew(week, world):
    assert week.all_wh == pytest.approx(world.boards_wh, rel=2e-5)


def test_each_pod_is_within_what_the_interval_allows(week, world):
    truth = world.truth().set_index("uid")
    error_wh = (week.energy_wh.reindex(truth.index).fillna(0.0) - truth["energy_wh"]).abs()
    beyond = truth[error_wh > allowed_wh(truth)]
    assert beyond.empty, beyond


def test_meters_cover_the_time_that_accelerators_were_held(week, world):
    truth = world.truth().set_index("uid")
    held_s = truth["n_gpu"] * (truth["end_s"] - truth["start_s"])
    for column in ("gpu_metered_s", "gpu_observed_s"):
        ratio = (week.by_pod[column].reindex(truth.index) / held_s)[~touches_gap(truth)]
        slack = np.ceil(truth["n_gpu"]) * 2 * STEP_S / held_s
        if column == "gpu_observed_s":  # a gauge says nothing of a gap or of an exporter's restart
            ratio = ratio[truth["end_s"] < GAP_S[0]]
            slack += 600 / (truth["end_s"] - truth["start_s"])
        assert (ratio - 1).abs().le(slack.reindex(ratio.index)).all(), column
    busy = week.by_pod["gpu_busy_s"].sum() / week.by_pod["gpu_observed_s"].sum()
    assert busy == pytest.approx(0.75)


def test_facts_of_pods_are_those_of_kube_state_metrics(week, world):
    truth = world.truth().set_index("uid")
    told = week.pods.reindex(truth.index)
    assert (seconds(told["start_utc"]) == truth["start_s"]).all()
    assert (told["user"].astype("str") == truth["user"]).all()
    assert (told["node"].astype("str") == truth["node"]).all()
    assert np.allclose(told["n_gpu"], truth["n_gpu"])
    # Of one that was deleted while nobody looked no series tells: the collection ends it.
    assert touches_gap(truth)[told["is_open"]].all()
    assert told["is_open"].sum() <= 1
    truth, told = truth[~told["is_open"]], told[~told["is_open"]]
    is_deleted = truth["owner_kind"] == "StatefulSet"
    assert set(told.loc[is_deleted, "state"]) == {"DELETED"}
    assert set(told.loc[~is_deleted & ~touches_gap(truth), "state"]) == {"COMPLETED"}
    off_s = (seconds(told["end_utc"]) - truth["end_s"]).abs()
    assert (off_s[told["state"] == "COMPLETED"] == 0).all()
    is_inferred = (told["quality_flags"] & int(QualityFlag.END_INFERRED)) > 0
    assert (is_inferred == (told["state"] == "DELETED")).all()
    assert off_s[is_inferred & ~touches_gap(truth)].max() <= OTHERS_STEP_S / 2
    owners = told["owner_kind"].astype("str").groupby(truth["owner_kind"]).agg(set).to_dict()
    assert owners["Job"] == {"Job", "CronJob"}


def test_models_come_from_nodes_and_slices_from_what_was_asked_for(week, world):
    types = week.pods["gpu_types"].astype("str")
    found = types.groupby(week.pods["node"].astype("str")).agg(set)
    assert found["gpu-shared"] - {""} == {"NVIDIA-A100-SXM4-80GB=0.25"}
    assert found["gpu-mig"] - {""} == {
        f"NVIDIA-A100-SXM4-80GB-MIG-{profile}=1" for profile in ("3g.40gb", "2g.20gb", "1g.10gb")
    }


def test_the_exporters_own_pods_hold_nothing(week):
    daemons = week.pods[week.pods["controller_kind"] == "DaemonSet"]
    assert len(daemons) == 10
    assert week.energy_wh.reindex(daemons.index).fillna(0.0).sum() == 0


def test_the_gap_is_told_of_all_three_exporters(week):
    told = {}
    for gap in week.gaps:
        begin_s, end_s = told.get(gap.what, (np.inf, 0.0))
        told[gap.what] = (
            min(begin_s, gap.start_utc.timestamp()),
            max(end_s, gap.end_utc.timestamp()),
        )
    whole = {"the meters of 26 accelerators", "kube-state-metrics", "cAdvisor"}
    assert whole <= set(told)
    # Up to the end of a slot only boards that a pod holds are told: others may be gone for good.
    assert all("accelerators" in what for what in set(told) - whole)
    told = {what: told[what] for what in whole}
    for what, (begin_s, end_s) in told.items():
        near_s = 2 * (STEP_S if "meters" in what else OTHERS_STEP_S)
        assert abs(begin_s - GAP_S[0]) <= near_s
        assert abs(end_s - GAP_S[1]) <= near_s


def test_processors_and_memory_count_once(week, world):
    truth = world.truth().set_index("uid")
    rate = pd.Series({pod.uid: cpu_rate(pod) for pod in world.pods})
    short_s = truth["cpu_s"] - week.by_pod["cpu_s"].reindex(truth.index).fillna(0.0)
    # Each of a pod's two containers is last read up to an interval before its end, or before its
    # exporter went away.
    most_s = rate * 2 * (OTHERS_STEP_S + AWAY_S + 1)
    quiet = (truth["end_s"] < GAP_S[0]) | (truth["start_s"] > GAP_S[1])
    assert (short_s[quiet] >= -1e-6).all()
    assert (short_s[quiet] <= most_s[quiet]).all()
    peak = week.by_pod["max_memory_bytes"].reindex(truth.index)[quiet]
    assert peak.dropna().between(2e9, 2e9 + 7).all()
    # Two pods of one name in one slot, where the control group does not tell them apart.
    lost = truth[quiet][peak.isna()]
    assert len(lost) < 10
    assert set(lost["owner_kind"]) <= {"StatefulSet"}


@pytest.mark.parametrize("slot_s", [3 * 3600, 8 * 3600 + 7, DAY_S], ids=["3h", "odd", "24h"])
def test_however_the_time_is_cut_the_sums_are_the_same(url, slot_s):
    begin_s, end_s = BEGIN_S + 3 * DAY_S, BEGIN_S + 4 * DAY_S
    one, other = audit(url, begin_s, end_s), audit(url, begin_s, end_s, slot_s)
    assert other.all_wh == pytest.approx(one.all_wh, rel=1e-9)
    both = pd.concat([one.energy_wh, other.energy_wh], axis=1).fillna(0.0)
    # The gap is spread by what is known of pods' ends, and that depends on who was asked when.
    differs = (both.iloc[:, 0] - both.iloc[:, 1]).abs() > 1e-6 * both.iloc[:, 0] + 1e-9
    assert not differs.any(), both[differs]


def test_a_cluster_of_which_nothing_is_told_is_all_gap(url):
    silent = audit(url, BEGIN_S, BEGIN_S + 3600, match='cluster="other"')
    assert silent.pods.empty
    assert silent.by_pod.empty
    assert {note.code for note in silent.notes} == {"series_missing"}
    assert {gap.what for gap in silent.gaps} == {"kube-state-metrics", "dcgm-exporter", "cAdvisor"}


def plain_labels(labels, name):
    return labels.reindex(columns=[name], fill_value="")[name].fillna("")


def first_of_name(self, labels, series, time_ms):
    return REAL_PLACES(self, labels, series, np.zeros_like(time_ms))


def all_believed(boards, plausible_w):
    return REAL_STEPS(boards, plausible_w).assign(is_good=True)


def whole_boards(labels):
    return pd.Series(np.nan, index=labels.index)


def every_container(labels, name):
    found = names.workload_label(labels, name)
    return found.replace("", "pod") if name == "container" else found


REAL_PLACES = names.NamedPods.places
REAL_STEPS = steps.counter_steps
FAULTS = {
    "exported_ labels passed over": (names, "workload_label", plain_labels),
    "names that come back are one pod": (names.NamedPods, "places", first_of_name),
    "a counter that began anew": (pod_metering_boards, "counter_steps", all_believed),
    "slices taken for sharers": (boards, "_shares", whole_boards),
    "the pod's own sum of its containers": (counters, "workload_label", every_container),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(url, world, monkeypatch, fault):
    truth = world.truth().set_index("uid")
    inside = (truth["start_s"] >= RESTART_DAY[0]) & (truth["end_s"] <= RESTART_DAY[1])
    truth = truth[inside]

    def is_right():
        found = audit(url, *RESTART_DAY)
        error_wh = (found.energy_wh.reindex(truth.index).fillna(0.0) - truth["energy_wh"]).abs()
        more_cpu_s = found.by_pod["cpu_s"].reindex(truth.index).fillna(0.0) - truth["cpu_s"]
        return (error_wh <= allowed_wh(truth)).all() and more_cpu_s.max() <= 1e-6

    assert is_right()
    monkeypatch.setattr(*fault)
    assert not is_right()
