"""What pods used of processors, memory and accelerators, from cAdvisor's and DCGM's series."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from auditor.domain.series import UseFacts
from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.counters import (
    are_containers,
    counter_of,
    runs_of,
    stretches,
)
from auditor.normalize.prometheus.gaps import Asked, Hole
from auditor.normalize.prometheus.names import NamedPods, workload_label
from auditor.normalize.prometheus.nodes import (
    SLACK_S,
    node_holes,
    node_of,
    unwatched_s,
    used_node_holes,
)

_SLACK_RATIO = 1e-6
_CONTAINER = ["run", "container", "counter"]


def cpu_seconds(use: UseFacts, pods: NamedPods, span_s: tuple[float, float]) -> pd.DataFrame:
    """Return `run`, `cpu_s` and `cpu_metered_s`, the seconds that samples cover.

    A counter's increase is its last value less that before the span; it covers the time since
    then, also where nobody looked in between. One that was not there before belongs to a new
    container and counts from 0, unless the pod is older than the span: then from its first sample.
    So does one that began anew while its node was not scraped: how long it has run, and what ran
    before, nobody knows. That time is not covered, nor is the time after the last sample.
    """
    if use.cpu.empty:
        return pd.DataFrame(columns=["run", "cpu_s", "cpu_metered_s"], dtype="float64")
    told = stretches(use)
    told["run"] = runs_of(told, pods, told["last_s"].fillna(span_s[1]))
    told["container"] = workload_label(told, "container")
    told = told[(told["run"] >= 0) & are_containers(told)].reset_index(drop=True)
    cpu = told.reindex(columns=["cpu"], fill_value="")["cpu"].fillna("")
    told = told.assign(node=node_of(told), counter=counter_of(told), cpu=cpu)
    holes = node_holes(use, span_s)
    told = _counted(told, pods.runs, holes, span_s)
    by_run = told.groupby("run").agg(from_s=("start_s", "min"), to_s=("last_s", "max"))
    covered_s = by_run["to_s"] - by_run["from_s"] - unwatched_s(told, holes)
    cpu_s = _sums(told).reindex(by_run.index)
    return pd.DataFrame(
        {
            "run": by_run.index.to_numpy(),
            "cpu_s": cpu_s.to_numpy(),
            "cpu_metered_s": covered_s.clip(lower=0.0).to_numpy(),
        }
    )


def unwatched_nodes(
    use: UseFacts, pods: NamedPods, uids: Collection[str], asked: Asked
) -> list[Hole]:
    """Return when nodes that had pods told nothing of them, though other nodes did of theirs.

    `uids` are the pods that kube-state-metrics tells of: one that only the book has open may have
    gone since, and its node with it.
    """
    if use.cpu.empty or use.interval_s is None:
        return []
    told = stretches(use)
    told["run"] = runs_of(told, pods, told["last_s"].fillna(asked.end_s))
    told["node"] = node_of(told)
    on = told[told["run"] >= 0].groupby(["run", "node"], as_index=False)["last_s"].max()
    runs = pods.runs.iloc[on["run"]].reset_index(drop=True)
    end_s = runs["end_ms"] / 1000.0
    is_told = end_s.notna() | runs["uid"].isin(uids)
    on = on.assign(begin_s=runs["begin_ms"] / 1000.0, end_s=end_s.where(is_told, on["last_s"]))
    return used_node_holes(use, on[["node", "begin_s", "end_s"]], asked)


def peak_memory(use: UseFacts, pods: NamedPods, end_s: float) -> "pd.Series[float]":
    """Return the highest working set of each pod, by run [bytes]."""
    if use.memory.empty:
        return pd.Series(dtype="float64")
    run = runs_of(use.memory, pods, pd.Series(end_s, index=use.memory.index))
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


def _counted(
    told: pd.DataFrame, runs: pd.DataFrame, holes: pd.DataFrame, span_s: tuple[float, float]
) -> pd.DataFrame:
    """Add what each stretch counted (`cpu_s`), and from when (`start_s`) to when (`last_s`)."""
    begin_s = runs["begin_ms"].to_numpy()[told["run"]] / 1000.0
    end_s = np.fmin(runs["end_ms"].to_numpy()[told["run"]] / 1000.0, span_s[1])
    is_young = begin_s >= span_s[0]
    begin_s = np.maximum(begin_s, span_s[0])
    told = told.assign(
        first_s=told["first_s"].fillna(pd.Series(begin_s, index=told.index)),
        last_s=told["last_s"].fillna(pd.Series(end_s, index=told.index)),
    )
    goes_on = told["before"].notna().to_numpy()
    since_s = told["first_s"].mask(goes_on, span_s[0])
    earliest_s = since_s.groupby([told[name] for name in ("run", "container", "cpu")])
    is_again = told["is_anew"] | (since_s > earliest_s.transform("min") + SLACK_S)
    is_unsure = is_again & _follows_hole(told, holes)
    is_whole = (is_young | told["is_anew"]) & ~is_unsure
    since = told["before"].where(goes_on, told["first"].mask(is_whole, 0.0))
    start_s = told["first_s"].mask(is_young & ~is_again, begin_s)
    start_s = start_s.mask(goes_on, told["before_s"].fillna(span_s[0]))
    last_s = told["last_s"].clip(upper=pd.Series(end_s, index=told.index))
    return told.assign(
        cpu_s=told["last"] - since,
        start_s=start_s.clip(upper=last_s),
        last_s=last_s,
    )


def _follows_hole(told: pd.DataFrame, holes: pd.DataFrame) -> "pd.Series[bool]":
    """Mark the stretches whose first sample ends a hole of their node."""
    rows = told[["node", "first_s"]].assign(row=np.arange(len(told)))
    both = rows.merge(holes, on="node")
    is_after = (both["first_s"] - both["end_s"]).abs() <= SLACK_S
    found = np.isin(rows["row"], both.loc[is_after, "row"])
    return pd.Series(found, index=told.index)


def _sums(told: pd.DataFrame) -> "pd.Series[float]":
    """Sum containers: one of two jobs that tell the same, `total` where single CPUs are told."""
    of_series = told.groupby([*_CONTAINER, "cpu", "key"])["cpu_s"].sum()
    each = of_series.groupby([*_CONTAINER, "cpu"]).max().reset_index()
    each["is_sum"] = each["cpu"].isin(["total", ""])
    has_sum = each.groupby(_CONTAINER)["is_sum"].transform("any")
    each = each[each["is_sum"] | ~has_sum]
    by_run: pd.Series[float] = each.groupby("run")["cpu_s"].sum()
    return by_run
