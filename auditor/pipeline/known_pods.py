"""What the book knows of pods, and how that which is told of them now joins it.

Whoever tells of a pod, its run goes into the book through `joined`: so the order of sources, and
how often each of them tells, changes nothing.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from auditor.domain.frames import JOBS, names
from auditor.domain.job import OPEN_STATES, QualityFlag
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.normalize.interface import Batch
from auditor.normalize.kubernetes.jobs import SCHEDULER
from auditor.normalize.kubernetes.meters import with_meters
from auditor.pipeline.collect_pod_views import lifted, merged

_KEY_FLAG = int(QualityFlag.SUBMIT_FROM_START)


class KnownPods:
    """What the book has of pods, as far as anybody asked, and what this collection put there."""

    def __init__(self, ledger: Ledger, cluster: str) -> None:
        self._ledger, self._cluster = ledger, cluster
        open_ones = ledger.read(
            None, Filters(cluster=(cluster,), state=tuple(OPEN_STATES)), names(JOBS)
        )
        self._rows = one_each(open_ones)
        self._asked: set[str] = set(self._rows["raw_job_id"])

    @property
    def still_open(self) -> pd.DataFrame:
        """Runs that have not ended."""
        return self._rows[self._rows["is_open"]]

    def of(self, uids: Collection[str]) -> pd.DataFrame:
        """Return the runs of some pods, those that the book has."""
        unasked = sorted(set(uids) - self._asked)
        if unasked:
            found = _in_book(self._ledger, self._cluster, unasked)
            self._rows = one_each(stacked([self._rows, found]))
            self._asked.update(unasked)
        return self._rows[self._rows["raw_job_id"].isin(uids)]

    def take(self, jobs: pd.DataFrame) -> None:
        """Remember what was loaded."""
        uids = set(jobs["raw_job_id"])
        others = self._rows[~self._rows["raw_job_id"].isin(uids)]
        self._rows = one_each(stacked([others, jobs]))
        self._asked |= uids


def joined(
    told: pd.DataFrame,
    known: pd.DataFrame,
    totals: pd.DataFrame,
    now_utc: datetime,
    also: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Join what is told of pods with what the book knows, and rank it to take that one's place.

    Parameters
    ----------
    told
        Runs as a source tells of them, columns of JOBS.
    known
        Runs of the book, one for each uid.
    totals
        What meters said of them, a row for each uid; put in anew.
    now_utc
        The moment of the telling.
    also
        Runs of the book of which only meters tell.
    """
    jobs = merged(told, known, frozenset(totals["uid"]), now_utc)
    jobs = jobs if also is None else stacked([jobs, also])
    return lifted(with_meters(jobs, totals), known)


def with_book(batch: Batch, ledger: Ledger, now_utc: datetime) -> Batch:
    """Join the pods of a piece of an export with the book; what are no pods stays as it is.

    Only what the book has of the pods of this piece is read. To be called while the ledger is
    being loaded: then nobody else changes it meanwhile.
    """
    jobs = batch.jobs
    is_pod = (jobs["scheduler"].astype("object") == SCHEDULER).to_numpy()
    if not is_pod.any():
        return batch
    pieces = [jobs[~is_pod]]
    for cluster, told in jobs[is_pod].groupby("cluster", observed=True, sort=False):
        uids = sorted(set(told["raw_job_id"]))
        known = one_each(_in_book(ledger, str(cluster), uids))
        pieces.append(joined(told, known, ledger.meters.totals(str(cluster), uids), now_utc))
    return replace(batch, jobs=stacked(pieces))


def _in_book(ledger: Ledger, cluster: str, uids: list[str]) -> pd.DataFrame:
    found = ledger.read(None, Filters(cluster=(cluster,), jobs=tuple(uids)), names(JOBS))
    return found[found["raw_job_id"].isin(uids)]


def one_each(jobs: pd.DataFrame) -> pd.DataFrame:
    """Return one view of each pod: the one that knows its Submit, then the highest rank."""
    if not jobs["raw_job_id"].duplicated().any():
        return jobs
    is_stand_in = (jobs["quality_flags"].to_numpy() & _KEY_FLAG) != 0
    order = np.lexsort((jobs["rank"].to_numpy(), ~is_stand_in))
    return jobs.iloc[order].drop_duplicates("raw_job_id", keep="last").sort_index()


def stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return frames of jobs one below the other, dtypes kept."""
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    if len(filled) == 1:
        return filled[0].reset_index(drop=True)
    both = pd.concat(filled, ignore_index=True)
    changed = {
        name: "category"
        for name, dtype in filled[0].dtypes.items()
        if str(dtype) == "category" and str(both[name].dtype) != "category"
    }
    return both.astype(changed)
