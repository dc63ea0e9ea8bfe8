"""From the cells of a table to jobs: one row for each run."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.domain.frames import JOBS, names
from auditor.domain.job import QualityFlag
from auditor.normalize.columns import Cells, Encoded, constant_category, pandas_text
from auditor.normalize.interface import Assembled, ExportContext, SourceNote
from auditor.normalize.rank import rank_views
from auditor.normalize.reserved import unreserved
from auditor.normalize.run_times import Fault, Reported, RunTimes, place_runs
from auditor.normalize.slurm_values import word_or_none
from auditor.normalize.table.cells import (
    is_nothing,
    mark_words,
    read_instants,
    read_numbers,
    rejects_of,
    state_words,
)
from auditor.normalize.table.column_map import TableMap
from auditor.normalize.table.resources import Held, read_held
from auditor.normalize.zones import Readings

_FULL_LOAD_SLACK = 1.02
_START_FROM_SUBMIT = SourceNote(
    code="start_from_submit",
    text="The table has no start: every run is taken to begin when it was submitted.",
    hint="Name its column of starts in [clusters.table].",
)


@dataclass(frozen=True)
class _Parts:
    """Everything that is known of the rows of a table."""

    cells: Cells
    times: RunTimes
    states: Encoded
    time_limit_s: NDArray[np.float64]
    held: Held
    usage: dict[str, NDArray[np.float64]]
    flags: NDArray[np.int64]


def assemble_table(raw: pd.DataFrame, table: TableMap, context: ExportContext) -> Assembled:
    """Make jobs of the cells of a table.

    Parameters
    ----------
    raw
        Arrow strings in a column for each of `TableMap.columns`, by its name there, and `line`.
    table
        What they mean.
    context
        Its `cluster` must be stated.

    Returns
    -------
    Jobs and rejects; together they are all rows of `raw`.
    """
    cells = Cells.of(raw)
    parts, faults = _read(cells, table, context)
    is_bad = np.zeros(cells.n_rows, dtype=bool)
    for fault in faults:
        is_bad |= fault.rows
    jobs = _frame(parts, context)
    jobs["rank"] = rank_views(jobs)
    jobs = jobs[names(JOBS)][~is_bad].reset_index(drop=True)
    notes = _notes(jobs, table)
    return Assembled(jobs, rejects_of(cells, context.source, faults), 0, notes)


def _read(cells: Cells, table: TableMap, context: ExportContext) -> tuple[_Parts, list[Fault]]:
    timezone = context.timezone_of.get(context.cluster or "", context.default_timezone)
    states = state_words(cells, table)
    nameless = Fault(Encoded.of(cells.column("job_id")).marks(is_nothing), "it has no job id")
    reported, faults = _reported(cells, table, timezone, states)
    times = place_runs(reported)
    held, held_faults = read_held(cells, table, ~np.isnan(times.start_s))
    usage, usage_faults = _usage(cells, table, times)
    flags = times.flags | held.flags | _flags(states, held, usage, times)
    parts = _Parts(cells, times, states, reported.time_limit_s, held, usage, flags)
    return parts, [nameless, *faults, *times.faults, *held_faults, *usage_faults]


def _reported(
    cells: Cells, table: TableMap, timezone: str, states: Encoded
) -> tuple[Reported, list[Fault]]:
    instants: dict[str, Readings | None] = {}
    faults: list[Fault] = []
    for name in ("submit", "start", "end"):
        instants[name], found = read_instants(cells, name, table, timezone)
        faults += found
    durations = {}
    for name in ("elapsed", "time_limit"):
        durations[name], found = read_numbers(cells, name, table)
        faults += found
    reported = Reported(
        submit=instants["submit"],
        eligible=None,
        start=instants["start"],
        end=instants["end"],
        elapsed_s=durations["elapsed"],
        suspended_s=None,
        time_limit_s=durations["time_limit"],
        has_nodes=None,
        state=mark_words(states),
    )
    return _ended(reported), [*faults, _backwards(reported)]


def _backwards(reported: Reported) -> Fault:
    start, end = reported.start or reported.nothing, reported.end or reported.nothing
    return Fault(end.second_s < start.first_s, "it ends before it starts")


def _ended(reported: Reported) -> Reported:
    """Give an end to ended runs that have none but an elapsed time, and to those never started."""
    if reported.end is None:
        return reported
    start, submit = reported.start or reported.nothing, reported.submit or reported.nothing
    ended = reported.state.known & ~reported.state.open & np.isnan(reported.end.first_s)
    never = np.isnan(start.first_s) & ~(reported.elapsed_s > 0)
    elapsed_s = np.rint(reported.elapsed_s)
    filled = [
        np.where(ended, np.where(never, asked_s, begun_s + elapsed_s), end_s)
        for asked_s, begun_s, end_s in (
            (submit.first_s, start.first_s, reported.end.first_s),
            (submit.second_s, start.second_s, reported.end.second_s),
        )
    ]
    return replace(reported, end=Readings(*filled))


def _usage(
    cells: Cells, table: TableMap, times: RunTimes
) -> tuple[dict[str, NDArray[np.float64]], list[Fault]]:
    cpu_s, cpu_faults = read_numbers(cells, "cpu_time", table)
    peak_bytes, peak_faults = read_numbers(cells, "max_memory", table)
    busy_ratio, busy_faults = read_numbers(cells, "gpu_utilisation", table)
    above = Fault(busy_ratio > 1, 'gpu_utilisation is above 1: percent needs unit = "%"')
    usage = {
        "total_cpu_s": np.where((cpu_s == 0) & (times.elapsed_s > 0), np.nan, cpu_s),
        "max_rss_bytes": peak_bytes,
        "gpu_utilisation_ratio": busy_ratio,
    }
    return usage, [*cpu_faults, *peak_faults, *busy_faults, above]


def _flags(
    states: Encoded, held: Held, usage: dict[str, NDArray[np.float64]], times: RunTimes
) -> NDArray[np.int64]:
    odd = states.marks(bool) & ~mark_words(states).known
    available_s = held.n_cpus * times.elapsed_s
    above = (usage["total_cpu_s"] > available_s * _FULL_LOAD_SLACK) & (available_s > 0)
    flags: NDArray[np.int64] = np.where(odd, int(QualityFlag.STATE_UNKNOWN), 0)
    return flags | np.where(above, int(QualityFlag.CPU_TIME_ABOVE_ALLOCATION), 0)


def _frame(parts: _Parts, context: ExportContext) -> pd.DataFrame:
    cells, times, held = parts.cells, parts.times, parts.held
    n_rows = cells.n_rows
    ids = pandas_text(pc.utf8_trim_whitespace(cells.column("job_id")), n_rows)
    columns: dict[str, object] = {
        "cluster": constant_category(context.cluster, n_rows),
        "raw_job_id": ids,
        "submit_utc": instants_of(times.submit_s),
        "n_restarts": _waited_s(times),
        "scheduler": constant_category("other", n_rows),
        "job_id": ids,
        "parent_job_id": pandas_text(None, n_rows),
        **{name: cells.category(name, _person) for name in ("user", "account")},
        **{name: cells.category(name, _word) for name in ("partition", "qos")},
        "wckey": constant_category(None, n_rows),
        "state": parts.states.categories(word_or_none),
        "job_name": pandas_text(cells.text("job_name"), n_rows),
        "node_list": held.node_list,
        "eligible_utc": instants_of(times.eligible_s),
        "start_utc": instants_of(times.start_s),
        "end_utc": instants_of(times.end_s),
        "elapsed_s": _whole(times.elapsed_s),
        "reported_elapsed_s": _whole(times.reported_elapsed_s),
        "suspended_s": _whole(times.suspended_s),
        "time_limit_s": parts.time_limit_s,
        "n_cpus": held.n_cpus,
        "n_nodes": held.n_nodes,
        "n_gpu": held.n_gpu,
        "gpu_types": held.gpu_types,
        "memory_bytes": held.memory_bytes,
        "requested_memory_decimal_gb": held.memory_bytes / 1e9,
        **parts.usage,
        "consumed_energy_j": np.full(n_rows, np.nan),
        "gpu_energy_j": np.full(n_rows, np.nan),
        "gpu_metered_ratio": np.full(n_rows, np.nan),
        "gpu_observed_ratio": np.full(n_rows, np.nan),
        "is_open": times.is_open,
        "quality_flags": parts.flags,
        "source": constant_category(context.source, n_rows),
        "line": cells.column("line").to_numpy(),
    }
    return pd.DataFrame(columns, copy=False)


def _word(text: str) -> str | None:
    return word_or_none(text.strip())


def _person(text: str) -> str | None:
    return unreserved(text.strip())


def _waited_s(times: RunTimes) -> NDArray[np.int64]:
    """Return the seconds from submit to start, which stand for the restart count in the key.

    Tables count no restarts, and runs of one job share their id and submit: their starts differ.
    """
    return _whole(np.floor(times.start_s - times.submit_s))


def _whole(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.nan_to_num(seconds).astype(np.int64)


def instants_of(seconds: NDArray[np.float64]) -> pd.Series:
    """Return seconds since 1970 as instants, NaN as NaT."""
    missing = np.isnan(seconds)
    microseconds = np.rint(np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    moments = microseconds.view("datetime64[us]")
    moments[missing] = np.datetime64("NaT")
    return pd.Series(moments).dt.tz_localize("UTC")


def _notes(jobs: pd.DataFrame, table: TableMap) -> tuple[SourceNote, ...]:
    notes = [] if "start" in table.columns else [_START_FROM_SUBMIT]
    ended = jobs[~jobs["is_open"]]
    key = ["raw_job_id", "submit_utc", "n_restarts"]
    different = ended[[*key, "rank"]].drop_duplicates()
    if n_differing := int(different.duplicated(key).sum()):
        text = (
            "Rows with the id and the times of another that say something else do not count:"
            f" {n_differing:,}."
        )
        hint = "If they are parts of one job, name a column as job_id that tells them apart."
        notes.append(SourceNote("rows_of_one_key", text, hint))
    return tuple(notes)
