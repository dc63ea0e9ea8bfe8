"""From a frame of pods, wherever they were told of, to jobs: one run for each pod."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import JOBS, check, names
from auditor.domain.job import PLATFORM, QualityFlag
from auditor.domain.reject import Reject
from auditor.normalize.columns import constant_category
from auditor.normalize.interface import Assembled, ExportContext
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.people import is_platform_kind, is_platform_namespace
from auditor.normalize.kubernetes.times import PodTimes, flagged, place_pods
from auditor.normalize.rank import rank_views
from auditor.normalize.run_times import Fault

SCHEDULER = "kubernetes"
_UID = r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}"
_BYTES_PER_GIB = 2.0**30
_SHOWN_CHARACTERS = 200


def assemble_pods(pods: pd.DataFrame, context: ExportContext, cluster: str) -> Assembled:
    """Make jobs of a frame of pods.

    Parameters
    ----------
    pods
        The columns of `PODS`, one row for each pod and view of it.
    context
        What is known beside them; its rules say which pods are the platform's own.
    cluster
        Whose pods they are.

    Returns
    -------
    Jobs and rejects; together they are all rows of `pods`.
    """
    pods = check(pods, PODS).reset_index(drop=True)
    times = place_pods(pods)
    faults = [
        Fault(~_matches(pods["uid"], _UID), "its uid cannot be one"),
        Fault((pods["name"].isna() | pods["namespace"].isna()).to_numpy(), "it has no name"),
        *times.faults,
    ]
    rules = context.pod_rules_of.get(cluster, context.default_pod_rules)
    is_platform = _platform(pods, rules.platform_namespaces)
    jobs = _frame(pods, times, is_platform, cluster)
    jobs["source"] = constant_category(context.source, len(pods))
    jobs["rank"] = rank_views(jobs)
    jobs = jobs[names(JOBS)]
    is_bad = np.logical_or.reduce([fault.rows for fault in faults])
    if is_bad.any():
        jobs = jobs[~is_bad].reset_index(drop=True)
    is_named = ~faults[0].rows
    refused = pods["uid"].where(is_named)[is_bad].astype("object")
    refused_ids = frozenset(uid if isinstance(uid, str) else None for uid in refused)
    rejects = _rejects(pods, faults, context.source)
    return Assembled(check(jobs, JOBS), rejects, 0, refused_ids=refused_ids)


def _matches(cells: pd.Series, pattern: str) -> NDArray[np.bool_]:
    return np.asarray(cells.str.fullmatch(pattern).fillna(value=False), dtype=np.bool_)


def _marks(cells: pd.Series, test: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Test each category once; False where it is missing."""
    answers = np.array([*map(test, cells.cat.categories), False], dtype=np.bool_)
    return answers[cells.cat.codes.to_numpy()]


def _platform(pods: pd.DataFrame, globs: tuple[str, ...]) -> NDArray[np.bool_]:
    by_kind = _marks(pods["controller_kind"], is_platform_kind)
    return by_kind | _marks(pods["namespace"], lambda name: is_platform_namespace(name, globs))


def _frame(
    pods: pd.DataFrame, times: PodTimes, is_platform: NDArray[np.bool_], cluster: str
) -> pd.DataFrame:
    n_rows = len(pods)
    namespace, name = pods["namespace"].astype("str"), pods["name"]
    nothing = np.full(n_rows, np.nan)
    # A node owns its static pods, but is no work that somebody submitted.
    is_owned = pods["owner_name"].notna() & (pods["owner_kind"].astype("str") != "Node")
    owner_name = pods["owner_name"].where(is_owned)
    owner = namespace + "/" + pods["owner_kind"].astype("str") + "/" + owner_name
    columns: dict[str, object] = {
        "cluster": constant_category(cluster, n_rows),
        "raw_job_id": pods["uid"],
        "submit_utc": times.submit_utc,
        "n_restarts": np.zeros(n_rows, dtype=np.int64),
        "scheduler": constant_category(SCHEDULER, n_rows),
        "job_id": namespace + "/" + name,
        "parent_job_id": owner,
        "user": _people(pods["user"].astype("str"), is_platform),
        "account": _people(_either(pods["project"], namespace), is_platform),
        "partition": _category(_either(pods["queue"], namespace)),
        "qos": pods["priority_class"],
        "wckey": constant_category(None, n_rows),
        "state": pods["state"],
        "job_name": owner_name.where(is_owned, name),
        "node_list": pods["node"],
        "eligible_utc": pd.Series(pd.NaT, index=pods.index, dtype="datetime64[us, UTC]"),
        "start_utc": times.start_utc,
        "end_utc": times.end_utc,
        "elapsed_s": times.elapsed_s,
        "reported_elapsed_s": times.reported_elapsed_s,
        "suspended_s": np.zeros(n_rows, dtype=np.int64),
        "time_limit_s": pods["time_limit_s"],
        "n_cpus": pods["n_cpus"],
        "n_nodes": np.where(times.started, 1.0, 0.0),
        "n_gpu": pods["n_gpu"],
        "gpu_types": pods["gpu_types"],
        "memory_bytes": pods["memory_bytes"],
        "requested_memory_decimal_gb": pods["memory_bytes"] / _BYTES_PER_GIB,
        "total_cpu_s": nothing,
        "max_rss_bytes": nothing,
        "gpu_utilisation_ratio": nothing,
        "consumed_energy_j": nothing,
        "gpu_energy_j": nothing,
        "gpu_metered_ratio": nothing,
        "gpu_observed_ratio": nothing,
        "is_open": pods["is_open"],
        "quality_flags": pods["quality_flags"].to_numpy() | times.flags | _flags(pods, is_platform),
        "line": pods["line"],
    }
    return pd.DataFrame(columns)


def _flags(pods: pd.DataFrame, is_platform: NDArray[np.bool_]) -> NDArray[np.int64]:
    no_request = ((pods["n_cpus"] == 0) | (pods["memory_bytes"] == 0)).to_numpy()
    untyped = _marks(pods["gpu_types"], lambda types: types.startswith("=") or ",=" in types)
    flags = flagged(no_request, QualityFlag.NO_REQUEST)
    flags |= flagged(untyped, QualityFlag.GPU_TYPE_UNKNOWN)
    return flags | flagged(is_platform, QualityFlag.PLATFORM)


def _either(cells: pd.Series, others: pd.Series) -> pd.Series:
    words = cells.astype("str")
    return words.where(words.notna(), others)


def _people(words: pd.Series, is_platform: NDArray[np.bool_]) -> pd.Categorical:
    return _category(words.mask(is_platform, PLATFORM))


def _category(words: pd.Series) -> pd.Categorical:
    codes, distinct = pd.factorize(words)
    dtype = pd.CategoricalDtype(pd.Index(distinct, dtype="str"))
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _rejects(pods: pd.DataFrame, faults: list[Fault], source: str) -> list[Reject]:
    """Name the first fault of every bad row."""
    reason_of = np.full(len(pods), -1)
    for number, fault in reversed(list(enumerate(faults))):
        reason_of[fault.rows] = number
    bad = pods[reason_of >= 0]
    what = ("namespace", "name", "uid", "state")
    cells = [bad[column].astype("str").fillna("?") for column in what]
    pod_names = cells[0] + "/" + cells[1]
    shown = (pod_names + " " + cells[2] + " " + cells[3]).str[:_SHOWN_CHARACTERS]
    reasons = [faults[number].reason for number in reason_of[reason_of >= 0]]
    told = zip(bad["line"].tolist(), reasons, shown.tolist(), pod_names.tolist(), strict=True)
    rejects = [
        Reject(source, line, reason, text, name, "object") for line, reason, text, name in told
    ]
    return sorted(rejects, key=lambda reject: reject.line)
