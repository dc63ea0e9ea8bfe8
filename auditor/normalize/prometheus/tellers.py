"""Which scrape job tells of a board, where several do or one takes another's place."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.normalize.prometheus.names import UNKNOWN
from auditor.normalize.prometheus.paces import LONGEST_STEP_S

_LONGEST_MS = LONGEST_STEP_S * 1000


def of_chosen_jobs(
    rows: pd.DataFrame, jobs: "pd.Series[str]", is_daemon: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Return the samples that count where several scrape jobs tell of the same boards.

    The first choice of a board is the job that names pods that are known and no exporters, else
    fewest that are not, else tells most. Where it says nothing for long, the next one counts, if
    it names pods as well: a job may have been given another name.

    Parameters
    ----------
    rows
        Samples: board, time_ms, run, series.
    jobs
        The job of each series.
    is_daemon
        Of each run: an exporter itself.
    """
    codes, _ = pd.factorize(jobs)
    rows = rows.assign(job=codes[rows["series"]])
    if rows["job"].nunique() < 2:  # noqa: PLR2004  (nothing to choose)
        return rows
    run = rows["run"].to_numpy()
    is_pod = run >= 0
    is_pod[is_pod] = ~is_daemon[run[is_pod]]
    order = _ranked(rows.assign(n_pods=is_pod, n_other=run == UNKNOWN, n_samples=1))
    rows = rows.join(order, on=["board", "job"])
    kept = rows[rows["place"] == 0]
    for place in range(1, int(rows["place"].max()) + 1):
        more = rows[(rows["place"] == place) & rows["is_alike"]]
        kept = pd.concat([kept, more[_fills(more, kept)]])
    return kept.drop(columns=["job", "place", "is_alike"])


def _ranked(told: pd.DataFrame) -> pd.DataFrame:
    """Return by board and job its place, and whether it names pods as the board's first does."""
    counts = told.groupby(["board", "job"])[["n_pods", "n_other", "n_samples"]].sum().reset_index()
    counts = counts.sort_values(
        ["n_pods", "n_other", "n_samples", "job"],
        ascending=[False, True, False, True],
        kind="stable",
    )
    place = counts.groupby("board").cumcount()
    # Of a board that nobody held meanwhile a job names no pod, though it would.
    names_pods = counts.groupby("job")["n_pods"].transform("sum") > 0
    first = names_pods.groupby(counts["board"]).transform("first")
    found = counts.assign(place=place, is_alike=names_pods == first)
    return found.set_index(["board", "job"])[["place", "is_alike"]]


def _fills(more: pd.DataFrame, kept: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Mark the samples that lie in a hole of what is kept, or far before or after all of it."""
    times = kept[["board", "time_ms"]].sort_values("time_ms", kind="stable")
    rows = more[["board", "time_ms"]].assign(at=np.arange(len(more))).sort_values("time_ms")
    at_ms = times["time_ms"].astype("float64")
    before, after = times.assign(before_ms=at_ms), times.assign(after_ms=at_ms)
    found = pd.merge_asof(rows, before, on="time_ms", by="board")
    found = pd.merge_asof(found, after, on="time_ms", by="board", direction="forward")
    # Where one edge is open, the hole reaches as far as there are samples.
    hole = [found["board"], found["before_ms"], found["after_ms"]]
    ends = found["time_ms"].groupby(hole, dropna=False)
    begin_ms = found["before_ms"].fillna(ends.transform("min"))
    end_ms = found["after_ms"].fillna(ends.transform("max"))
    is_long = np.empty(len(more), dtype=bool)
    is_long[found["at"].to_numpy()] = (end_ms - begin_ms > _LONGEST_MS).to_numpy()
    return is_long
