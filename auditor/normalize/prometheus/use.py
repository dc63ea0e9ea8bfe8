"""What pods used of processors, memory and accelerators, from cAdvisor's and DCGM's series."""

import numpy as np
import pandas as pd

from auditor.domain.series import Samples, UseFacts
from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.names import NamedPods, workload_label

_UID = r"pod([0-9a-fA-F]{8}(?:[-_][0-9a-fA-F]{4}){3}[-_][0-9a-fA-F]{12})"
_NOT_A_LABEL = frozenset({"value", "__name__"})
_SLACK_RATIO = 1e-6
_CONTAINER = ["run", "container", "id"]


def cpu_seconds(use: UseFacts, pods: NamedPods, span_s: tuple[float, float]) -> pd.DataFrame:
    """Return `run`, `cpu_s` and `cpu_metered_s` (time of the run within the span).

    A counter's increase is its last value less that before the span. One that was not there before
    belongs to a new container and counts from 0, unless the pod is older than the span: then from
    its first sample. `container=""` is the pod's own sum and `POD` its sandbox: neither counts.
    """
    if use.cpu.empty:
        return pd.DataFrame(columns=["run", "cpu_s", "cpu_metered_s"], dtype="float64")
    keys = _keys(use.cpu)
    last_s = keys.map(_last_seen(use.unnamed)).fillna(span_s[1])
    told = use.cpu.assign(key=keys, run=_runs(use.cpu, pods, last_s))
    told["container"] = workload_label(use.cpu, "container")
    told = told[(told["run"] >= 0) & ~told["container"].isin(["", "POD"])]
    before = _by_key(use.cpu_before).reindex(told["key"]).to_numpy()
    lowest = _by_key(use.cpu_first).reindex(told["key"]).to_numpy()
    anew = _rises(use.reset).reindex(told["key"])
    first = np.where(anew["first"].isna(), lowest, anew["first"])
    last = np.where(anew["first"].isna(), told["value"], anew["first"])
    begin_s = pods.runs["begin_ms"].to_numpy()[told["run"]] / 1000.0
    since = np.where(begin_s >= span_s[0], 0.0, first)
    since = np.where(np.isnan(before), since, before)
    used_s = np.where(last >= since, last - since, last) + anew["rise"].fillna(0.0).to_numpy()
    told = told.assign(cpu_s=used_s, cpu=told.get("cpu", "total"))
    return _by_run(told, pods, span_s)


def peak_memory(use: UseFacts, pods: NamedPods, end_s: float) -> "pd.Series[float]":
    """Return the highest working set of each pod, by run [bytes]."""
    if use.memory.empty:
        return pd.Series(dtype="float64")
    run = _runs(use.memory, pods, pd.Series(end_s, index=use.memory.index))
    return use.memory["value"].groupby(run).max().drop(index=[-1, -2], errors="ignore")


def accelerator_use(steps: pd.DataFrame, boards: Boards, runs: pd.DataFrame) -> pd.DataFrame:
    """Return `run`, `busy_s` and `observed_s` (accelerator seconds) of gauges of 0 to 1.

    A sample stands for the time since the one before; what is no ratio is no measurement.
    """
    held = boards.holders.merge(steps[["reading", "begin_s", "end_s"]], on="reading")
    held = held[(held["run"] >= 0) & (held["value"] >= 0) & (held["value"] <= 1 + _SLACK_RATIO)]
    held = held[~runs["is_daemon"].to_numpy()[held["run"]]]
    observed_s = (held["end_s"] - held["begin_s"]) * held["n_units"]
    found = pd.DataFrame(
        {
            "run": held["run"],
            "busy_s": observed_s * held["value"].clip(upper=1.0),
            "observed_s": observed_s,
        }
    )
    return found.groupby("run", as_index=False).sum()


def _by_run(told: pd.DataFrame, pods: NamedPods, span_s: tuple[float, float]) -> pd.DataFrame:
    """Sum containers: one of two jobs that tell the same, `total` where single CPUs are told."""
    each = told.groupby([*_CONTAINER, "cpu"])["cpu_s"].max().reset_index()
    each["is_sum"] = each["cpu"].isin(["total", ""])
    has_sum = each.groupby(_CONTAINER)["is_sum"].transform("any")
    each = each[each["is_sum"] | ~has_sum]
    cpu_s = each.groupby("run")["cpu_s"].sum()
    runs = pods.runs.iloc[cpu_s.index]
    begin_s = (runs["begin_ms"] / 1000.0).clip(lower=span_s[0])
    end_s = (runs["end_ms"] / 1000.0).fillna(np.inf).clip(upper=span_s[1])
    covered_s = (end_s - begin_s).clip(lower=0.0).to_numpy()
    return pd.DataFrame({"run": cpu_s.index, "cpu_s": cpu_s.to_numpy(), "cpu_metered_s": covered_s})


def _runs(frame: pd.DataFrame, pods: NamedPods, last_s: "pd.Series[float]") -> "pd.Series[int]":
    """Return the run of each series: by the uid in its control group's name, else by name."""
    told = frame.reindex(columns=["id", "pod_uid"], fill_value="").fillna("")
    uid = told["id"].str.extract(_UID)[0].fillna(told["pod_uid"]).str.replace("_", "-").str.lower()
    by_uid = pd.Index(pods.runs["uid"].str.lower()).get_indexer(pd.Index(uid))
    rows = np.arange(len(frame), dtype=np.int64)
    at_ms = np.rint(last_s.to_numpy(dtype=np.float64) * 1000).astype(np.int64)
    by_name = pods.places(frame, rows, at_ms)
    return pd.Series(np.where(by_uid >= 0, by_uid, by_name), index=frame.index, dtype="int64")


def _last_seen(unnamed: pd.DataFrame) -> "pd.Series[float]":
    if unnamed.empty:
        return pd.Series(dtype="float64")
    labels = unnamed.drop(columns=["first_s", "last_s"])
    return unnamed["last_s"].groupby(_keys(labels)).max()


def _keys(labels: pd.DataFrame) -> "pd.Series[str]":
    """Return one text for each series: all of its labels."""
    names = sorted(set(labels.columns) - _NOT_A_LABEL)
    parts = [name + "=" + labels[name].fillna("") for name in names]
    if not parts:
        return pd.Series("", index=labels.index)
    # An empty label is none: two answers may differ in which columns they have.
    shown = [part.where(~part.str.endswith("="), "") for part in parts]
    keys = shown[0]
    for part in shown[1:]:
        keys = keys + "\x1f" + part
    return keys.str.replace("\x1f+", "\x1f", regex=True)


def _by_key(frame: pd.DataFrame) -> "pd.Series[float]":
    if frame.empty:
        return pd.Series(dtype="float64")
    return frame["value"].groupby(_keys(frame)).max()


def _rises(samples: Samples) -> pd.DataFrame:
    """Return by series its first value and how much it rose since, also where it began anew."""
    if len(samples) == 0:
        return pd.DataFrame(columns=["first", "rise"], dtype="float64")
    frame = _in_order(samples)
    by_key = frame.groupby("key")["value"]
    rise = by_key.diff()
    rise = rise.where(~(rise < 0), frame["value"]).fillna(0.0)
    return pd.DataFrame({"first": by_key.first(), "rise": rise.groupby(frame["key"]).sum()})


def _in_order(samples: Samples) -> pd.DataFrame:
    keys = _keys(samples.labels).to_numpy()[samples.series]
    frame = pd.DataFrame({"key": keys, "time_ms": samples.time_ms, "value": samples.value})
    return frame.sort_values(["key", "time_ms"], kind="stable")
