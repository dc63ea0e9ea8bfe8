"""From allocations of OpenCost to jobs: one run for each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import JOBS, names
from auditor.domain.job import PLATFORM, QualityFlag
from auditor.normalize.columns import Encoded, constant_category
from auditor.normalize.interface import ExportContext
from auditor.normalize.kubernetes.people import (
    is_platform_kind,
    is_platform_namespace,
    name_or_none,
    who,
)
from auditor.normalize.opencost.records import Allocation, with_keys
from auditor.normalize.rank import rank_views
from auditor.normalize.table.jobs import instants_of
from auditor.normalize.table.resources import lacks_type, types_of

_FULL_LOAD_SLACK = 1.02
_WHOLE_DAY = int(QualityFlag.START_INFERRED) | int(QualityFlag.END_INFERRED)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Named:
    """An allocation with the id of its run, the cluster it is of, and what its name is made of."""

    allocation: Allocation
    raw_id: str
    cluster: str
    shape: tuple[str, ...]


@dataclass(frozen=True)
class _Whose:
    """Whose a run is; `is_platform`: the platform's own, and nobody's."""

    user: str | None
    account: str | None
    is_platform: bool


def assemble_allocations(
    named: Sequence[Named], context: ExportContext, *, is_daily: bool
) -> pd.DataFrame:
    """Make runs of allocations: the columns of JOBS.

    Parameters
    ----------
    named
        One run each.
    context
        Whose they are, by the rules for pods.
    is_daily
        Nothing said when in the day they ran: they are counted from midnight to midnight.
    """
    raw = pd.DataFrame([one.allocation for one in named], columns=list(Allocation._fields))
    whose = [_whose(one, context) for one in named]
    elapsed_s = np.rint(raw["minutes"].to_numpy(float) * 60)
    columns = {
        **_names(named, raw, context),
        **_people(whose),
        **_times(raw, elapsed_s),
        **_amounts(raw, elapsed_s),
    }
    flags = _flags(named, whose, columns)
    flags |= _WHOLE_DAY if is_daily else 0
    jobs = pd.DataFrame({**columns, "quality_flags": flags})
    jobs["rank"] = rank_views(jobs)
    return jobs[names(JOBS)]


def _whose(one: Named, context: ExportContext) -> _Whose:
    allocation = one.allocation
    rules = context.pod_rules_of.get(one.cluster, context.default_pod_rules)
    own = is_platform_kind(allocation.controller_kind) or (
        bool(allocation.namespace)
        and is_platform_namespace(allocation.namespace, rules.platform_namespaces)
    )
    if own:
        return _Whose(PLATFORM, PLATFORM, is_platform=True)
    project = _found(rules.project, allocation) or name_or_none(allocation.namespace)
    return _Whose(_found(rules.user, allocation), project, is_platform=False)


def _found(sources: tuple[str, ...], allocation: Allocation) -> str | None:
    return who(
        sources,
        allocation.namespace,
        with_keys(allocation.labels, sources),
        with_keys(allocation.annotations, sources),
    )


def _people(whose: Sequence[_Whose]) -> dict[str, object]:
    return {
        "user": _category([one.user for one in whose]),
        "account": _category([one.account for one in whose]),
    }


def _names(named: Sequence[Named], raw: pd.DataFrame, context: ExportContext) -> dict[str, object]:
    n_rows = len(named)
    raw_ids = pd.Series([one.raw_id for one in named], dtype="str")
    parents = [_parent(one.allocation) for one in named]
    titles = [_title(one) for one in named]
    job_names = [
        one.allocation.controller or title for one, title in zip(named, titles, strict=True)
    ]
    return {
        "cluster": _category([one.cluster for one in named]),
        "raw_job_id": raw_ids,
        "n_restarts": np.zeros(n_rows, dtype=np.int64),
        "scheduler": constant_category("other", n_rows),
        "job_id": pd.Series(titles, dtype="str"),
        "parent_job_id": pd.Series(parents, dtype="str"),
        "partition": _category([one.allocation.namespace or None for one in named]),
        "qos": constant_category(None, n_rows),
        "wckey": constant_category(None, n_rows),
        "state": constant_category(None, n_rows),
        "job_name": pd.Series(job_names, dtype="str"),
        "node_list": _category([one.allocation.node or None for one in named]),
        "source": constant_category(context.source, n_rows),
        "line": raw["line"].to_numpy(np.int64),
    }


def _title(one: Named) -> str:
    """Return what people call it: namespace/pod/container as far as its name says."""
    kinds = [kind for kind in ("namespace", "pod", "container") if kind in one.shape]
    if "pod" not in kinds:
        return one.allocation.name
    return "/".join(getattr(one.allocation, kind) or "-" for kind in kinds)


def _parent(allocation: Allocation) -> str | None:
    if not allocation.controller:
        return None
    parts = (allocation.namespace, allocation.controller_kind, allocation.controller)
    return "/".join(part for part in parts if part)


def _times(raw: pd.DataFrame, elapsed_s: Numbers) -> dict[str, object]:
    start_s = raw["start_s"].to_numpy(float)
    n_rows = len(raw)
    return {
        "submit_utc": instants_of(raw["window_start_s"].to_numpy(float)),
        "eligible_utc": instants_of(np.full(n_rows, np.nan)),
        "start_utc": instants_of(start_s),
        "end_utc": instants_of(start_s + elapsed_s),
        "elapsed_s": elapsed_s.astype(np.int64),
        "reported_elapsed_s": elapsed_s.astype(np.int64),
        "suspended_s": np.zeros(n_rows, dtype=np.int64),
        "time_limit_s": np.full(n_rows, np.nan),
        "is_open": np.zeros(n_rows, dtype=bool),
    }


def _amounts(raw: pd.DataFrame, elapsed_s: Numbers) -> dict[str, object]:
    def column(name: str) -> Numbers:
        values: Numbers = raw[name].to_numpy(float)
        return values

    # Seconds are whole, minutes are not: resource time is kept.
    stretch = np.divide(
        column("minutes") * 60, elapsed_s, out=np.ones(len(raw)), where=elapsed_s > 0
    )
    n_gpu = column("gpu_allocated") * stretch
    memory_bytes = np.fmax(column("ram_requested"), column("ram_allocated")) * stretch
    used_s = column("cpu_used") * column("minutes") * 60
    nothing = np.full(len(raw), np.nan)
    encoded = _encoded(raw["gpu_model"].tolist())
    return {
        "n_cpus": np.fmax(column("cpu_requested"), column("cpu_allocated")) * stretch,
        "n_nodes": np.where(raw["node"] == "", np.nan, 1.0),
        "n_gpu": n_gpu,
        "gpu_types": types_of(n_gpu, encoded),
        "memory_bytes": memory_bytes,
        "requested_memory_decimal_gb": memory_bytes / 1e9,
        "total_cpu_s": np.where(used_s > 0, used_s, np.nan),
        "max_rss_bytes": column("ram_peak"),
        "gpu_utilisation_ratio": nothing,
        "consumed_energy_j": nothing,
        "gpu_energy_j": nothing,
        "gpu_metered_ratio": nothing,
        "gpu_observed_ratio": nothing,
    }


def _flags(
    named: Sequence[Named], whose: Sequence[_Whose], columns: dict[str, object]
) -> NDArray[np.int64]:
    frame = pd.DataFrame(
        {name: columns[name] for name in ("n_cpus", "memory_bytes", "total_cpu_s")}
    )
    n_cpus, elapsed_s = frame["n_cpus"].to_numpy(), np.asarray(columns["elapsed_s"])
    is_pod = np.array(["pod" in one.shape for one in named], dtype=bool)
    asked = [(one.allocation.cpu_requested, one.allocation.ram_requested) for one in named]
    asks_nothing = (np.array(asked, dtype=float).reshape(-1, 2) == 0).any(axis=1)
    marks = (
        (~is_pod, QualityFlag.AGGREGATE),
        (is_pod & asks_nothing, QualityFlag.NO_REQUEST),
        (np.array([one.is_platform for one in whose], dtype=bool), QualityFlag.PLATFORM),
        (np.isnan(n_cpus), QualityFlag.RESOURCES_UNKNOWN),
        (np.isnan(frame["memory_bytes"].to_numpy()), QualityFlag.MEMORY_UNUSABLE),
        (
            frame["total_cpu_s"].to_numpy() > n_cpus * elapsed_s * _FULL_LOAD_SLACK,
            QualityFlag.CPU_TIME_ABOVE_ALLOCATION,
        ),
    )
    flags: NDArray[np.int64] = lacks_type(columns["gpu_types"])  # type: ignore[arg-type]  # above
    for rows, flag in marks:
        flags = flags | np.where(rows, int(flag), 0)
    return flags


def _encoded(texts: list[str]) -> Encoded:
    codes, distinct = pd.factorize(np.array(texts, dtype=object))
    return Encoded(codes.astype(np.int32), distinct.tolist())


def _category(texts: Sequence[str | None]) -> pd.Categorical:
    word: Callable[[str], str | None] = lambda text: text or None  # noqa: E731
    return _encoded([text or "" for text in texts]).categories(word)
