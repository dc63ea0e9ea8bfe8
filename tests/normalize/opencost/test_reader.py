"""Answers of OpenCost in the shape that its API and its CSV export have."""

import csv
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditor.domain.frames import JOBS, check
from auditor.domain.job import PLATFORM, QualityFlag
from auditor.errors import ExportRefusedError, UsageError
from auditor.normalize.interface import Batch, ExportContext
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.opencost.reader import (
    looks_like_opencost_csv,
    looks_like_opencost_json,
    read_opencost_csv,
    read_opencost_json,
)

DAY = {"start": "2026-11-16T00:00:00Z", "end": "2026-11-17T00:00:00Z"}
RULES = PodRules(user=("label:example.org/user",), platform_namespaces=("kube-*",))


def context(**changes: Any) -> ExportContext:
    stated = {"cluster": "gpu-cloud", "default_cluster": None, "timezone_of": {}}
    rules = {"pod_rules_of": {"gpu-cloud": RULES}}
    return ExportContext(
        **{"source": "oc.json", "default_timezone": "UTC", **stated, **rules, **changes}
    )


def allocation(name: str, properties: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Return two hours of half a core of four, with two accelerators."""
    return {
        "name": name,
        "properties": {"cluster": "cluster-one", **(properties or {})},
        "window": DAY,
        "start": "2026-11-16T08:00:00Z",
        "end": "2026-11-16T10:00:00Z",
        "minutes": 120,
        "cpuCores": 4,
        "cpuCoreRequestAverage": 4,
        "cpuCoreUsageAverage": 0.5,
        "cpuCoreHours": 8,
        "gpuCount": 2,
        "gpuHours": 4,
        "ramBytes": 1e9,
        "ramByteRequestAverage": 1e9,
        "ramByteHours": 2e9,
        **changes,
    }


def container(pod: str = "train-0", name: str = "main", **changes: Any) -> Any:
    told = {"node": "gpu07", "namespace": "ml", "pod": pod, "container": name}
    properties = {**told, **changes.pop("properties", {})}
    named = "/".join(["cluster-one", properties["node"], properties["namespace"], pod, name])
    return allocation(named, properties, **changes)


def answer(*windows: list[Any] | None) -> bytes:
    data = [None if one is None else {entry["name"]: entry for entry in one} for one in windows]
    return json.dumps({"code": 200, "status": "success", "data": data}).encode()


def read(content: bytes, ctx: ExportContext | None = None, *, n_head: int = 100) -> list[Batch]:
    head, stream = content[:n_head], io.BytesIO(content[n_head:])
    return list(read_opencost_json(head, stream, ctx or context()))


def run(entry: Any, ctx: ExportContext | None = None) -> pd.Series:
    (batch,) = read(answer([entry]), ctx)
    assert batch.rejects == []
    check(batch.jobs, JOBS)
    return batch.jobs.iloc[0]


def flags(row: pd.Series) -> QualityFlag:
    return QualityFlag(int(row["quality_flags"]))


def test_a_container_of_a_window_is_a_run():
    row = run(
        container(
            properties={
                "controllerKind": "job",
                "controller": "train",
                "labels": {"example_org_user": "alice"},
            }
        )
    )
    assert (row["cluster"], row["raw_job_id"]) == (
        "gpu-cloud",
        "opencost/ml/train-0/main@gpu07",
    )
    assert (row["job_id"], row["parent_job_id"]) == ("ml/train-0/main", "ml/Job/train")
    assert (row["scheduler"], row["job_name"], row["node_list"]) == ("other", "train", "gpu07")
    assert (row["user"], row["account"], row["partition"]) == ("alice", "ml", "ml")
    assert row["submit_utc"] == pd.Timestamp("2026-11-16T00:00:00Z")
    assert row["start_utc"] == pd.Timestamp("2026-11-16T08:00:00Z")
    assert row["end_utc"] == pd.Timestamp("2026-11-16T10:00:00Z")
    assert (row["n_cpus"], row["n_gpu"], row["memory_bytes"]) == (4.0, 2.0, 1e9)
    assert (row["total_cpu_s"], row["gpu_types"]) == (3600.0, "=2")
    assert flags(row) == QualityFlag.GPU_TYPE_UNKNOWN


@pytest.mark.parametrize(
    ("changes", "n_cpus", "flag"),
    [
        pytest.param({}, 4.0, QualityFlag.NONE, id="as asked"),
        pytest.param(
            {"cpuCoreRequestAverage": 0, "cpuCoreHours": 3},
            1.5,
            QualityFlag.NO_REQUEST,
            id="asked for nothing",
        ),
        pytest.param({"cpuCoreHours": 12}, 6.0, QualityFlag.NONE, id="used more than asked"),
        pytest.param({"cpuCoreHours": None}, 4.0, QualityFlag.NONE, id="without hours"),
        pytest.param(
            {"cpuCoreUsageAverage": 9},
            4.0,
            QualityFlag.CPU_TIME_ABOVE_ALLOCATION,
            id="more used than allocated",
        ),
    ],
)
def test_cores_are_what_was_asked_for_or_what_was_used(changes, n_cpus, flag):
    row = run(container(**{"gpuHours": 0, **changes}))
    assert row["n_cpus"] == pytest.approx(n_cpus)
    assert flags(row) == flag


def test_resource_time_is_that_of_opencost_to_the_last_digit():
    entry = container(minutes=119.9937, gpuHours=3.333, cpuCoreHours=7.77, cpuCoreRequestAverage=0)
    row = run(entry)
    assert row["n_gpu"] * row["elapsed_s"] / 3600 == pytest.approx(3.333, rel=1e-12)
    assert row["n_cpus"] * row["elapsed_s"] / 3600 == pytest.approx(7.77, rel=1e-12)


def test_a_model_is_taken_where_opencost_tells_one():
    assert run(container(gpuAllocation={"gpuModel": "Tesla T4"}))["gpu_types"] == "Tesla T4=2"


@pytest.mark.parametrize(
    ("name", "properties", "raw_id", "is_aggregate"),
    [
        pytest.param("ml", {"namespace": "ml"}, "opencost/ml/*/*", True, id="namespace"),
        pytest.param(
            "ml", {"namespace": "ml", "controller": "ml"}, "opencost/ml/*/*", True, id="ambiguous"
        ),
        pytest.param(
            "ml/train-0",
            {"namespace": "ml", "pod": "train-0"},
            "opencost/ml/train-0/*",
            False,
            id="pod",
        ),
        pytest.param(
            "train-0",
            {"namespace": "ml", "pod": "train-0"},
            "opencost/*/train-0/*",
            False,
            id="pod alone",
        ),
        pytest.param(
            "ml/job:train",
            {"namespace": "ml", "controller": "train", "controllerKind": "job"},
            "opencost/*/*/*/namespace+controller=ml/job:train",
            True,
            id="controller",
        ),
        pytest.param(
            "ml/__unallocated__",
            {"namespace": "ml"},
            "opencost/*/*/*/name=ml/__unallocated__",
            True,
            id="without controller",
        ),
        pytest.param(
            "ml/train-0/main",
            {"namespace": "ml", "pod": "train-0", "container": "main", "node": "gpu07"},
            "opencost/ml/train-0/main",
            False,
            id="container, on whichever node",
        ),
        pytest.param(
            "gpu07/ml/train-0",
            {"namespace": "ml", "pod": "train-0", "node": "gpu07"},
            "opencost/ml/train-0/*@gpu07",
            False,
            id="pod on a node",
        ),
        pytest.param(
            "gpu07/ml",
            {"namespace": "ml", "node": "gpu07"},
            "opencost/*/*/*/node+namespace=gpu07/ml",
            True,
            id="namespace on a node",
        ),
        pytest.param("red", {"labels": {"team": "red"}}, "opencost/*/*/*/name=red", True, id="l"),
    ],
)
def test_ids_tell_what_was_put_together(name, properties, raw_id, is_aggregate):
    row = run(allocation(name, properties))
    assert row["raw_job_id"] == raw_id
    assert (QualityFlag.AGGREGATE in flags(row)) is is_aggregate


@pytest.mark.parametrize(
    "properties",
    [{"namespace": "kube-system"}, {"controllerKind": "daemonset", "controller": "exporter"}],
)
def test_what_is_the_platforms_own_is_nobodys(properties):
    row = run(container(properties=properties))
    assert (row["user"], row["account"]) == (PLATFORM, PLATFORM)
    assert QualityFlag.PLATFORM in flags(row)


def test_a_label_cannot_make_somebody_the_platform():
    row = run(container(properties={"labels": {"example_org_user": PLATFORM}}))
    assert pd.isna(row["user"])


def test_entries_that_are_no_runs_are_counted_and_told():
    idle = allocation("cluster-one/__idle__", cpuCoreHours=100, gpuHours=50)
    mount = allocation("cluster-one/__unmounted__/ml/__unmounted__/__unmounted__")
    rest = allocation("__unallocated__", cpuCoreHours=2, gpuHours=1)
    (batch,) = read(answer([idle, container(), mount, rest], [idle]))
    assert (batch.n_rows, batch.n_jobs, batch.n_steps) == (5, 1, 4)
    told = {note.code: note for note in batch.notes}
    assert "200.00 core hours, 100.00 GPU hours" in told["opencost_idle"].text
    assert "2.00 core hours, 1.00 GPU hours" in told["opencost_unallocated"].text
    assert "by namespace" in told["opencost_unallocated"].hint
    assert set(told) == {
        "opencost",
        "opencost_idle",
        "opencost_unallocated",
        "opencost_unmounted",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"window": None}, "no window", id="no window"),
        pytest.param({"minutes": -1}, "negative", id="negative minutes"),
        pytest.param({"minutes": 2000}, "outside of its window", id="longer than its window"),
        pytest.param({"start": "2026-11-15T08:00:00Z"}, "outside of its window", id="before"),
        pytest.param({"start": "2026-11-16T08:00:00"}, "time zone", id="without zone"),
        pytest.param({"start": 7}, "start is no time", id="number for a time"),
        pytest.param({"cpuCoreHours": "8"}, "cpuCoreHours is no number", id="text for a number"),
        pytest.param({"gpuHours": True}, "gpuHours is no number", id="truth for a number"),
        pytest.param({"minutes": 0}, "told for no minutes", id="hours in no time"),
        pytest.param(
            {"minutes": None, "end": None}, "for how long it was allocated", id="no length"
        ),
    ],
)
def test_an_entry_that_cannot_be_read_is_a_reject(changes, reason):
    (batch,) = read(answer([container(), container("train-1", **changes)]))
    assert (batch.n_rows, batch.n_jobs) == (2, 1)
    (reject,) = batch.rejects
    assert reason in reject.reason
    assert (reject.source, reject.line) == ("oc.json", 2)
    assert "train-1" in reject.text


def test_a_workload_without_what_was_aggregated_by_is_a_run_beside_the_others():
    owned = allocation("ml/train", {"namespace": "ml", "controller": "train"})
    bare = allocation("ml/__unallocated__", {"namespace": "ml"})
    (batch,) = read(answer([owned, bare]))
    assert batch.jobs["raw_job_id"].tolist() == [
        "opencost/*/*/*/namespace+controller=ml/train",
        "opencost/*/*/*/namespace+controller=ml/__unallocated__",
    ]


@pytest.mark.parametrize("nodes", [("gpu07", "gpu08"), ("gpu08", "gpu07"), ("gpu08",), ("",)])
def test_an_id_names_the_node_whatever_else_the_answer_holds(nodes):
    told = {"namespace": "ml", "pod": "web-0", "container": "main"}
    entries = [
        allocation(f"cluster-one/{node or '__unallocated__'}/ml/web-0/main", {**told, "node": node})
        for node in nodes
    ]
    (batch,) = read(answer([container(), *entries]))
    assert batch.jobs["raw_job_id"].tolist() == [
        "opencost/ml/train-0/main@gpu07",
        *(f"opencost/ml/web-0/main@{node or '-'}" for node in nodes),
    ]


@pytest.mark.parametrize(
    ("changes", "n_jobs", "n_rejects"),
    [
        pytest.param({}, 2, 0, id="the same"),
        pytest.param({"minutes": 60}, 1, 1, id="another length"),
        pytest.param({"properties": {"labels": {"example_org_user": "bob"}}}, 1, 1, id="another's"),
    ],
)
def test_a_workload_that_stands_twice_for_one_window(changes, n_jobs, n_rejects):
    (batch,) = read(answer([container()], [container(**changes)]))
    assert (batch.n_rows, batch.n_jobs, len(batch.rejects)) == (2, n_jobs, n_rejects)
    assert set(batch.jobs["raw_job_id"]) == {"opencost/ml/train-0/main@gpu07"}
    assert len(set(batch.jobs["rank"])) == 1
    assert all("stands twice" in reject.reason for reject in batch.rejects)


def test_windows_and_empty_ones():
    later = {"start": "2026-11-17T00:00:00Z", "end": "2026-11-18T00:00:00Z"}
    moved = container(window=later, start="2026-11-17T01:00:00Z", end="2026-11-17T03:00:00Z")
    (batch,) = read(answer([container()], None, [], [moved]))
    assert batch.jobs["submit_utc"].dt.day.tolist() == [16, 17]
    assert set(batch.jobs["raw_job_id"]) == {"opencost/ml/train-0/main@gpu07"}
    (batch,) = read(answer([], None))
    assert (batch.n_rows, batch.notes[0].code) == (0, "no_rows")


@pytest.mark.parametrize(
    ("stated", "default", "own", "expected"),
    [
        ("a", "b", "c", "a"),
        (None, "b", "c", "c"),
        (None, "b", "cluster-one", "b"),
        (None, None, "cluster-one", "cluster-one"),
        (None, None, "", None),
    ],
)
def test_whose_it_is(stated, default, own, expected):
    ctx = context(cluster=stated, default_cluster=default)
    entry = container(properties={"cluster": own})
    if expected is None:
        with pytest.raises(UsageError, match="names no cluster"):
            read(answer([entry]), ctx)
    else:
        assert run(entry, ctx)["cluster"] == expected


def test_several_clusters_are_never_loaded_as_one():
    entries = [container(), container("train-1", properties={"cluster": "other"})]
    with pytest.raises(UsageError, match="2 clusters"):
        read(answer(entries))
    (batch,) = read(answer(entries), context(cluster=None, default_cluster="gpu-cloud"))
    assert batch.jobs["cluster"].tolist() == ["gpu-cloud", "other"]


def test_what_is_cut_or_tells_of_an_error_is_refused():
    content = answer([container(), container("train-1")])
    with pytest.raises(ExportRefusedError, match="cut or broken"):
        read(content[:-60])
    failed = b'{"code": 500, "status": "error", "message": "no such window", "data": null}'
    assert looks_like_opencost_json(failed)
    with pytest.raises(ExportRefusedError, match="no such window"):
        read(failed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (answer([container()]), True),
        (b'{"code":200,"data":[null]}', True),
        (b'{"data":[{"ml":{"name":"ml","cpuCoreHours":1}}]}', True),
        (b'{"meta":{},"jobs":[],"errors":[]}', False),
        (b'{"apiVersion":"v1","kind":"List","items":[]}', False),
        (b'{"status":"success","data":{"resultType":"matrix","result":[]}}', False),
        (b"JobID|State\n", False),
    ],
)
def test_answers_are_told_by_looking(text, expected):
    assert looks_like_opencost_json(text[:4000]) is expected


ROW = {
    "Date": "2026-11-16",
    "Namespace": "ml",
    "ControllerKind": "job",
    "ControllerName": "train",
    "Pod": "train-0",
    "Container": "main",
    "CPUCoreUsageAverage": "0.5",
    "CPUCoreRequestAverage": "4",
    "RAMBytesUsageAverage": "2000000000",
    "RAMBytesRequestAverage": "1000000000",
    "GPUs": "0.25",
    "Labels": '{"example_org_user":"alice","note":"a, b"}',
    "Label_note": "a, b",
}


def read_csv(*rows: dict[str, str]) -> Batch:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    assert looks_like_opencost_csv(content.partition(b"\n")[0])
    (batch,) = read_opencost_csv(content[:200], io.BytesIO(content[200:]), context())
    check(batch.jobs, JOBS)
    return batch


def test_a_row_of_the_csv_export_is_a_day():
    batch = read_csv(ROW)
    row = batch.jobs.iloc[0]
    assert (row["raw_job_id"], row["user"]) == ("opencost/ml/train-0/main", "alice")
    assert row["start_utc"] == pd.Timestamp("2026-11-16T00:00:00Z")
    assert (row["elapsed_s"], row["n_cpus"], row["n_gpu"]) == (86400, 4.0, 0.25)
    assert row["memory_bytes"] == 2e9
    assert flags(row) & (QualityFlag.START_INFERRED | QualityFlag.END_INFERRED)
    assert [note.code for note in batch.notes] == ["opencost", "opencost_days"]


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        pytest.param({}, (2, 0), id="the same"),
        pytest.param({"GPUs": "0.5"}, (1, 1), id="something else"),
        pytest.param({"Node": "gpu08"}, (2, 0), id="on another node"),
    ],
)
def test_rows_of_the_csv_export_that_tell_of_one_container(again, expected):
    row = {**ROW, "Node": "gpu07"}
    batch = read_csv(row, {**row, **again})
    assert (batch.n_jobs, len(batch.rejects)) == expected
    nodes = {"gpu07", again.get("Node") or "gpu07"}
    assert set(batch.jobs["raw_job_id"]) == {f"opencost/ml/train-0/main@{node}" for node in nodes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Date": "16.11.2026"}, "Date is no day"),
        ({"GPUs": "many"}, "GPUs is no number"),
        ({"CPUCoreRequestAverage": "-1"}, "CPUCoreRequestAverage is no number of zero or more"),
        ({"Labels": "{"}, "Labels are no JSON"),
    ],
)
def test_a_row_of_the_csv_export_that_cannot_be_read_is_a_reject(changes, reason):
    batch = read_csv(ROW, {**ROW, **changes})
    assert (batch.n_rows, batch.n_jobs) == (2, 1)
    assert (batch.rejects[0].line, reason in batch.rejects[0].reason) == (3, True)


def test_rows_that_name_no_node_are_containers_all_the_same():
    row = read_csv({**ROW, "Node": ""}).jobs.iloc[0]
    assert (row["raw_job_id"], row["job_id"]) == (
        "opencost/ml/train-0/main@-",
        "ml/train-0/main",
    )
    assert QualityFlag.AGGREGATE not in flags(row)


def test_rows_without_amounts_are_not_known():
    row = read_csv({**ROW, "GPUs": "", "CPUCoreUsageAverage": ""}).jobs.iloc[0]
    assert np.isnan(row["n_gpu"])
    assert row["n_cpus"] == 4.0
    assert np.isnan(row["total_cpu_s"])
