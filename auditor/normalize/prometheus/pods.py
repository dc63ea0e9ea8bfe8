"""Pods as kube-state-metrics told of them, as rows of PODS."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from auditor.domain.frames import CATEGORY, check, names
from auditor.domain.series import PodFacts
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.people import name_or_none, who
from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.prometheus.names import sanitised, workload_label
from auditor.normalize.prometheus.owners import owners_of
from auditor.normalize.prometheus.requests import requests_of
from auditor.normalize.prometheus.times import times_of

INFO, LABELS, ANNOTATIONS = "kube_pod_info", "kube_pod_labels", "kube_pod_annotations"
RESTARTS = "kube_pod_container_status_restarts_total"
QUEUE_LABELS = (
    "kueue.x-k8s.io/queue-name", "volcano.sh/queue-name", "scheduling.volcano.sh/queue-name",
    "yunikorn.apache.org/queue",
)  # fmt: skip


def pods_of(facts: PodFacts, known: pd.DataFrame, rules: PodRules, begin_s: float) -> pd.DataFrame:
    """Return the pods that kube-state-metrics told of, with the columns of PODS.

    Parameters
    ----------
    facts
        What it said of a span.
    known
        Pods that other sources told of: uid, start_utc, end_utc. Their times stand where the
        series give none of their own.
    begin_s
        When the span begins: a pod that was there already has begun before.
    """
    base = _base(facts.last.get(INFO, pd.DataFrame()))
    if base.empty:
        return empty_pods()
    times = times_of(facts, base, known, begin_s)
    node = base["node"].fillna("")
    frame = base.join(times).join(owners_of(facts.last, base)).join(requests_of(facts.last, node))
    frame = frame.join(_people(facts.last, base, rules))
    restarts = _restarts(facts.last.get(RESTARTS, pd.DataFrame()))
    frame["n_restarts"] = restarts.reindex(frame.index).fillna(0).astype("int64")
    frame["time_limit_s"] = np.nan
    frame = frame.reset_index()
    frame["line"] = np.arange(1, len(frame) + 1)
    return check(_typed(frame), PODS)


def empty_pods() -> pd.DataFrame:
    """Return a frame of no pods."""
    return _typed(pd.DataFrame(columns=names(PODS)))


def unseen_labels(facts: PodFacts, rules: PodRules) -> tuple[str, ...]:
    """Return the rules that no label or annotation of any pod can answer."""
    told = {*_columns(facts, LABELS), *_columns(facts, ANNOTATIONS)}
    wanted = [one for one in (*rules.user, *rules.project) if one.startswith(("label:", "annot"))]
    spelt = {one: next(iter(_spelt((one,)).values())) for one in wanted}
    return tuple(dict.fromkeys(one for one in wanted if spelt[one] not in told))


def _columns(facts: PodFacts, metric: str) -> list[str]:
    return list(facts.last.get(metric, pd.DataFrame()).columns)


def _base(info: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each uid: a pod has several series where it was bound meanwhile."""
    if "uid" not in info:
        return pd.DataFrame()
    frame = pd.DataFrame(
        {
            "uid": info["uid"],
            "namespace": workload_label(info, "namespace"),
            "name": workload_label(info, "pod"),
            "node": workload_label(info, "node"),
            "priority_class": info.get("priority_class", ""),
            "created_by_kind": info.get("created_by_kind", ""),
            "created_by_name": info.get("created_by_name", ""),
        }
    )
    frame = frame[(frame["uid"] != "") & (frame["namespace"] != "") & (frame["name"] != "")]
    frame = frame.replace({"": None, "<none>": None})
    return frame.groupby("uid", sort=False).last()


def _people(last: Mapping[str, pd.DataFrame], base: pd.DataFrame, rules: PodRules) -> pd.DataFrame:
    queues = tuple(f"label:{key}" for key in QUEUE_LABELS)
    spelt = _spelt((*rules.user, *rules.project, *queues))
    told = pd.DataFrame(index=base.index)
    for metric in (LABELS, ANNOTATIONS):
        frame = last.get(metric, pd.DataFrame())
        wanted = [name for name in frame.columns if name in set(spelt.values())]
        if wanted and "uid" in frame:
            told = told.join(frame.drop_duplicates("uid").set_index("uid")[wanted])
    cells = told.fillna("").to_dict("records")
    found = [
        _who(rules, str(namespace), {one: row.get(word, "") for one, word in spelt.items()})
        for namespace, row in zip(base["namespace"], cells, strict=True)
    ]
    return pd.DataFrame(found, columns=["user", "project", "queue"], index=base.index)


def _who(
    rules: PodRules, namespace: str, told: Mapping[str, str]
) -> tuple[str | None, str | None, str | None]:
    labels = {one.removeprefix("label:"): text for one, text in told.items() if text}
    notes = {one.removeprefix("annotation:"): text for one, text in told.items() if text}
    queue = (name_or_none(labels.get(key)) for key in QUEUE_LABELS)
    return (
        who(rules.user, namespace, labels, notes),
        who(rules.project, namespace, labels, notes),
        next((name for name in queue if name), None),
    )


def _spelt(sources: tuple[str, ...]) -> dict[str, str]:
    """Return for each `label:KEY` and `annotation:KEY` the label that says it."""
    spelt = {}
    for source in sources:
        kind, _, key = source.partition(":")
        if kind in {"label", "annotation"}:
            spelt[source] = sanitised([key], kind)[key]
    return spelt


def _restarts(frame: pd.DataFrame) -> "pd.Series[float]":
    if "uid" not in frame:
        return pd.Series(dtype="float64")
    told = frame.assign(container=workload_label(frame, "container"))
    each = told.groupby(["uid", "container"])["value"].max()
    return each.groupby(level="uid").sum()


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each column its dtype; text columns hold None where nothing is told."""
    typed: dict[str, pd.Series] = {}
    for column in PODS:
        cells = frame[column.name]
        if column.dtype == CATEGORY:
            cells = cells.astype("str")
        typed[column.name] = cells.astype(column.dtype)  # type: ignore[call-overload]
    return pd.DataFrame(typed, columns=names(PODS))
