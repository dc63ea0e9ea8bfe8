"""Meters of pods in one slot, as rows of METERS."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.domain.frames import METERS, check, names
from auditor.domain.job import QualityFlag
from auditor.domain.series import PodFacts
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.times import seconds

_MS_PER_S = 1000.0
_SUMS = (
    "gpu_energy_j", "gpu_metered_s", "gpu_busy_s", "gpu_observed_s", "cpu_s", "cpu_metered_s",
)  # fmt: skip


_BEGINS = ("kube_pod_status_scheduled_time", "kube_pod_start_time")
_ENDS = ("kube_pod_completion_time",)


@dataclass(frozen=True)
class Measured:
    """Sums by `run`: energy_j and covered_s, busy_s and observed_s, cpu_s and cpu_metered_s."""

    energy: pd.DataFrame
    use: pd.DataFrame
    cpu: pd.DataFrame
    memory: "pd.Series[float]"


def named_pods(pods: pd.DataFrame, known: pd.DataFrame, facts: PodFacts) -> NamedPods:
    """Return the runs that names of series can mean.

    Parameters
    ----------
    pods
        Columns of PODS: what the series themselves say, which goes first.
    known
        uid, namespace, name, start_utc, end_utc (NaT: open) of pods that other sources told of,
        and n_gpu, where the book has it: meters are put beside it.
    facts
        Which of the times are recorded, and not inferred.
    """
    booked_n_gpu = known.reindex(columns=["n_gpu"])["n_gpu"].astype("float64")
    n_booked = booked_n_gpu.groupby(known["uid"].to_numpy()).max().reindex(pods["uid"]).to_numpy()
    is_inferred = (pods["quality_flags"].to_numpy() & int(QualityFlag.END_INFERRED)) != 0
    begin_s = seconds(pods["start_utc"]).fillna(seconds(pods["created_utc"]))
    told = pd.DataFrame(
        {
            "uid": pods["uid"],
            "namespace": pods["namespace"].astype("str"),
            "name": pods["name"],
            "begin_ms": begin_s * _MS_PER_S,
            "end_ms": seconds(pods["end_utc"]) * _MS_PER_S,
            "is_begin_told": pods["uid"].isin(_told_of(facts, *_BEGINS)),
            "is_end_told": pods["uid"].isin(_told_of(facts, *_ENDS)) & ~is_inferred,
            "n_gpu": np.where((pods["n_gpu"] > 0) & (n_booked > 0), n_booked, pods["n_gpu"]),
            "is_daemon": (pods["controller_kind"] == "DaemonSet") & (pods["n_gpu"] == 0),
        }
    )
    others = known[~known["uid"].isin(told["uid"])]
    booked = pd.DataFrame(
        {
            "uid": others["uid"].astype("str"),
            "namespace": others["namespace"].astype("str"),
            "name": others["name"].astype("str"),
            "begin_ms": seconds(others["start_utc"]) * _MS_PER_S,
            "end_ms": seconds(others["end_utc"]) * _MS_PER_S,
            "is_begin_told": False,
            "is_end_told": False,
            "n_gpu": booked_n_gpu.reindex(others.index),
            "is_daemon": False,
        }
    )
    return NamedPods(booked if told.empty else pd.concat([told, booked], ignore_index=True))


def meters_of(measured: Measured, pods: NamedPods, slot_utc: pd.Timestamp) -> pd.DataFrame:
    """Return the columns of METERS, one row for each pod that something was measured of."""
    tables = [
        measured.energy.rename(
            columns={"energy_j": "gpu_energy_j", "covered_s": "gpu_metered_s"}
        ).set_index("run"),
        measured.use.rename(
            columns={"busy_s": "gpu_busy_s", "observed_s": "gpu_observed_s"}
        ).set_index("run"),
        measured.cpu.set_index("run"),
        measured.memory.rename("max_memory_bytes").to_frame(),
    ]
    runs = sorted(set().union(*(table.index for table in tables)))
    rows = pd.concat([table.reindex(runs) for table in tables], axis="columns")
    rows = rows.astype("float64")
    rows[list(_SUMS)] = rows[list(_SUMS)].fillna(0.0)
    uid = pods.runs["uid"].iloc[runs].to_numpy()
    rows = rows.reset_index(drop=True).assign(uid=pd.Series(uid, dtype="str"))
    rows["slot_utc"] = pd.Series(slot_utc, index=rows.index, dtype="datetime64[us, UTC]")
    return check(rows[names(METERS)], METERS)


def _told_of(facts: PodFacts, *metrics: str) -> set[str]:
    frames = [facts.last[metric] for metric in metrics if metric in facts.last]
    return {uid for frame in frames if "uid" in frame for uid in frame["uid"]}
