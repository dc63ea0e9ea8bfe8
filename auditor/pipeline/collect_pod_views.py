"""One pod told of by several: what the book knows of it, and what is said of it now, as one run.

The Kubernetes API comes before an export that was loaded by hand, and that before a Prometheus:
who comes first says what the pod is (whose, what it asked for). When it ran is known better by an
end that somebody recorded than by one that was inferred, and better by a later sight of it than by
an earlier one, whoever had it. So the order in which sources tell changes nothing.
"""

from collections.abc import Collection
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import CATEGORY, INSTANT, JOBS, names
from auditor.domain.job import QualityFlag
from auditor.normalize.rank import rank_views
from auditor.pipeline.collect_pod_sights import (
    Mask,
    ends_better,
    goes_first,
    instants,
    seconds,
    starts_better,
)

# When it ran and how it ended, in the order of the frame; `n_nodes` is 1 from its start on.
_TIMES = (
    "state", "start_utc", "end_utc", "elapsed_s", "reported_elapsed_s", "is_open", "n_nodes",
)  # fmt: skip
_KEY = ("cluster", "raw_job_id", "submit_utc", "n_restarts")
_MADE = frozenset({*_KEY, *_TIMES, "suspended_s", "quality_flags", "rank"})
_FACTS = tuple(name for name in names(JOBS) if name not in _MADE)
# What a source may not be allowed to see: what was known before goes on.
_FILLED = (
    "parent_job_id", "user", "account", "partition", "qos", "node_list", "time_limit_s",
    "total_cpu_s", "max_rss_bytes", "gpu_utilisation_ratio", "gpu_energy_j", "gpu_metered_ratio",
    "gpu_observed_ratio",
)  # fmt: skip
_PARTS = ("gpu_metered_ratio", "gpu_observed_ratio")
_TIME_FLAGS = int(
    QualityFlag.RUNAWAY
    | QualityFlag.CLOCK_REPAIRED
    | QualityFlag.END_INFERRED
    | QualityFlag.START_INFERRED
    | QualityFlag.STATE_UNKNOWN
)
_KEY_FLAG = int(QualityFlag.SUBMIT_FROM_START)
_UNTYPED = int(QualityFlag.GPU_TYPE_UNKNOWN)
_CONTENT = np.int64((1 << 24) - 1)
_STEP = np.int64(1 << 24)


def merged(
    told: pd.DataFrame, known: pd.DataFrame, metered: Collection[str], now_utc: datetime
) -> pd.DataFrame:
    """Return what is told now of pods, together with what the book knows of them.

    Parameters
    ----------
    told
        Runs as a source tells of them, columns of JOBS, ranked by their content.
    known
        Runs of the book, columns of JOBS, one for each uid; those not told of are left out.
    metered
        Pods whose meters are put in anew afterwards.
    now_utc
        The moment of the telling: a view that ends later was never seen so.

    Returns
    -------
    One row for each of `told`, in its order, with the key that the book has for the uid.
    """
    place = _places(told, known)
    is_known = place >= 0
    if not is_known.any():
        return told
    rows = np.flatnonzero(is_known)
    is_metered = told["raw_job_id"].isin(metered).to_numpy()[rows]
    both = _joined((told.iloc[rows], known.iloc[place[rows]]), is_metered, now_utc)
    both = both.set_index(rows)
    others = np.flatnonzero(~is_known)
    rest = told.iloc[others].astype("object").set_index(others)
    return typed(pd.concat([both, rest]).sort_index())


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the dtypes of JOBS, and only its columns."""
    frame = frame.reset_index(drop=True)
    return pd.DataFrame({column.name: _typed(frame[column.name], column.dtype) for column in JOBS})


def lifted(jobs: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return runs with the ranks that let them take the place of what the book has.

    What says the same as the book gets the book's rank: it changes nothing. What says something
    else is later, and goes first.
    """
    if known.empty:
        return jobs
    place = _places(jobs, known)
    old = known["rank"].to_numpy()[np.maximum(place, 0)]
    rank = jobs["rank"].to_numpy()
    is_same = (old & _CONTENT) == (rank & _CONTENT)
    above = np.maximum(rank, (old & ~_CONTENT) + _STEP + (rank & _CONTENT))
    lifted_rank = np.where(is_same, old, np.where(rank > old, rank, above))
    return jobs.assign(rank=np.where(place >= 0, lifted_rank, rank))


def _places(jobs: pd.DataFrame, known: pd.DataFrame) -> NDArray[np.intp]:
    places: NDArray[np.intp] = pd.Index(known["raw_job_id"]).get_indexer(
        pd.Index(jobs["raw_job_id"])
    )
    return places


def _joined(
    views: tuple[pd.DataFrame, pd.DataFrame], is_metered: Mask, now_utc: datetime
) -> pd.DataFrame:
    """Join two views of each pod, row by row; a frame of objects."""
    new, old = (view.reset_index(drop=True) for view in views)
    is_first = goes_first(new, old, now_utc)
    ends_new = ends_better(new, old, is_first, now_utc)
    starts_new = starts_better(new, old, is_first)
    cells = _Cells(new.astype("object"), old.astype("object"))
    columns = {name: cells.chosen(name, is_first) for name in _FACTS}
    for name in _FILLED:
        columns[name] = cells.filled(name, is_first)
    columns |= {name: cells.chosen(name, ends_new) for name in _TIMES}
    columns["start_utc"] = cells.chosen("start_utc", starts_new)
    columns["n_nodes"] = cells.chosen("n_nodes", starts_new)
    key_new = _knows_submit(new) & ~_knows_submit(old)
    columns |= {name: cells.chosen(name, key_new) for name in _KEY}
    columns |= _as_asked(cells, is_first, is_metered)
    frame = pd.DataFrame(columns)
    frame["suspended_s"] = 0
    frame["quality_flags"] = _flags((new, old), (is_first, starts_new, ends_new, key_new))
    frame = typed(measured(_marked(frame).assign(rank=0)))
    frame = _spread((new, old), frame, is_first)
    return frame.assign(rank=rank_views(frame)).astype("object")


class _Cells:
    """The cells of two frames of objects, row by row."""

    def __init__(self, new: pd.DataFrame, old: pd.DataFrame) -> None:
        self.new, self.old = new, old

    def chosen(self, name: str, is_new: Mask) -> NDArray[np.object_]:
        """Return each cell of the one or the other."""
        cells: NDArray[np.object_] = np.where(
            is_new, self.new[name].to_numpy(), self.old[name].to_numpy()
        )
        return cells

    def filled(self, name: str, is_new: Mask) -> NDArray[np.object_]:
        """Return the same, and what the other has where it is missing."""
        cells = pd.Series(self.chosen(name, is_new))
        other = pd.Series(self.chosen(name, ~is_new))
        found: NDArray[np.object_] = cells.where(cells.notna(), other).to_numpy()
        return found


def _knows_submit(jobs: pd.DataFrame) -> Mask:
    found: Mask = (jobs["quality_flags"].to_numpy() & _KEY_FLAG) == 0
    return found


def _flags(
    views: tuple[pd.DataFrame, pd.DataFrame], choices: tuple[Mask, Mask, Mask, Mask]
) -> NDArray[np.int64]:
    """Return the flags that go with each part of a view."""
    new, old = (view["quality_flags"].to_numpy() for view in views)
    is_first, starts_new, ends_new, key_new = choices
    start = int(QualityFlag.START_INFERRED)
    flags = np.where(is_first, new, old) & ~(_TIME_FLAGS | _KEY_FLAG)
    flags |= np.where(starts_new, new, old) & start
    flags |= np.where(ends_new, new, old) & (_TIME_FLAGS & ~start)
    found: NDArray[np.int64] = flags | (np.where(key_new, new, old) & _KEY_FLAG)
    return found


def _as_asked(cells: _Cells, is_first: Mask, is_metered: Mask) -> dict[str, NDArray[np.object_]]:
    """Return what the pods asked for, also where the book has what they used in its place.

    Else the highest mean of all looks would stay, and not that of the whole run. Where the meters
    are not put in anew, the book's word stands.
    """
    old, new = cells.old, cells.new
    seconds = old["elapsed_s"].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_used = old["total_cpu_s"].to_numpy(dtype=np.float64) / seconds
    peak = old["max_rss_bytes"].to_numpy(dtype=np.float64)
    by_use = np.isclose(old["n_cpus"].to_numpy(dtype=np.float64), n_used, rtol=1e-9, atol=0.0)
    by_peak = old["memory_bytes"].to_numpy(dtype=np.float64) == peak
    by_meter = _is_unasked(old) & (new["n_gpu"].to_numpy(dtype=np.float64) == 0)
    is_new = {
        "n_cpus": np.where(by_use, is_metered, is_first),
        "memory_bytes": np.where(by_peak, is_metered, is_first),
        "n_gpu": np.where(by_meter, is_metered, is_first),
    }
    asked = {name: cells.chosen(name, is_new[name]) for name in is_new}
    types = np.where(by_meter, cells.chosen("gpu_types", is_metered), _best_types(cells, is_first))
    return {**asked, "gpu_types": types}


def _is_unasked(old: pd.DataFrame) -> Mask:
    is_untyped = old["gpu_types"].astype("str").str.startswith("=").fillna(value=False).to_numpy()
    found: Mask = is_untyped & (old["gpu_metered_ratio"].to_numpy(dtype=np.float64) == 1.0)
    return found


def _best_types(cells: _Cells, is_first: Mask) -> NDArray[np.object_]:
    """Return what accelerators they are; if only their number is said now, what was known once."""
    now, before = cells.chosen("gpu_types", is_first), cells.chosen("gpu_types", ~is_first)
    is_bare = pd.Series(now).astype("str").str.startswith("=").fillna(value=False).to_numpy()
    is_equal = (cells.new["n_gpu"] == cells.old["n_gpu"]).to_numpy()
    return np.where(is_bare & is_equal, before, now)


def _marked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return views that say whether their accelerators have a type."""
    types = frame["gpu_types"].astype("str")
    is_bare = types.str.contains("(?:^|,)=", regex=True).fillna(value=False).to_numpy()
    flags = frame["quality_flags"].to_numpy() & ~_UNTYPED
    return frame.assign(quality_flags=flags | np.where(is_bare, _UNTYPED, 0))


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """Return views whose lengths go with their starts and ends."""
    start_s, end_s = seconds(frame["start_utc"]), seconds(frame["end_utc"])
    started = np.isfinite(start_s)
    length_s = np.where(started & np.isfinite(end_s), np.rint(end_s - start_s), 0.0)
    elapsed_s = np.maximum(np.where(np.isfinite(length_s), length_s, 0.0), 0.0).astype(np.int64)
    end_utc = pd.to_datetime(frame["start_utc"], utc=True) + pd.to_timedelta(elapsed_s, unit="s")
    reported_s = np.maximum(frame["reported_elapsed_s"].to_numpy(dtype=np.int64), elapsed_s)
    is_runaway = (frame["quality_flags"].to_numpy() & int(QualityFlag.RUNAWAY)) != 0
    return frame.assign(
        elapsed_s=elapsed_s,
        reported_elapsed_s=np.where(is_runaway, reported_s, elapsed_s),
        end_utc=np.where(started, end_utc.astype("object"), frame["end_utc"]),
    )


def _spread(
    views: tuple[pd.DataFrame, pd.DataFrame], frame: pd.DataFrame, is_first: Mask
) -> pd.DataFrame:
    """Return views whose parts that meters saw are parts of their own lengths."""
    new, old = views
    elapsed_s = frame["elapsed_s"].to_numpy(dtype=np.float64)
    is_spread = ~(_is_unasked(old) & (new["n_gpu"].to_numpy(dtype=np.float64) == 0))
    columns = {}
    for name in _PARTS:
        ratio = frame[name].to_numpy(dtype=np.float64)
        is_new = np.where(is_first, new[name].notna(), old[name].isna())
        base_s = np.where(is_new, new["elapsed_s"], old["elapsed_s"]).astype(np.float64)
        changes = is_spread & (elapsed_s > 0) & (base_s != elapsed_s)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns[name] = np.where(changes, np.minimum(ratio * base_s / elapsed_s, 1.0), ratio)
    return frame.assign(**columns)


def _typed(cells: pd.Series, dtype: str) -> pd.Series:
    if dtype == INSTANT:
        return instants(cells)
    if dtype == CATEGORY:
        codes, words = pd.factorize(cells.astype("str"))
        kind = pd.CategoricalDtype(pd.Index(words, dtype="str"))
        return pd.Series(pd.Categorical.from_codes(codes, dtype=kind), index=cells.index)
    return pd.Series(cells, dtype=dtype)
