"""The largest runs of a report, one value each."""

from datetime import datetime

import numpy as np
import pandas as pd

from auditor.domain.frames import COMPONENTS
from auditor.report.model import JOB_NUMBERS, JobLine

_TEXT = (
    "cluster",
    "scheduler",
    "job_id",
    "parent_job_id",
    "job_name",
    "user",
    "account",
    "partition",
    "state",
    "gpu_model",
)


def job_lines(rows: pd.DataFrame, n_listed: int | None) -> tuple[JobLine, ...]:
    """Return the runs with the most carbon, largest first; all of them if `n_listed` is None."""
    chosen = rows.iloc[_largest(rows, n_listed)]
    texts = {name: _texts(chosen[name]) for name in _TEXT}
    numbers = {name: _numbers(chosen[name]) for name in JOB_NUMBERS}
    starts, ends = _instants(chosen["start_utc"]), _instants(chosen["end_utc"])
    are_open = chosen["is_open"].to_numpy(np.bool_).tolist()
    bases = {name: _texts(chosen[f"{name}_basis"]) for name in COMPONENTS}
    return tuple(
        JobLine(
            cluster=texts["cluster"][i] or "",
            scheduler=texts["scheduler"][i],
            job_id=texts["job_id"][i] or "",
            parent_job_id=texts["parent_job_id"][i],
            job_name=texts["job_name"][i],
            user=texts["user"][i],
            account=texts["account"][i],
            partition=texts["partition"][i],
            state=texts["state"][i],
            start_utc=starts[i],
            end_utc=ends[i],
            is_open=are_open[i],
            gpu=texts["gpu_model"][i],
            n_gpu=numbers["n_gpu"][i],
            n_cpus=numbers["n_cpus"][i],
            elapsed_s=numbers["elapsed_s"][i] or 0.0,
            core_s=numbers["core_s"][i],
            gpu_s=numbers["gpu_s"][i],
            energy_wh=numbers["energy_wh"][i] or 0.0,
            energy_low_wh=numbers["energy_low_wh"][i] or 0.0,
            energy_high_wh=numbers["energy_high_wh"][i] or 0.0,
            carbon_g=numbers["carbon_g"][i] or 0.0,
            carbon_low_g=numbers["carbon_low_g"][i] or 0.0,
            carbon_high_g=numbers["carbon_high_g"][i] or 0.0,
            basis_of={name: bases[name][i] for name in COMPONENTS},
        )
        for i in range(len(chosen))
    )


def _largest(rows: pd.DataFrame, n_listed: int | None) -> list[int]:
    """Return the positions of the runs to list, in order."""
    carbon_g = np.nan_to_num(rows["carbon_g"].to_numpy(np.float64))
    ids = rows["job_id"].to_numpy(object)
    # A cheap cut first, so that only the candidates are put in order by name as well.
    if n_listed is not None and len(rows) > n_listed:
        threshold_g = np.partition(carbon_g, -n_listed)[-n_listed]
        candidates = np.flatnonzero(carbon_g >= threshold_g)
    else:
        candidates = np.arange(len(rows))
    return sorted(candidates.tolist(), key=lambda i: (-carbon_g[i], str(ids[i])))[:n_listed]


def text_or_none(value: object) -> str | None:
    """Return the text, or None where there is none: None, NaN and '' alike."""
    return value if isinstance(value, str) and value else None


def _texts(column: "pd.Series[str]") -> list[str | None]:
    return [text_or_none(value) for value in column.to_numpy(object)]


def _numbers(column: "pd.Series[float]") -> list[float | None]:
    values = column.to_numpy(np.float64)
    return [float(value) if np.isfinite(value) else None for value in values]


def _instants(column: "pd.Series[pd.Timestamp]") -> list[datetime | None]:
    known = column.notna().tolist()
    return [
        value.to_pydatetime() if is_known else None
        for value, is_known in zip(column, known, strict=True)
    ]
