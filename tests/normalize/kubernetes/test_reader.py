import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.frames import JOBS, check
from auditor.domain.job import QualityFlag
from auditor.errors import ExportRefusedError, UsageError
from auditor.normalize.export import read_export
from auditor.normalize.kubernetes import rows
from tests.normalize.kubernetes.pod_objects import (
    CREATED,
    batches_of,
    condition,
    context,
    gpu_spec,
    job,
    listed,
    node,
    owner,
    pod,
    running,
    status,
    terminated,
    uid,
)

SEEN = "2026-11-23T12:30:00Z"
HEARTBEAT = {"conditions": [{"type": "Ready", "lastHeartbeatTime": SEEN}]}
L4 = {"nvidia.com/gpu.product": "NVIDIA-L4"}
JOB = job("train", 900, owner("CronJob", "nightly", 901), labels={"kueue.x-k8s.io/queue-name": "q"})
ITEMS = (
    pod(1, metadata={"ownerReferences": [owner("Job", "train")]}),
    pod(2, spec=gpu_spec(), status=status("Running", running())),
    pod(3, status={"phase": "Pending", "conditions": [condition("PodScheduled", "False")]}),
    pod(4, metadata={"uid": None}),
    pod(5, status=status("Failed", reason="Evicted", conditions=[])),
    pod(6, metadata={"namespace": "kube-system"}, status=status("Failed", terminated())),
    JOB,
    node(labels=L4, **HEARTBEAT),
)


def documents(items, kind="List"):
    return {"apiVersion": "v1", "kind": kind, "metadata": {}, "items": list(items)}


def untold(item):
    """Return an object as a typed list holds it: without kind."""
    return {key: value for key, value in item.items() if key not in {"apiVersion", "kind"}}


def runs(text, **stated):
    batches = batches_of(text, **stated)
    jobs = pd.concat([check(batch.jobs, JOBS) for batch in batches], ignore_index=True)
    plain = jobs.astype("object").drop(columns="line").sort_values("raw_job_id")
    return plain.where(plain.notna(), None).to_dict("records")


def notes(text, **stated):
    return {note.code: note.text for batch in batches_of(text, **stated) for note in batch.notes}


PODS, JOBS_OF_LIST, NODES = ITEMS[:6], ITEMS[6:7], ITEMS[7:]
SHAPES = {
    "one List": listed(*ITEMS),
    "a List whose kind stands first": json.dumps(documents(ITEMS)).encode(),
    "several Lists": b"".join(listed(*items) for items in (PODS, JOBS_OF_LIST, NODES)),
    "typed lists of the API": b"\n".join(
        json.dumps(documents(map(untold, items), kind)).encode()
        for kind, items in (("PodList", PODS), ("JobList", JOBS_OF_LIST), ("NodeList", NODES))
    ),
    "typed lists, their kinds last": b"".join(
        listed(*map(untold, items), kind=kind)
        for kind, items in (("NodeList", NODES), ("PodList", PODS), ("JobList", JOBS_OF_LIST))
    ),
    "pages": b"".join(
        json.dumps({**documents(items, "PodList"), "metadata": {"continue": token}}).encode()
        for items, token in ((PODS[:3], "abc"), (PODS[3:], ""), (JOBS_OF_LIST, ""), (NODES, None))
    ),
    "one object after the other": b"\n".join(json.dumps(item).encode() for item in ITEMS),
    "an array": json.dumps(ITEMS).encode(),
    "an array of lists": json.dumps([documents(PODS), documents(ITEMS[6:])]).encode(),
    "a byte order mark": b"\xef\xbb\xbf" + listed(*ITEMS),
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_a_list_tells_the_same(text):
    batches = batches_of(text)
    assert sum(batch.n_rows for batch in batches) == 8
    assert sum(batch.n_steps for batch in batches) == 2
    assert [reject.line > 0 for batch in batches for reject in batch.rejects] == [True, True]
    assert runs(text) == runs(SHAPES["one List"])


def test_what_the_list_says():
    first, second, third, fourth = runs(listed(*ITEMS))
    assert (first["parent_job_id"], first["partition"]) == ("ml/CronJob/nightly", "q")
    assert (second["gpu_types"], second["n_gpu"]) == ("NVIDIA-L4=2", 2.0)
    assert second["end_utc"] == pd.Timestamp(SEEN)
    assert (third["state"], third["elapsed_s"]) == ("PENDING", 0)
    assert (fourth["user"], fourth["state"]) == ("(platform)", "FAILED")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_neither_order_nor_splits_change_a_run(data):
    items = data.draw(st.permutations(ITEMS))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(items) - 1))))
    edges = [0, *cuts, len(items)]
    parts = [items[begin:end] for begin, end in pairwise(edges)]
    text = b"".join(listed(*part) for part in parts)
    assert runs(text) == runs(listed(*ITEMS))


def test_the_size_of_the_pieces_changes_no_run(monkeypatch):
    whole = runs(listed(*ITEMS))
    monkeypatch.setattr(rows, "_N_ROWS_OF_PIECE", 2)
    assert len(batches_of(listed(*ITEMS))) > 1
    assert runs(listed(*ITEMS)) == whole


def test_two_records_of_a_pod_leave_one_view_on_top():
    early, late = pod(1, status=status("Running", running())), pod(1)
    (batch,) = batches_of(listed(late, early, node(**HEARTBEAT)))
    assert set(batch.jobs["raw_job_id"]) == {uid(1)}
    best = batch.jobs.loc[batch.jobs["rank"].idxmax()]
    assert (best["state"], best["is_open"]) == ("COMPLETED", False)


def test_open_pods_are_counted_to_the_latest_instant_and_that_is_said():
    text = listed(*ITEMS)
    assert SEEN in notes(text)["seen_inferred"]
    look = datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert "seen_inferred" not in notes(text, seen_utc=look)
    assert runs(text, seen_utc=look)[1]["end_utc"] == pd.Timestamp(look)


LOADED = datetime(2026, 11, 24, tzinfo=UTC)
AHEAD = "2031-01-01T00:00:00Z"


def beating(instant: str) -> dict:
    return node("node-2", conditions=[{"type": "Ready", "lastHeartbeatTime": instant}])


def test_open_pods_are_not_counted_to_an_instant_that_is_yet_to_come():
    text = listed(*ITEMS, beating(AHEAD))
    assert runs(text)[1]["end_utc"] == pd.Timestamp(AHEAD)
    run = runs(text, now_utc=LOADED)[1]
    assert run["end_utc"] == pd.Timestamp(SEEN)
    assert notes(text, now_utc=LOADED)["instants_ahead"].startswith("1 objects name instants")
    assert "instants_ahead" not in notes(listed(*ITEMS), now_utc=LOADED)


@pytest.mark.parametrize(
    ("seen_utc", "counted_to"),
    [
        pytest.param(LOADED + timedelta(seconds=50), LOADED + timedelta(seconds=50), id="clocks"),
        pytest.param(LOADED + timedelta(days=365), LOADED, id="a year ahead"),
    ],
)
def test_a_look_is_not_later_than_now(seen_utc, counted_to):
    run = runs(listed(*ITEMS), seen_utc=seen_utc, now_utc=LOADED)[1]
    assert run["end_utc"] == pd.Timestamp(counted_to)


def test_an_end_that_is_yet_to_come_is_the_look_and_flagged():
    ahead = pod(1, status=status("Succeeded", terminated(AHEAD)))
    (run,) = runs(listed(ahead, node(**HEARTBEAT)), now_utc=LOADED)
    assert (run["end_utc"], run["is_open"]) == (pd.Timestamp(SEEN), False)
    assert run["quality_flags"] & QualityFlag.CLOCK_REPAIRED


@pytest.mark.parametrize(
    ("years", "loaded_utc", "n_runs", "elapsed_s"),
    [
        pytest.param("2026-", LOADED, 1, 3600, id="past"),
        pytest.param("2031-", LOADED, 0, None, id="all of it to come"),
        pytest.param("2026-", datetime(2026, 11, 23, 9, 30, tzinfo=UTC), 1, 0, id="within an hour"),
    ],
)
def test_a_pod_whose_time_is_yet_to_come_counts_nothing(years, loaded_utc, n_runs, elapsed_s):
    text = listed(pod(1)).replace(b"2026-", years.encode())
    found = runs(text, now_utc=loaded_utc)
    assert len(found) == n_runs
    assert all(run["elapsed_s"] == elapsed_s for run in found)
    refused = frozenset() if n_runs else {uid(1)}
    assert batches_of(text, now_utc=loaded_utc)[0].refused_ids == refused


def test_the_uids_of_what_was_refused_are_told():
    batches = batches_of(listed(*ITEMS, 7))
    assert batches[-1].refused_ids == {uid(5), None}
    assert batches_of(listed(pod(1)))[0].refused_ids == frozenset()


def test_a_list_without_open_pods_needs_no_such_note():
    assert notes(listed(pod())) == {}


@pytest.mark.parametrize(
    "text",
    [listed(), b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}',
     listed(kind="PodList") + listed(node(), kind="NodeList")],
    ids=["kubectl", "a kubelet", "the API"],
)  # fmt: skip
def test_a_list_without_pods_is_an_answer_and_a_note(text):
    assert "no_rows" in notes(text)
    assert runs(text) == []


def test_devices_by_claims_are_said():
    text = listed(pod(spec={"resourceClaims": [{"name": "gpu"}]}))
    assert notes(text)["resource_claims"].startswith("1 pods")


def test_a_cluster_is_needed():
    with pytest.raises(UsageError, match="names no cluster"):
        batches_of(listed(pod()), cluster=None)
    assert "cluster_by_default" in notes(listed(pod()), cluster=None, default_cluster="only")


def test_rejects_say_what_was_at_stake():
    (batch,) = batches_of(listed(*ITEMS, 7))
    reasons = {reject.line: reject.reason for reject in batch.rejects}
    assert reasons == {
        4: "the pod has no uid that can be one",
        5: "it has ended, and nothing says when",
        9: "it is no object",
    }
    texts = {reject.line: reject.text for reject in batch.rejects}
    assert "train-4" in texts[4]
    assert texts[5] == f"ml/train-5 {uid(5)} EVICTED"
    assert all(len(text) <= 200 for text in texts.values())


FORBIDDEN = {
    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403,
    "message": 'pods is forbidden: User "eve" cannot list resource "pods"', "reason": "Forbidden",
}  # fmt: skip
WHOLE = listed(pod(1), pod(2))
REFUSALS = {
    "an answer of the API": (
        json.dumps(FORBIDDEN).encode(),
        'User "eve" cannot list',
        "auth can-i",
    ),
    "a refusal behind a list": (
        listed(pod()) + json.dumps(FORBIDDEN).encode(),
        "did not answer all of it",
        "auth can-i",
    ),
    "cut": (WHOLE[:-30], "cut after 2 objects", "get pods,jobs"),
    "cut within a pod": (WHOLE[: len(WHOLE) // 2], "cut after", "get pods,jobs"),
    "cut before a pod": (b'{"kind": "PodList", "items": [', "cut after 0 objects", "get pods"),
    "broken": (WHOLE.replace(b'"spec"', b"spec"), "broken after 0 objects", "get pods"),
    "the first page": (
        listed(pod(), kind="PodList", **{"continue": "token"}),
        "the first page only of a PodList",
        "all pages",
    ),
    "nodes": (listed(node(), node("node-2")), "no pods, but 2 objects of kind Node", "get pods"),
    "events": (
        listed({"kind": "Event", "metadata": {"name": "e"}, "reason": "Killing"}),
        "no pods, but 1 objects of kind Event",
        "get pods",
    ),
}


@pytest.mark.parametrize(("text", "reason", "hint"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_no_whole_list_is_refused(text, reason, hint):
    with pytest.raises(ExportRefusedError, match="cannot be read") as refusal:
        batches_of(text)
    assert reason in str(refusal.value)
    assert hint in (refusal.value.hint or "")


def test_progress_is_told_every_byte():
    text = listed(*(pod(number) for number in range(1, 400)))
    told: list[int] = []
    list(read_export(io.BytesIO(text), context(), progress=told.append))
    assert sum(told) == len(text)
    assert len(told) > 1


def test_hostile_texts_break_nothing():
    odd = {"\ud800": "\ud800", "example.org/user": "\ud800", "pod-template-hash": 7}
    item = pod(metadata={"labels": odd, "annotations": odd, "ownerReferences": ["x", {"kind": 3}]})
    item["spec"]["tolerations"] = [{"deep": [[[[[]]]]]}]
    (run,) = runs(listed(item, node("\ud800"), {"kind": "\ud800"}, {}, []))
    assert run["raw_job_id"] == uid(1)
    assert run["submit_utc"] == pd.Timestamp(CREATED)
