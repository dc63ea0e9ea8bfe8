"""From a raw frame, as sacct spells it, to jobs: one row for each run."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.domain.frames import JOBS, names
from auditor.domain.job import QualityFlag
from auditor.domain.reject import Reject
from auditor.normalize.clusters import Clusters, name_clusters
from auditor.normalize.columns import Cells, constant_category, pandas_text
from auditor.normalize.identity import id_texts, joined, parents_of, tell_rows
from auditor.normalize.interface import Assembled, ExportContext, SourceNote
from auditor.normalize.rank import rank_views
from auditor.normalize.reserved import unreserved
from auditor.normalize.run_times import Fault, Reported, RunTimes, place_runs
from auditor.normalize.slurm_resources import Resources, read_resources, read_tres
from auditor.normalize.slurm_steps import (
    StepUsage,
    consumed_energy,
    cpu_time,
    gather_steps,
    gpu_utilisation,
    resident_memory,
    sizes,
)
from auditor.normalize.slurm_times import read_reported
from auditor.normalize.slurm_values import node_list_or_none, parse_state, word_or_none

_FULL_LOAD_SLACK = 1.02
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class _Usage:
    """What the runs used, (n,) each; NaN is not known."""

    total_cpu_s: NDArray[np.float64]
    max_rss_bytes: NDArray[np.float64]
    gpu_utilisation_ratio: NDArray[np.float64]
    consumed_energy_j: NDArray[np.float64]


@dataclass(frozen=True)
class _Parts:
    """Everything that is known of the runs of one raw frame."""

    cells: Cells
    clusters: Clusters
    reported: Reported
    times: RunTimes
    resources: Resources
    usage: _Usage
    flags: NDArray[np.int64]


def assemble_jobs(raw: pd.DataFrame, context: ExportContext) -> Assembled:
    """Make jobs of a raw frame.

    Parameters
    ----------
    raw
        Columns named as `sacct -e` spells them, Arrow strings holding the cells as sacct prints
        them, and `line`, the 1-based line or record of each row. Steps stand below their run.
    context
        What is known about the export.

    Returns
    -------
    Jobs, rejects and the number of steps; together they are all rows of `raw`.

    Raises
    ------
    UsageError
        One cluster was stated, and the rows name several.
    """
    cells = Cells.of(raw)
    kinds = tell_rows(cells)
    stray = Fault(~(kinds.is_run | kinds.is_step), "its id is no job id")
    strays = _rejects(cells, context, [stray])
    runs = cells.rows(kinds.is_run)
    steps = gather_steps(cells, kinds)
    parts, faults = _read_parts(runs, steps, context)
    is_bad = np.zeros(runs.n_rows, dtype=bool)
    for fault in faults:
        is_bad |= fault.rows
    rejects = _rejects(runs, context, faults) if is_bad.any() else []
    jobs = _frame(parts, context)
    jobs["rank"] = rank_views(jobs)
    jobs = jobs[names(JOBS)]
    if is_bad.any():
        jobs = jobs[~is_bad].reset_index(drop=True)
    notes = (*parts.clusters.notes, *_notes(cells, steps))
    rejects = sorted([*strays, *rejects], key=lambda reject: reject.line)
    return Assembled(jobs, rejects, int(kinds.is_step.sum()), notes)


def _notes(cells: Cells, steps: StepUsage) -> list[SourceNote]:
    notes = []
    if "Start" not in cells.names:
        text = "The export has no Start column: every run is taken to begin when it was submitted."
        notes.append(SourceNote("start_from_submit", text, "Export Start and End as well."))
    if "AllocTRES" not in cells.names:
        text = "The export has no AllocTRES column: accelerators and memory are not known."
        notes.append(SourceNote("no_alloc_tres", text, "Export AllocTRES as well."))
    if steps.n_orphans:
        text = (
            f"{steps.n_orphans} steps belong to no job of the export: their usage is not counted."
        )
        notes.append(SourceNote("orphan_steps", text, "Export whole jobs with their steps."))
    return notes


def _read_parts(
    runs: Cells, steps: StepUsage, context: ExportContext
) -> tuple[_Parts, list[Fault]]:
    clusters = name_clusters(runs, context)
    reported, time_faults = read_reported(runs, clusters.zones)
    times = place_runs(reported)
    tres = read_tres(runs)
    resources = read_resources(runs, tres, ~np.isnan(times.start_s), times.reported_elapsed_s)
    usage = _usage(runs, steps, times.reported_elapsed_s)
    flags = times.flags | resources.flags | _cpu_flag(usage, resources, times)
    flags |= np.where(reported.state.known, 0, int(QualityFlag.STATE_UNKNOWN))
    if context.forgeable:
        flags |= int(QualityFlag.FORGEABLE)
    bad_tres = Fault(tres.unreadable, "AllocTRES cannot be read")
    parts = _Parts(runs, clusters, reported, times, resources, usage, flags)
    return parts, [clusters.fault, *time_faults, *times.faults, bad_tres]


def _usage(runs: Cells, steps: StepUsage, elapsed_s: NDArray[np.float64]) -> _Usage:
    """Take what the allocation rows say, and what their steps say where those are silent.

    `sacct -X`, and sacct of a running job, print a CPU time of exactly zero because they do not
    know it; whatever ran for a second used some milliseconds.
    """
    own_cpu_s = cpu_time(runs)
    total_cpu_s = np.where(own_cpu_s > 0, own_cpu_s, _either(steps.total_cpu_s, own_cpu_s))
    return _Usage(
        total_cpu_s=np.where((total_cpu_s == 0) & (elapsed_s > 0), np.nan, total_cpu_s),
        max_rss_bytes=_either(resident_memory(runs), steps.max_rss_bytes),
        gpu_utilisation_ratio=_either(steps.gpu_utilisation_ratio, gpu_utilisation(runs)),
        consumed_energy_j=_either(consumed_energy(runs), steps.consumed_energy_j),
    )


def _either(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(first), second, first)


def _cpu_flag(usage: _Usage, resources: Resources, times: RunTimes) -> NDArray[np.int64]:
    available_s = resources.n_cpus * times.reported_elapsed_s
    above = (usage.total_cpu_s > available_s * _FULL_LOAD_SLACK) & (available_s > 0)
    return np.where(above, int(QualityFlag.CPU_TIME_ABOVE_ALLOCATION), 0)


def _frame(parts: _Parts, context: ExportContext) -> pd.DataFrame:
    cells, times, resources = parts.cells, parts.times, parts.resources
    n_rows = cells.n_rows
    ids = id_texts(cells)
    job_ids = cells.text("JobID") if "JobID" in cells.names else ids
    columns: dict[str, object] = {
        "cluster": parts.clusters.names,
        "raw_job_id": pandas_text(ids, n_rows),
        "submit_utc": _instants(times.submit_s),
        "n_restarts": np.nan_to_num(sizes(cells, "Restarts")).astype(np.int64),
        "scheduler": constant_category("slurm", n_rows),
        "job_id": pandas_text(job_ids, n_rows),
        "parent_job_id": pandas_text(parents_of(joined(job_ids)), n_rows),
        "user": cells.category("User", unreserved),
        "account": cells.category("Account", unreserved),
        "partition": cells.category("Partition", word_or_none),
        "qos": cells.category("QOS", word_or_none),
        "wckey": cells.category("WCKey", word_or_none),
        "state": cells.category("State", parse_state),
        "job_name": pandas_text(cells.text("JobName"), n_rows),
        "node_list": cells.category("NodeList", node_list_or_none),
        "eligible_utc": _instants(times.eligible_s),
        "start_utc": _instants(times.start_s),
        "end_utc": _instants(times.end_s),
        "elapsed_s": _whole(times.elapsed_s),
        "reported_elapsed_s": _whole(times.reported_elapsed_s),
        "suspended_s": _whole(times.suspended_s),
        "time_limit_s": parts.reported.time_limit_s,
        "n_cpus": resources.n_cpus,
        "n_nodes": resources.n_nodes,
        "n_gpu": resources.n_gpu,
        "gpu_types": resources.gpu_types,
        "memory_bytes": resources.memory_bytes,
        "requested_memory_decimal_gb": resources.requested_memory_decimal_gb,
        **vars(parts.usage),
        "gpu_energy_j": np.full(n_rows, np.nan),
        "gpu_metered_ratio": np.full(n_rows, np.nan),
        "gpu_observed_ratio": np.full(n_rows, np.nan),
        "is_open": times.is_open,
        "quality_flags": parts.flags,
        "source": constant_category(context.source, n_rows),
        "line": cells.column("line").to_numpy(),
    }
    return pd.DataFrame(columns, copy=False)


def _whole(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.nan_to_num(seconds).astype(np.int64)


def _instants(seconds: NDArray[np.float64]) -> pd.Series:
    missing = np.isnan(seconds)
    microseconds = (np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    moments = microseconds.view("datetime64[us]")
    moments[missing] = np.datetime64("NaT")
    return pd.Series(moments).dt.tz_localize("UTC")


def _rejects(cells: Cells, context: ExportContext, faults: list[Fault]) -> list[Reject]:
    """Name the first fault of every bad row."""
    reason_of = np.full(cells.n_rows, -1)
    for number, fault in reversed(list(enumerate(faults))):
        reason_of[fault.rows] = number
    bad = np.flatnonzero(reason_of >= 0)
    if len(bad) == 0:
        return []
    rows = cells.whole_rows(bad)
    cells_of_row = [rows.column(name) for name in rows.column_names if name != "line"]
    texts = pc.binary_join_element_wise(*cells_of_row, "|", null_handling="replace")
    shown = pc.utf8_slice_codeunits(texts, 0, _SHOWN_CHARACTERS).to_pylist()
    lines = rows.column("line").to_pylist()
    return [
        Reject(context.source, line, faults[number].reason, text)
        for line, number, text in zip(lines, reason_of[bad], shown, strict=True)
    ]
