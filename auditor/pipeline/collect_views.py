"""What accounting says now against what the book has from it: the later answer goes first."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import KEY
from auditor.domain.job import OPEN_STATES, QualityFlag
from auditor.domain.period import Period
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger

_KEY = list(KEY)
# The lowest bits of a rank are a hash of the view; above them stands what orders views.
_CONTENT_BITS = 24
# What an answer states of a run, apart from its key and from what follows from other columns.
_STATED = (
    "user", "account", "partition", "qos", "wckey", "state", "job_name", "node_list",
    "eligible_utc", "start_utc", "reported_elapsed_s", "suspended_s", "time_limit_s",
    "n_cpus", "n_nodes", "n_gpu", "gpu_types", "memory_bytes", "gpu_utilisation_ratio",
)  # fmt: skip
_BY_TRES = frozenset(("n_cpus", "n_nodes", "gpu_types", "memory_bytes"))
# What an ended run used does not get less: less of it is a part of its steps.
_GROWING = ("total_cpu_s", "max_rss_bytes", "consumed_energy_j")
_CONTENT = np.int64((1 << _CONTENT_BITS) - 1)
_STEP = np.int64(1 << _CONTENT_BITS)


def known_views(ledger: Ledger, cluster: str, period: Period, source_start: str) -> pd.DataFrame:
    """Return the runs of a period that the book has from a source: key, rank, what it states."""
    columns = [*_KEY, "rank", "is_open", *_STATED, *_GROWING]
    views = ledger.read(period, Filters(cluster=(cluster,)), [*columns, "source"])
    is_ours = views["source"].astype("str").str.startswith(source_start)
    return views.loc[is_ours, columns]


def lifted_ranks(jobs: pd.DataFrame, known: pd.DataFrame) -> NDArray[np.int64]:
    """Return the ranks of an answer, lifted where the book has another view of the same source.

    A rank tells the better of two views of which nobody knows the later: the longer run, the more
    facts. Of two answers of one source the later is known, and it goes first, be it a shorter run,
    where it states something else. One that merely lacks facts does not: accounting deletes steps,
    and what they used, before their jobs. An end that was recorded once is not taken back.

    Parameters
    ----------
    jobs
        Runs as they were read, with the ranks of their content.
    known
        What `known_views` gave.
    """
    ranks: NDArray[np.int64] = jobs["rank"].to_numpy(copy=True)
    if known.empty or jobs.empty:
        return ranks
    # Ranks fill 63 bits, more than a float holds: they are taken by place, not from the merge.
    places = _plain(known[_KEY]).assign(place=np.arange(len(known)))
    place = _plain(jobs[_KEY]).merge(places, on=_KEY, how="left")["place"].to_numpy()
    is_known = ~np.isnan(place)
    place = np.where(is_known, place, 0).astype(np.intp)
    old_rank = known["rank"].to_numpy()[place]
    old_open = known["is_open"].to_numpy()[place]
    differs = (old_rank & _CONTENT) != (ranks & _CONTENT)
    forgets = is_known & differs
    forgets[forgets] = _merely_lack(jobs[forgets], known.iloc[place[forgets]])
    ranks = np.where(forgets, np.minimum(ranks, old_rank), ranks)
    is_lower = is_known & differs & ~forgets & (ranks <= old_rank)
    reopens = jobs["is_open"].to_numpy() & ~old_open
    lifted = (old_rank & ~_CONTENT) + _STEP + (ranks & _CONTENT)
    return np.where(is_lower & ~reopens, lifted, ranks)


def _plain(keys: pd.DataFrame) -> pd.DataFrame:
    return keys.astype({"cluster": "str", "raw_job_id": "str"})


def _merely_lack(jobs: pd.DataFrame, known: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which runs lack facts that the book has, and state nothing else; row by row."""
    lacks, differs = np.zeros((2, len(jobs)), dtype=np.bool_)
    # Without AllocTRES other columns stand in for some counts: that is no statement.
    has_tres = jobs["n_gpu"].notna().to_numpy()
    for name in _STATED:
        is_said, was_said = _is_stated(jobs[name]), _is_stated(known[name])
        if name in _BY_TRES:
            is_said = is_said & has_tres
        lacks |= was_said & ~is_said
        differs |= is_said & (_comparable(jobs[name]) != _comparable(known[name]))
    for name in _GROWING:
        now, before = jobs[name].to_numpy(), known[name].to_numpy()
        lacks |= ~np.isnan(before) & ~(now >= before)
        differs |= ~np.isnan(now) & ~(now <= before)
    return lacks & ~differs


def _comparable(cells: pd.Series) -> NDArray[np.object_]:
    return cells.astype("object").to_numpy()


def _is_stated(cells: pd.Series) -> NDArray[np.bool_]:
    stated: NDArray[np.bool_] = (cells.notna() & (cells.astype("object") != "")).to_numpy()
    return stated


@dataclass
class SeenRuns:
    """What a collection saw: open runs (raw id, submit), and raw ids among those watched for."""

    watched: frozenset[str]
    open_runs: set[tuple[str, pd.Timestamp]] = field(default_factory=set)
    found: set[str] = field(default_factory=set)

    def take(self, jobs: pd.DataFrame) -> None:
        """Look at some runs."""
        opened = jobs[jobs["is_open"]]
        self.open_runs.update(zip(opened["raw_job_id"], opened["submit_utc"], strict=True))
        if self.watched:
            self.found.update(self.watched.intersection(jobs["raw_job_id"]))


def runs_out_of_reach(
    ledger: Ledger, cluster: str, recent: Period, seen: SeenRuns
) -> tuple[list[str], datetime]:
    """Return raw ids of runs that the book calls open and no window told of; the earliest Submit.

    Parameters
    ----------
    recent
        Time in which runs were seen that had ended without an End: accounting counts them on.
    """
    columns = ["raw_job_id", "submit_utc", "is_open", "quality_flags"]
    by_state = ledger.read(None, Filters(cluster=(cluster,), state=tuple(OPEN_STATES)), columns)
    endless = ledger.read(recent, Filters(cluster=(cluster,)), columns)
    has_no_end = (endless["quality_flags"].to_numpy() & int(QualityFlag.END_UNKNOWN)) != 0
    both = pd.concat([by_state, endless[has_no_end]], ignore_index=True)
    both = both[both["is_open"]]
    keys = zip(both["raw_job_id"], both["submit_utc"], strict=True)
    left = both[[key not in seen.open_runs for key in keys]]
    if left.empty:
        return [], recent.end_utc
    return sorted(set(left["raw_job_id"])), left["submit_utc"].min().to_pydatetime()
