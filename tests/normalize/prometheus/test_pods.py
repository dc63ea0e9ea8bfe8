"""Pods as kube-state-metrics tells of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from auditor.domain.frames import check
from auditor.domain.job import QualityFlag
from auditor.domain.series import PodFacts
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.prometheus.pods import empty_pods, pods_of, unseen_labels

POD = {"namespace": "team-a", "pod": "train-0", "uid": "u1"}
RULES = PodRules(user=("label:example.org/user", "annotation:who"), project=("namespace:team-*",))
NOBODY = pd.DataFrame(
    {
        "uid": pd.Series(dtype="str"),
        "start_utc": pd.Series(dtype="datetime64[us, UTC]"),
        "end_utc": pd.Series(dtype="datetime64[us, UTC]"),
    }
)
START, SCHEDULED, DONE = (
    "kube_pod_start_time", "kube_pod_status_scheduled_time", "kube_pod_completion_time",
)  # fmt: skip
REQUESTS = "kube_pod_container_resource_requests"
FIVE = ("Pending", "Running", "Succeeded", "Failed", "Unknown")


def rows(*series):
    frame = pd.DataFrame([{**POD, "value": 1.0, **one} for one in series])
    return frame.fillna({name: "" for name in frame.columns if name != "value"})


def phase(now):
    return rows(*({"phase": one, "value": float(one == now)} for one in FIVE))


def facts(seen=(600, 6000), scrapes=(0, 7200), ended=(), **metrics):
    last = {"kube_pod_info": rows({"node": "n1"}), "kube_pod_status_phase": phase("Running")}
    times = np.arange(scrapes[0], scrapes[1] + 1, 60.0)
    return PodFacts(
        {**last, **metrics},
        pd.DataFrame([{**POD, "first_s": seen[0], "last_s": seen[1]}]),
        pd.DataFrame([{**POD, "first_s": ended[0], "last_s": ended[1]}] if ended else []),
        pd.DataFrame({"job": "ksm", "time_s": times}),
        60.0,
    )


def told(known=NOBODY, rules=RULES, begin_s=0.0, **changes):
    frame = check(pods_of(facts(**changes), known, rules, begin_s), PODS)
    assert len(frame) == 1
    return frame.iloc[0]


def epoch(instant):
    return None if pd.isna(instant) else instant.timestamp()


def at(seconds):
    return pd.Timestamp(seconds, unit="s", tz="UTC")


STARTED = {SCHEDULED: rows({"value": 590.0}), START: rows({"value": 592.0})}
GONE, OPEN = (600, 6000), (600, 7200)


@pytest.mark.parametrize(
    ("changes", "state", "times", "flags"),
    [
        ({"seen": OPEN, **STARTED}, "RUNNING", (590, None), 0),
        ({"seen": OPEN, START: rows({"value": 592.0})}, "RUNNING", (592, None), 0),
        ({"seen": OPEN}, "RUNNING", (570, None), QualityFlag.START_INFERRED),
        ({"seen": (0, 7200)}, "RUNNING", (0, None), QualityFlag.START_INFERRED),
        ({"seen": GONE, **STARTED}, "DELETED", (590, 6030), QualityFlag.END_INFERRED),
        ({"seen": OPEN, **STARTED, "kube_pod_status_phase": phase("Succeeded"),
          DONE: rows({"value": 5000.0})}, "COMPLETED", (590, 5000), 0),
        ({"seen": OPEN, **STARTED, "kube_pod_status_phase": phase("Failed"), "ended": (5000, 7200)},
         "FAILED", (590, 4970), QualityFlag.END_INFERRED),
        ({"seen": OPEN, "kube_pod_status_phase": phase("Pending"),
          "kube_pod_info": rows({"node": ""})}, "PENDING", (None, None), 0),
        ({"seen": GONE, "kube_pod_status_phase": phase("Pending"),
          "kube_pod_info": rows({"node": ""})}, "CANCELLED", (None, 6030),
         QualityFlag.END_INFERRED),
        ({"seen": OPEN, **STARTED, "kube_pod_status_phase": phase("Pending")}, "CONFIGURING",
         (590, None), 0),
        ({"seen": OPEN, **STARTED, "kube_pod_status_phase": phase("Unknown")}, "RUNNING",
         (590, None), QualityFlag.STATE_UNKNOWN),
    ],
    ids=["running", "no-condition", "inferred", "was-there", "gone", "completed", "failed",
         "pending", "given-up", "starting", "unknown"],
)  # fmt: skip
def test_state_and_times(changes, state, times, flags):
    pod = told(**changes)
    assert pod["state"] == state
    assert (epoch(pod["start_utc"]), epoch(pod["end_utc"])) == times
    assert pod["quality_flags"] == flags
    assert pod["is_open"] == (times[1] is None)


@pytest.mark.parametrize(
    ("metric", "reason", "state"),
    [
        ("kube_pod_status_reason", "Evicted", "EVICTED"),
        ("kube_pod_status_reason", "NodeLost", "NODE_FAIL"),
        ("kube_pod_status_reason", "Preempting", "PREEMPTED"),
        ("kube_pod_container_status_terminated_reason", "OOMKilled", "OUT_OF_MEMORY"),
        ("kube_pod_container_status_last_terminated_reason", "OOMKilled", "OUT_OF_MEMORY"),
        ("kube_pod_container_status_terminated_reason", "DeadlineExceeded", "TIMEOUT"),
        ("kube_pod_container_status_terminated_reason", "Error", "FAILED"),
    ],
)
def test_why_a_pod_failed(metric, reason, state):
    reasons = rows({"reason": "Completed", "value": 0.0}, {"reason": reason})
    failed = {"kube_pod_status_phase": phase("Failed"), DONE: rows({"value": 5000.0})}
    assert told(seen=OPEN, **STARTED, **failed, **{metric: reasons})["state"] == state


def test_one_that_its_node_refused_never_ran():
    refused = {
        "kube_pod_status_phase": phase("Failed"),
        "kube_pod_status_reason": rows({"reason": "UnexpectedAdmissionError"}),
    }
    pod = told(seen=OPEN, **STARTED, **refused)
    assert pod["start_utc"] == pod["end_utc"]


def test_what_the_book_knows_stands_where_the_series_tell_no_time():
    known = pd.DataFrame({"uid": ["u1"], "start_utc": [at(-9000)], "end_utc": [pd.NaT]})
    pod = told(known, seen=(0, 7200))
    assert epoch(pod["start_utc"]) == -9000
    assert pod["quality_flags"] == 0
    assert epoch(told(known, seen=OPEN, **STARTED)["start_utc"]) == 590


@pytest.mark.parametrize(
    ("known_s", "is_inferred", "start_s", "flags"),
    [
        pytest.param(-9000, True, -9000, QualityFlag.START_INFERRED, id="seen before"),
        pytest.param(3000, True, 570, QualityFlag.START_INFERRED, id="first seen at an edge"),
        pytest.param(3000, False, 3000, 0, id="recorded"),
    ],
)
def test_of_two_starts_that_nobody_recorded_the_earlier_one_stays_inferred(
    known_s, is_inferred, start_s, flags
):
    known = pd.DataFrame({"uid": ["u1"], "start_utc": [at(known_s)], "end_utc": [pd.NaT]})
    known["is_start_inferred"] = is_inferred
    pod = told(known, seen=OPEN)
    assert (epoch(pod["start_utc"]), pod["quality_flags"]) == (start_s, flags)


@pytest.mark.parametrize("changes", [{"seen": GONE}, {"seen": OPEN}], ids=["gone", "open"])
def test_no_end_lies_after_what_was_seen(changes):
    pod = told(**changes, **STARTED)
    assert epoch(pod["seen_utc"]) == (epoch(pod["end_utc"]) or 7200)


@pytest.mark.parametrize(
    ("instances", "is_open"),
    [
        pytest.param(("s1", "s2"), {"u1": True, "u2": True}, id="its exporter is silent"),
        pytest.param(("s1", "s1"), {"u1": False, "u2": True}, id="another pod of it is there"),
    ],
)
def test_a_pod_is_gone_where_whoever_told_of_it_goes_on_without_it(instances, is_open):
    series = [{**POD, "node": "n1"}, {**POD, "pod": "b", "uid": "u2", "node": "n1"}]
    info = pd.DataFrame([{**one, "value": 1.0} for one in series])
    both = facts(kube_pod_info=info)
    ends = [
        {**one, "instance": instance, "first_s": 600, "last_s": last_s}
        for one, instance, last_s in zip(series, instances, (6000, 7200), strict=True)
    ]
    pods = pods_of(replace(both, extents=pd.DataFrame(ends)), NOBODY, RULES, 0.0)
    assert pods.set_index("uid")["is_open"].to_dict() == is_open


def test_a_pod_that_was_bound_meanwhile_is_one():
    pod = told(kube_pod_info=rows({"node": ""}, {"node": "n1", "priority_class": "high"}))
    assert (pod["node"], pod["priority_class"]) == ("n1", "high")


OWNER = {"owner_kind": "Job", "owner_name": "j", "owner_is_controller": "true"}
CRON = {"job_name": "j", "owner_kind": "CronJob", "owner_name": "nightly"}
NONE = {"job_name": "j", "owner_kind": "<none>", "owner_name": "<none>"}
SET = {"owner_kind": "ReplicaSet", "owner_name": "web-5d", "owner_is_controller": "true"}
DEPLOYMENT = {"replicaset": "web-5d", "owner_kind": "Deployment", "owner_name": "web"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kube_pod_owner": rows(OWNER), "kube_job_owner": rows(CRON)}, ("CronJob", "nightly")),
        ({"kube_pod_owner": rows(OWNER), "kube_job_owner": rows(NONE)}, ("Job", "j")),
        ({"kube_pod_owner": rows(SET), "kube_replicaset_owner": rows(DEPLOYMENT)},
         ("Deployment", "web")),
        ({"kube_pod_owner": rows({**OWNER, "owner_kind": "Workflow",
                                  "owner_is_controller": "false"}, OWNER)}, ("Job", "j")),
        ({"kube_pod_info": rows({"created_by_kind": "Job", "created_by_name": "j"})}, ("Job", "j")),
        ({"kube_pod_owner": rows({"owner_kind": "<none>", "owner_name": "<none>"})}, (None, None)),
    ],
    ids=["cronjob", "job", "deployment", "controller-first", "created-by", "bare"],
)  # fmt: skip
def test_the_topmost_owner_known(changes, expected):
    pod = told(**changes)
    kind, name = (None if pd.isna(pod[one]) else pod[one] for one in ("owner_kind", "owner_name"))
    assert (kind, name) == expected


def asked(*amounts, container="main"):
    return [{"container": container, "resource": name, "value": one} for name, one in amounts]


NODE = {"node": "n1", "label_nvidia_com_gpu_product": "NVIDIA-A100-SXM4-80GB"}
SHARED = {**NODE, "label_nvidia_com_gpu_product": "Tesla-T4-SHARED",
          "label_nvidia_com_gpu_replicas": "4"}  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "node", "n_gpu", "types"),
    [
        ("nvidia_com_gpu", NODE, 2, "NVIDIA-A100-SXM4-80GB=2"),
        ("nvidia_com_gpu", {"node": "n1"}, 2, "=2"),
        ("nvidia_com_mig_1g_10gb", NODE, 2, "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb=2"),
        ("nvidia_com_mig_1g_10gb_me", NODE, 2, "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb.me=2"),
        ("nvidia_com_gpu", SHARED, 0.5, "Tesla-T4=0.5"),
        ("nvidia_com_gpu_shared", SHARED, 0.5, "Tesla-T4=0.5"),
        ("amd_com_gpu", {"node": "n1", "label_amd_com_gpu_product_name": "AMD_Instinct_MI300X"},
         2, "AMD_Instinct_MI300X=2"),
        ("habana_ai_gaudi", NODE, 2, "=2"),
        ("google_com_tpu", {"node": "n1", "label_cloud_google_com_gke_tpu_accelerator":
                            "tpu-v5-lite-podslice"}, 2, "tpu-v5-lite-podslice=2"),
    ],
)  # fmt: skip
def test_accelerators_and_their_model(resource, node, n_gpu, types):
    pod = told(**{REQUESTS: rows(*asked((resource, 2.0))), "kube_node_labels": rows(node)})
    assert (pod["n_gpu"], pod["gpu_types"]) == (n_gpu, types)


def test_requests_are_those_the_scheduler_reckons_with():
    requests = [
        *asked(("cpu", 2.0), ("memory", 4e9)),
        *asked(("cpu", 1.0), container="helper"),
    ]
    beside = {"instance": "second"}
    init = [*asked(("cpu", 5.0), container="fetch"), *asked(("cpu", 0.5), container="proxy")]
    pod = told(
        **{
            REQUESTS: rows(*requests, *({**one, **beside} for one in requests)),
            "kube_pod_init_container_resource_requests": rows(*init),
            "kube_pod_init_container_info": rows(
                {"container": "proxy", "restart_policy": "Always"}, {"container": "fetch"}
            ),
            "kube_pod_overhead_cpu_cores": rows({"value": 0.25}),
        }
    )
    # Two kube-state-metrics count once; fetch runs beside the sidecar before the others begin.
    assert pod["n_cpus"] == 5.0 + 0.5 + 0.25
    assert pod["memory_bytes"] == 4e9
    assert told()["n_cpus"] == 0


def test_whose_it_is():
    labels = {"label_example_org_user": "alice", "label_kueue_x_k8s_io_queue_name": "gpu"}
    pod = told(kube_pod_labels=rows(labels))
    assert (pod["user"], pod["project"], pod["queue"]) == ("alice", "a", "gpu")
    noted = told(kube_pod_annotations=rows({"annotation_who": "bob"}))
    assert noted["user"] == "bob"
    for hostile in ("(platform)", "a\nb", "", "x" * 500):
        assert pd.isna(told(kube_pod_labels=rows({"label_example_org_user": hostile}))["user"])


def test_rules_that_no_label_can_answer_are_named():
    assert unseen_labels(facts(), RULES) == ("label:example.org/user", "annotation:who")
    told_ = facts(kube_pod_labels=rows({"label_example_org_user": "alice"}))
    assert unseen_labels(told_, RULES) == ("annotation:who",)
    assert unseen_labels(facts(), PodRules()) == ()


def test_names_of_the_workload_go_before_those_of_the_scrape():
    info = rows(
        {"namespace": "monitoring", "pod": "ksm-1", "exported_namespace": "team-a",
         "exported_pod": "train-0", "exported_node": "n7", "node": "n-ksm"},
        {"uid": "u2", "namespace": "monitoring", "pod": "ksm-1", "exported_namespace": "team-a",
         "exported_pod": "waits", "node": "n-ksm"},
    )  # fmt: skip
    found = pods_of(facts(kube_pod_info=info), NOBODY, RULES, 0.0).set_index("uid")
    assert found.loc["u1", ["namespace", "name", "node"]].tolist() == ["team-a", "train-0", "n7"]
    assert pd.isna(found.loc["u2", "node"])


def test_no_pods_are_a_frame_of_none():
    check(empty_pods(), PODS)
    assert pods_of(facts(kube_pod_info=pd.DataFrame()), NOBODY, RULES, 0.0).empty
