"""Counters of containers as the stretches in which they ran on, each with its first and last value.

Sites drop labels that they do not need, `id` most of all: what is left of them tells series apart.
"""

import numpy as np
import pandas as pd

from auditor.domain.series import Samples, UseFacts
from auditor.normalize.prometheus.names import NamedPods, workload_label

_UID_DIGITS = r"[0-9a-fA-F]{8}(?:[-_][0-9a-fA-F]{4}){3}[-_][0-9a-fA-F]{12}"
_UID = rf"pod({_UID_DIGITS})"
# A control group below the pod's own.
_BELOW_POD = rf"pod{_UID_DIGITS}(?:\.slice)?/."
_NOT_A_LABEL = frozenset({"value", "__name__", "first_s", "last_s"})
_MS_PER_S = 1000.0


def stretches(use: UseFacts) -> pd.DataFrame:
    """Return the stretches of every CPU counter: rows of `use.cpu` with what is known of them.

    `key` names the series; `first`, `last` are values, `first_s`, `last_s` their times (NaN where
    nobody looked); `before`, `before_s` the last sample before the span, of a counter that runs on
    from there. `is_anew`: the same counter ran before and began again at 0.
    """
    told = use.cpu.drop(columns="value").assign(key=series_keys(use.cpu), last=use.cpu["value"])
    told["first"] = _by_key(use.cpu_first, "value").reindex(told["key"]).to_numpy()
    for name in ("first_s", "last_s"):
        told[name] = _by_key(use.extents, name).reindex(told["key"]).to_numpy()
    told = _cut(told, use.reset)
    before = _by_key(use.cpu_before, "value").reindex(told["key"]).to_numpy()
    before_s = _by_key(use.before_s, "value").reindex(told["key"]).to_numpy()
    is_first = (told["piece"] == 0).to_numpy()
    goes_on = is_first & (told["first"].to_numpy() >= before)
    return told.assign(
        before=np.where(goes_on, before, np.nan),
        before_s=np.where(goes_on, before_s, np.nan),
        is_anew=~is_first | (~np.isnan(before) & ~goes_on),
    ).reset_index(drop=True)


def are_containers(labels: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the series of containers: `container=""` is the pod's own sum and `POD` its sandbox.

    Where a job names no container at all, those below the pod count, by their control group, name
    or image; a pod that has none of them is told by its sum.
    """
    container = workload_label(labels, "container")
    names = labels.reindex(columns=["id", "name", "image", "job"], fill_value="").fillna("")
    is_named = (container != "").groupby(names["job"].to_numpy()).transform("any")
    is_below = names["id"].str.contains(_BELOW_POD)
    is_below |= (names["id"] == "") & ((names["name"] != "") | (names["image"] != ""))
    pod = workload_label(labels, "namespace") + "/" + workload_label(labels, "pod")
    pod = names["id"].str.extract(_UID)[0].fillna(pod)
    has_below = is_below.groupby(pod.to_numpy()).transform("any")
    return (is_named & ~container.isin(["", "POD"])) | (~is_named & (is_below | ~has_below))


def counter_of(labels: pd.DataFrame) -> "pd.Series[str]":
    """Return what tells a container's counter from that of its next start, where anything does."""
    names = labels.reindex(columns=["id", "name", "image"], fill_value="").fillna("")
    return names["id"].mask(
        names["id"] == "", names["name"].mask(names["name"] == "", names["image"])
    )


def runs_of(frame: pd.DataFrame, pods: NamedPods, last_s: "pd.Series[float]") -> "pd.Series[int]":
    """Return the run of each series: by the uid in its control group's name, else by name."""
    told = frame.reindex(columns=["id", "pod_uid"], fill_value="").fillna("")
    uid = told["id"].str.extract(_UID)[0].fillna(told["pod_uid"]).str.replace("_", "-").str.lower()
    by_uid = pd.Index(pods.runs["uid"].str.lower()).get_indexer(pd.Index(uid))
    rows = np.arange(len(frame), dtype=np.int64)
    at_ms = np.rint(last_s.to_numpy(dtype=np.float64) * _MS_PER_S).astype(np.int64)
    by_name = pods.places(frame, rows, at_ms)
    return pd.Series(np.where(by_uid >= 0, by_uid, by_name), index=frame.index, dtype="int64")


def series_keys(labels: pd.DataFrame) -> "pd.Series[str]":
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
    return keys.str.replace("\x1f+", "\x1f", regex=True).str.strip("\x1f")


def _by_key(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    if frame.empty:
        return pd.Series(dtype="float64")
    return frame[name].groupby(series_keys(frame)).max()


def _cut(told: pd.DataFrame, samples: Samples) -> pd.DataFrame:
    """Cut the counters that began anew into the pieces between; `piece` counts them from 0."""
    if len(samples) == 0:
        return told.assign(piece=0)
    rows = pd.DataFrame(
        {
            "key": series_keys(samples.labels).to_numpy()[samples.series],
            "time_s": samples.time_ms / _MS_PER_S,
            "value": samples.value,
        }
    )
    rows = rows.drop_duplicates(["key", "time_s"]).sort_values(["key", "time_s"], kind="stable")
    by_key = rows.groupby("key")["value"]
    rows["piece"] = (by_key.diff() < 0).groupby(rows["key"]).cumsum().astype("int64")
    pieces = rows.groupby(["key", "piece"], as_index=False).agg(
        first=("value", "first"), last=("value", "last"),
        first_s=("time_s", "first"), last_s=("time_s", "last"),
    )  # fmt: skip
    whole = told[~told["key"].isin(pieces["key"])].assign(piece=0)
    cut = told.drop(columns=["first", "last", "first_s", "last_s"]).merge(pieces, on="key")
    return cut if whole.empty else pd.concat([whole, cut], ignore_index=True)
