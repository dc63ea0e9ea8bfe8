"""When a pod began and ended and what became of it, as kube-state-metrics tells it."""

import numpy as np
import pandas as pd

from auditor.domain.job import QualityFlag
from auditor.domain.series import PodFacts

PHASE = "kube_pod_status_phase"
# Of two that tell differently the one that has seen more of the pod's life is right.
_PHASES = ("Failed", "Succeeded", "Running", "Pending", "Unknown")
_STATE_OF_REASON = {
    "Evicted": "EVICTED",
    "NodeLost": "NODE_FAIL",
    "NodeShutdown": "NODE_FAIL",
    "Shutdown": "NODE_FAIL",
    "Terminated": "NODE_FAIL",
    "Preempting": "PREEMPTED",
    "DeadlineExceeded": "TIMEOUT",
}
# The kubelet sent it back on arrival: it never ran.
_REFUSALS = ("UnexpectedAdmissionError", "NodeAffinity")
_STATE_OF_TERMINATION = {"OOMKilled": "OUT_OF_MEMORY", "DeadlineExceeded": "TIMEOUT"}
_USUAL_INTERVAL_S = 60.0
# A scrape may be late; one that is missing altogether is not.
_LATE_RATIO = 1.5


def times_of(
    facts: PodFacts, base: pd.DataFrame, known: pd.DataFrame, begin_s: float
) -> pd.DataFrame:
    """Return state, created_utc, start_utc, end_utc, seen_utc, is_open and quality_flags.

    The times that the API server has recorded go first, then what `known` says, then the pod's
    first and last sample: half a scrape interval before and after, flagged as inferred. A pod
    whose samples stop while others' of the same exporter go on is gone; one that is there to the
    last scrape is open. Of two inferred starts the earlier one is nearer to the truth.

    Parameters
    ----------
    base
        By uid: node.
    known
        uid, start_utc, end_utc of pods that other sources told of; is_start_inferred, if nobody
        recorded that start.
    """
    interval_s = facts.interval_s or _USUAL_INTERVAL_S
    seen = facts.extents.groupby("uid").agg({"first_s": "min", "last_s": "max"}).reindex(base.index)
    book = _known_times(known, base.index)
    phase = _phase(facts.last.get(PHASE, pd.DataFrame()), base.index)
    reason = _reason(facts, "kube_pod_status_reason", base.index)
    is_done = phase.isin(["Failed", "Succeeded"])
    last_look_s = _last_looks(facts, base.index)
    is_gone = ~is_done & (seen["last_s"] < last_look_s - _LATE_RATIO * interval_s)

    was_there = seen["first_s"] <= begin_s + _LATE_RATIO * interval_s
    first_s = seen["first_s"].where(was_there, seen["first_s"] - interval_s / 2)
    start_s, start_inferred = _starts(facts, base, first_s, book)
    is_waiting = (phase == "Pending") & base["node"].isna()
    start_s, start_inferred = start_s.mask(is_waiting), start_inferred & ~is_waiting

    end_s, end_inferred = _ends(facts, base.index, book["end_s"], interval_s)
    is_refused = is_done & reason.isin(_REFUSALS)
    end_s, end_inferred = end_s.mask(is_refused, start_s), end_inferred & ~is_refused
    end_s = end_s.where(~is_gone, seen["last_s"] + interval_s / 2)
    end_inferred |= is_gone
    is_open = ~is_done & ~is_gone
    flags = start_inferred * int(QualityFlag.START_INFERRED)
    flags = flags | (end_inferred & ~is_open) * int(QualityFlag.END_INFERRED)
    flags = flags | (phase == "Unknown") * int(QualityFlag.STATE_UNKNOWN)
    return pd.DataFrame(
        {
            "state": _states(facts, phase, reason, start_s, is_gone),
            "created_utc": _instants(_told(facts, "kube_pod_created", base.index)),
            "start_utc": _instants(start_s),
            "end_utc": _instants(end_s.mask(is_open)),
            "seen_utc": _instants(seen["last_s"].where(~is_gone, end_s)),
            "is_open": is_open,
            "quality_flags": flags.astype("int64"),
        }
    )


def _last_looks(facts: PodFacts, uids: pd.Index) -> "pd.Series[float]":
    """Return when whoever told of each pod was heard last [s]: one of several may be silent."""
    latest_s = facts.scrapes["time_s"].max() if len(facts.scrapes) else np.inf
    if "instance" not in facts.extents:
        return pd.Series(latest_s, index=uids)
    told = facts.extents.sort_values("last_s", kind="stable")
    heard_s = told["instance"].map(told.groupby("instance")["last_s"].max())
    of_pod = told.assign(heard_s=heard_s).drop_duplicates("uid", keep="last")
    return of_pod.set_index("uid")["heard_s"].reindex(uids).clip(upper=latest_s)


def _starts(
    facts: PodFacts, base: pd.DataFrame, first_s: "pd.Series[float]", book: pd.DataFrame
) -> tuple["pd.Series[float]", "pd.Series[bool]"]:
    """Return when pods were bound: as recorded, else as known, else when first seen (inferred)."""
    bound_s = _told(facts, "kube_pod_status_scheduled_time", base.index)
    accepted_s = _told(facts, "kube_pod_start_time", base.index)
    told_s = pd.concat([bound_s, accepted_s], axis="columns").min(axis="columns")
    told_s = told_s.fillna(book["start_s"].mask(book["is_start_inferred"]))
    seen_s = pd.concat([first_s, book["start_s"]], axis="columns").min(axis="columns")
    return told_s.fillna(seen_s), told_s.isna() & seen_s.notna()


def _ends(
    facts: PodFacts, uids: pd.Index, book_s: "pd.Series[float]", interval_s: float
) -> tuple["pd.Series[float]", "pd.Series[bool]"]:
    """Return when finished pods ended: as recorded, else as known, else when first seen so."""
    told_s = _told(facts, "kube_pod_completion_time", uids).fillna(book_s)
    first = facts.ended.groupby("uid")["first_s"].min() if len(facts.ended) else None
    seen_s = pd.Series(np.nan, index=uids) if first is None else first.reindex(uids)
    return told_s.fillna(seen_s - interval_s / 2), told_s.isna()


def _states(
    facts: PodFacts,
    phase: "pd.Series[str]",
    reason: "pd.Series[str]",
    start_s: "pd.Series[float]",
    is_gone: "pd.Series[bool]",
) -> "pd.Series[str]":
    ended_by = reason.map(_STATE_OF_REASON)
    for metric in ("terminated_reason", "last_terminated_reason"):
        told = _reason(facts, f"kube_pod_container_status_{metric}", phase.index)
        ended_by = ended_by.fillna(told.map(_STATE_OF_TERMINATION))
    never = start_s.isna()
    state = pd.Series("RUNNING", index=phase.index, dtype="str")
    state = state.mask(phase == "Pending", "CONFIGURING").mask(never, "PENDING")
    state = state.mask(is_gone, "DELETED").mask(is_gone & never, "CANCELLED")
    state = state.mask(phase == "Succeeded", "COMPLETED")
    return state.mask(phase == "Failed", ended_by.fillna("FAILED"))


def _phase(frame: pd.DataFrame, uids: pd.Index) -> "pd.Series[str]":
    """Return the phase whose series is 1: a pod has five, and four of them are 0."""
    if "uid" not in frame:
        return pd.Series("Running", index=uids, dtype="str")
    now = frame[frame["value"] == 1]
    order = now["phase"].map({name: place for place, name in enumerate(_PHASES)})
    now = now.assign(order=order.fillna(len(_PHASES))).sort_values("order", kind="stable")
    found = now.drop_duplicates("uid").set_index("uid")["phase"]
    return found.reindex(uids).fillna("Running").astype("str")


def _reason(facts: PodFacts, metric: str, uids: pd.Index) -> "pd.Series[str]":
    """Return a reason of each pod, '' without; the one that says most where there are several."""
    frame = facts.last.get(metric, pd.DataFrame())
    if "uid" not in frame or "reason" not in frame:
        return pd.Series("", index=uids, dtype="str")
    now = frame[frame["value"] == 1]
    telling = now["reason"].isin([*_STATE_OF_TERMINATION, *_STATE_OF_REASON, *_REFUSALS])
    now = now.assign(telling=telling).sort_values("telling", ascending=False, kind="stable")
    return now.drop_duplicates("uid").set_index("uid")["reason"].reindex(uids).fillna("")


def _told(facts: PodFacts, metric: str, uids: pd.Index) -> "pd.Series[float]":
    """Return the instant that a metric's value is, by uid [s since 1970]; 0 is none."""
    frame = facts.last.get(metric, pd.DataFrame())
    if "uid" not in frame:
        return pd.Series(np.nan, index=uids, dtype="float64")
    return frame[frame["value"] > 0].groupby("uid")["value"].max().reindex(uids)


def _known_times(known: pd.DataFrame, uids: pd.Index) -> pd.DataFrame:
    told = known.drop_duplicates("uid").set_index("uid").reindex(uids)
    is_inferred = told.reindex(columns=["is_start_inferred"])["is_start_inferred"]
    return pd.DataFrame(
        {
            "start_s": seconds(told["start_utc"]),
            "end_s": seconds(told["end_utc"]),
            "is_start_inferred": is_inferred.eq(other=True),
        },
        index=uids,
    )


def seconds(instants: "pd.Series[pd.Timestamp]") -> "pd.Series[float]":
    """Return seconds since 1970, NaN for NaT."""
    elapsed = pd.to_datetime(instants, utc=True) - pd.Timestamp(0, tz="UTC")
    return elapsed.dt.total_seconds()


def _instants(since_s: "pd.Series[float]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(since_s * 1e6, unit="us", utc=True).astype("datetime64[us, UTC]")
