"""Whose a series is: the workload's names in its labels, and the uid that a name had when."""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from auditor.domain.series import Whole

_UNSAFE = re.compile(r"[^a-zA-Z0-9_]")
# Rows of no run: nobody is named; a pod is named that nobody knows.
NOBODY, UNKNOWN = -1, -2


def workload_label(labels: pd.DataFrame, name: str) -> "pd.Series[str]":
    """Return a label of the workload itself, not of the exporter that told of it; '' for none.

    Where the target has labels of the same names, Prometheus calls the workload's `exported_...`
    (`honor_labels: false`). A scrape job that has one such series has them all so: where the
    exported label is missing there, the series has no workload, and the plain one is the
    exporter's.
    """
    columns = labels.reindex(columns=[name, f"exported_{name}", "job"], fill_value="").fillna("")
    exported = columns[f"exported_{name}"]
    is_exported = (exported != "").groupby(columns["job"].to_numpy()).transform("any")
    return exported.where(is_exported, columns[name])


def sanitised(keys: Iterable[str], kind: str) -> dict[str, str]:
    """Return the label in which kube-state-metrics writes each key of labels or annotations."""
    return {key: f"{kind}_{_UNSAFE.sub('_', key)}" for key in keys}


class NamedPods:
    """Which uid a name had at which time: names come back (StatefulSets), uids do not."""

    def __init__(self, runs: pd.DataFrame) -> None:
        """Take runs of pods: uid, namespace, name, begin_ms, end_ms (NaN: open).

        What else is known of them (`present`, `attribute`) goes along.
        """
        runs = runs.dropna(subset=["uid", "namespace", "name"]).drop_duplicates("uid")
        runs = runs.assign(begin_ms=runs["begin_ms"].fillna(0))
        self.runs = runs.sort_values("begin_ms", kind="stable").reset_index(drop=True)
        names = self.runs["namespace"].astype("str") + "/" + self.runs["name"].astype("str")
        self._names = pd.Index(names.unique(), dtype="str")
        self._name_of_run = self._names.get_indexer(pd.Index(names, dtype="str"))

    def places(self, labels: pd.DataFrame, series: Whole, time_ms: Whole) -> Whole:
        """Return the row of `runs` for each sample, or NOBODY, or UNKNOWN.

        It is the pod that began last before the sample, or the first of its name for a sample
        before them all: clocks of nodes differ.
        """
        namespace = workload_label(labels, "namespace")
        pod = workload_label(labels, "pod")
        names = pd.Index(namespace + "/" + pod, dtype="str")
        name_of_series = np.where(pod == "", UNKNOWN, self._names.get_indexer(names))
        name = name_of_series[series] if len(labels) else np.empty(0, dtype=np.int64)
        rows = pd.DataFrame({"name": name, "time_ms": time_ms, "at": np.arange(len(name))})
        rows = rows[rows["name"] >= 0].sort_values("time_ms", kind="stable")
        found = np.where(name == UNKNOWN, NOBODY, UNKNOWN).astype(np.int64)
        if rows.empty:
            return found
        begun = pd.DataFrame(
            {
                "name": self._name_of_run,
                "time_ms": self.runs["begin_ms"].to_numpy().astype(np.int64),
                "run": np.arange(len(self.runs)),
            }
        )
        before = pd.merge_asof(rows, begun, on="time_ms", by="name")["run"].to_numpy()
        first = begun.drop_duplicates("name").set_index("name")["run"]
        earliest = rows["name"].map(first).to_numpy()
        found[rows["at"].to_numpy()] = np.where(np.isnan(before), earliest, before).astype(np.int64)
        return found
