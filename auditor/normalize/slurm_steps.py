"""What the steps of a run used: `.batch`, `.0` and so on repeat its allocation and add usage."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.normalize.columns import Cells
from auditor.normalize.durations import parse_durations
from auditor.normalize.identity import RowKinds, id_texts, joined, stem_of
from auditor.normalize.sizes import parse_sizes
from auditor.normalize.slurm_values import parse_energy_j
from auditor.normalize.tres import parse_tres

Numbers = NDArray[np.float64]
NO_RUN = -1
_PERCENT = 100.0


@dataclass(frozen=True)
class StepUsage:
    """Usage of each run as its steps tell it, (n_runs,) each; NaN where no step tells."""

    total_cpu_s: Numbers
    max_rss_bytes: Numbers
    gpu_utilisation_ratio: Numbers
    consumed_energy_j: Numbers
    n_orphans: int


def no_steps(n_runs: int) -> StepUsage:
    """Return the usage of runs without steps."""
    nothing = np.full(n_runs, np.nan)
    return StepUsage(nothing, nothing, nothing, nothing, 0)


def gather_steps(cells: Cells, kinds: RowKinds) -> StepUsage:
    """Add up what the steps used, run by run.

    Parameters
    ----------
    cells
        All rows of the raw frame.
    kinds
        Which of them are runs and which are steps.
    """
    n_runs = int(kinds.is_run.sum())
    if not kinds.is_step.any():
        return no_steps(n_runs)
    run_of_step = match_steps(cells, kinds)
    found = run_of_step != NO_RUN
    steps = cells.rows(kinds.is_step).rows(found)
    run = run_of_step[found]
    is_extern = pc.ends_with(id_texts(steps), ".extern").to_numpy(zero_copy_only=False)
    return StepUsage(
        total_cpu_s=_summed(cpu_time(steps), run, n_runs),
        max_rss_bytes=_largest(resident_memory(steps), run, n_runs),
        gpu_utilisation_ratio=_utilisation(steps, np.where(is_extern, NO_RUN, run), n_runs),
        consumed_energy_j=_largest(consumed_energy(steps), run, n_runs),
        n_orphans=int((~found).sum()),
    )


def match_steps(cells: Cells, kinds: RowKinds) -> NDArray[np.int64]:
    """Return for each step the number of its run among the runs, `NO_RUN` for an orphan.

    A step belongs to the run of its job id with its DBIndex; where that is not known, to the
    closest run of its job id above it.
    """
    ids = id_texts(cells)
    above = np.cumsum(kinds.is_run) - 1
    candidate = above[kinds.is_step]
    run_ids = ids.filter(pa.array(kinds.is_run))
    step_ids = stem_of(ids.filter(pa.array(kinds.is_step)))
    run_index, step_index = _database_index(cells, kinds)
    if len(run_ids) == 0:
        return np.full(len(candidate), NO_RUN)
    place = pa.array(np.maximum(candidate, 0))
    same = pc.equal(run_ids.take(place), step_ids)
    if run_index is not None:
        same_index = pc.equal(run_index.take(place), step_index)
        same = pc.and_(same, pc.or_(same_index, pc.equal(step_index, "")))
    fits = same.to_numpy(zero_copy_only=False) & (candidate >= 0)
    run_of_step = np.where(fits, candidate, NO_RUN)
    lost = np.flatnonzero(~fits)
    if len(lost):
        runs = _keys(run_ids, run_index)
        steps = _keys(step_ids, step_index).iloc[lost]
        run_of_step[lost] = _search(runs, steps, candidate[lost])
    return run_of_step


def _database_index(cells: Cells, kinds: RowKinds) -> tuple[pa.Array | None, pa.Array | None]:
    index = cells.text("DBIndex")
    if index is None:
        return None, None
    index = joined(index)
    return index.filter(pa.array(kinds.is_run)), index.filter(pa.array(kinds.is_step))


def _keys(ids: pa.Array, index: pa.Array | None) -> pd.DataFrame:
    index = pa.array([""] * len(ids)) if index is None else index
    return pd.DataFrame({"id": ids.to_pandas(), "index": index.to_pandas()})


def _search(
    runs: pd.DataFrame, steps: pd.DataFrame, candidate: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find runs of steps that do not stand directly below them."""
    runs = runs.assign(run=np.arange(len(runs)))
    steps = steps.assign(candidate=candidate, step=np.arange(len(steps)))
    exact = steps.merge(runs[runs["index"] != ""], on=["id", "index"]).groupby("step")["run"].max()
    unnamed = steps[steps["index"] == ""].sort_values("candidate", kind="stable")
    nearest = pd.merge_asof(
        unnamed, runs[["id", "run"]], left_on="candidate", right_on="run", by="id"
    ).set_index("step")["run"]
    found = np.full(len(steps), NO_RUN, dtype=np.int64)
    found[exact.index] = exact
    nearest = nearest.dropna()
    found[nearest.index] = nearest
    return found


def cpu_time(cells: Cells) -> Numbers:
    """Return TotalCPU, else UserCPU + SystemCPU of which one may be missing; NaN without both."""
    total_s = _durations(cells, "TotalCPU")
    user_s, system_s = _durations(cells, "UserCPU"), _durations(cells, "SystemCPU")
    both = np.isnan(user_s) & np.isnan(system_s)
    parts_s = np.where(both, np.nan, np.nan_to_num(user_s) + np.nan_to_num(system_s))
    return np.where(np.isnan(total_s), parts_s, total_s)


def _durations(cells: Cells, name: str) -> Numbers:
    column = cells.text(name)
    if column is None:
        return np.full(cells.n_rows, np.nan)
    return parse_durations(column).seconds


def resident_memory(cells: Cells) -> Numbers:
    """Return the peak memory of each row: all tasks together where known [bytes].

    The total over the tasks as TRESUsageInTot has it, else MaxRSS (of the largest task) times the
    number of tasks, else MaxRSS.
    """
    total_bytes = _amounts(cells, "TRESUsageInTot", "mem")
    largest_bytes = sizes(cells, "MaxRSS")
    together_bytes = largest_bytes
    if not np.isnan(largest_bytes).all():
        together_bytes = largest_bytes * np.fmax(sizes(cells, "NTasks"), 1.0)
    resident_bytes = np.where(total_bytes > 0, total_bytes, together_bytes)
    return np.where(resident_bytes > 0, resident_bytes, np.nan)


def consumed_energy(cells: Cells) -> Numbers:
    """Return ConsumedEnergyRaw of each row where it can be a measurement [J]."""
    encoded = cells.encoded("ConsumedEnergyRaw")
    if encoded is None:
        return np.full(cells.n_rows, np.nan)
    return encoded.numbers(parse_energy_j)


def sizes(cells: Cells, name: str) -> Numbers:
    """Return a column of sizes or counts; NaN where a cell is missing or none [bytes]."""
    column = cells.text(name)
    return np.full(cells.n_rows, np.nan) if column is None else parse_sizes(column)


def _amounts(cells: Cells, column: str, resource: str) -> Numbers:
    """Return the amount of one resource in a column of TRES texts."""
    texts = cells.text(column)
    if texts is None or not pc.any(pc.match_substring(texts, resource)).as_py():
        return np.full(cells.n_rows, np.nan)
    found = pc.struct_field(
        pc.extract_regex(texts, f"(?:^|,){resource}=(?P<amount>[^,]*)"), "amount"
    )
    return sizes(Cells(pa.table({"amount": found})), "amount")


def _utilisation(steps: Cells, run: NDArray[np.int64], n_runs: int) -> Numbers:
    """Average gres/gpuutil over the steps of each run, weighted by their elapsed time [0..1].

    A batch step lasts as long as the steps it starts: where they used the accelerators and it
    says 0, it saw nothing of them and is left out.
    """
    ratio = gpu_utilisation(steps)
    elapsed_s = elapsed(steps)
    weight_s = np.where(np.isnan(elapsed_s), 1.0, elapsed_s)
    counted = (run != NO_RUN) & ~np.isnan(ratio) & (weight_s > 0)
    is_batch = pc.ends_with(id_texts(steps), ".batch").to_numpy(zero_copy_only=False)
    used = np.bincount(run[counted & ~is_batch & (ratio > 0)], minlength=n_runs) > 0
    counted &= ~(is_batch & (ratio == 0) & used[run])
    run, ratio, weight_s = run[counted], ratio[counted], weight_s[counted]
    total_s = np.bincount(run, weight_s, n_runs)
    used_s = np.bincount(run, weight_s * ratio, n_runs)
    mean = np.full(n_runs, np.nan)
    np.divide(used_s, total_s, out=mean, where=total_s > 0)
    return mean


def gpu_utilisation(cells: Cells) -> Numbers:
    """Return the mean utilisation of the accelerators of each row, at most 1; NaN if untold.

    TRESUsageInAve has percent for one task. Above 100 it has added up the accelerators of that
    task, and is shared among those of the row; TRESUsageInTot, used where Ave is silent, always
    is. [0..1]
    """
    mean_percent = _amounts(cells, "TRESUsageInAve", "gres/gpuutil")
    total_percent = _amounts(cells, "TRESUsageInTot", "gres/gpuutil")
    if np.isnan(mean_percent).all() and np.isnan(total_percent).all():
        return mean_percent
    n_gpu = _accelerators(cells)
    mean_percent = np.where(mean_percent > _PERCENT, mean_percent / n_gpu, mean_percent)
    percent = np.where(np.isnan(mean_percent), total_percent / n_gpu, mean_percent)
    return np.minimum(percent / _PERCENT, 1.0)


def _accelerators(cells: Cells) -> Numbers:
    encoded = cells.encoded("AllocTRES")
    if encoded is None:
        return np.ones(cells.n_rows)
    return np.fmax(encoded.numbers(_n_gpu), 1.0)


def _n_gpu(text: str) -> float:
    try:
        return parse_tres(text).n_gpu
    except ValueError:
        return np.nan


def elapsed(cells: Cells) -> Numbers:
    """Return ElapsedRaw, else Elapsed; NaN where neither can be read [s]."""
    raw_s = _durations(cells, "ElapsedRaw")
    return np.where(np.isnan(raw_s), _durations(cells, "Elapsed"), raw_s)


def _summed(values: Numbers, run: NDArray[np.int64], n_runs: int) -> Numbers:
    known = ~np.isnan(values)
    n_known = np.bincount(run[known], minlength=n_runs)
    total = np.bincount(run[known], values[known], n_runs)
    return np.where(n_known > 0, total, np.nan)


def _largest(values: Numbers, run: NDArray[np.int64], n_runs: int) -> Numbers:
    largest = np.full(n_runs, np.nan)
    np.fmax.at(largest, run, values)
    return largest
