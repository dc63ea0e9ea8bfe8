"""Which of two views of a pod is believed: of what it is, of when it began and of when it ended."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import INSTANT
from auditor.domain.job import QualityFlag

_API, _EXPORT, _PROMETHEUS = 2, 1, 0
_INFERRED, _REPAIRED = int(QualityFlag.END_INFERRED), int(QualityFlag.CLOCK_REPAIRED)
_START_INFERRED = int(QualityFlag.START_INFERRED)
# How far an end is believed. One that is yet to come was said by a clock that is ahead.
_TO_COME, _SEEN, _SEEN_ENDED, _RECORDED = 0, 1, 2, 3
CLOCK_SLACK = timedelta(minutes=1)

Mask = NDArray[np.bool_]


def goes_first(new: pd.DataFrame, old: pd.DataFrame, now_utc: datetime) -> Mask:
    """Tell where what is told now says what the pod is: by its source, else by the later sight."""
    ours, theirs = _standing(new), _standing(old)
    is_later = seconds(new["end_utc"]) >= seconds(old["end_utc"])
    is_later |= is_to_come(old, now_utc)
    found: Mask = (ours > theirs) | ((ours == theirs) & (is_later | (ours == _API)))
    return found


def _standing(jobs: pd.DataFrame) -> NDArray[np.int64]:
    sources, clusters = jobs["source"].astype("str"), jobs["cluster"].astype("str")
    is_api = (sources == "kubernetes " + clusters).to_numpy()
    is_prometheus = (sources == "prometheus " + clusters).to_numpy()
    return np.where(is_api, _API, np.where(is_prometheus, _PROMETHEUS, _EXPORT))


def ends_better(new: pd.DataFrame, old: pd.DataFrame, is_first: Mask, now_utc: datetime) -> Mask:
    """Tell whose end is believed: one that somebody recorded, else that of the later sight.

    Of a pod that has ended by a clock that is ahead the first sight of it says most: it had ended
    by then.
    """
    ours, theirs = _credit(new, now_utc), _credit(old, now_utc)
    new_s, old_s = seconds(new["end_utc"]), seconds(old["end_utc"])
    is_later = (new_s > old_s) | ((new_s == old_s) & (~new["is_open"] | old["is_open"]).to_numpy())
    is_earlier = (new_s < old_s) | ((new_s == old_s) & is_first)
    tie = np.select([ours == _SEEN, ours == _RECORDED], [is_later, is_first], is_earlier)
    found: Mask = np.where(ours == theirs, tie, ours > theirs)
    return found


def _credit(jobs: pd.DataFrame, now_utc: datetime) -> NDArray[np.int64]:
    flags = jobs["quality_flags"].to_numpy()
    is_recorded = ~jobs["is_open"].to_numpy() & ((flags & _INFERRED) == 0)
    ended = np.where((flags & _REPAIRED) != 0, _SEEN_ENDED, _RECORDED)
    found: NDArray[np.int64] = np.where(is_recorded, ended, _SEEN)
    return np.where(is_to_come(jobs, now_utc), _TO_COME, found)


def is_to_come(jobs: pd.DataFrame, now_utc: datetime) -> Mask:
    """Tell which views end after now, further than clocks differ: nobody can have seen that."""
    found: Mask = seconds(jobs["end_utc"]) > (now_utc + CLOCK_SLACK).timestamp()
    return found


def starts_better(new: pd.DataFrame, old: pd.DataFrame, is_first: Mask) -> Mask:
    """Tell whose start is believed: one that is known, else recorded, else the first one."""
    scores = [
        2 * jobs["start_utc"].notna().to_numpy()
        + ((jobs["quality_flags"].to_numpy() & _START_INFERRED) == 0)
        for jobs in (new, old)
    ]
    is_earlier = (new["start_utc"] < old["start_utc"]).to_numpy()
    is_inferred = (new["quality_flags"].to_numpy() & _START_INFERRED) != 0
    tie = np.where(is_inferred, is_earlier, is_first)
    found: Mask = np.where(scores[0] == scores[1], tie, scores[0] > scores[1])
    return found


def instants(cells: pd.Series) -> pd.Series:
    """Return cells as instants."""
    return pd.Series(pd.to_datetime(cells, utc=True), dtype=INSTANT)


def seconds(cells: pd.Series) -> NDArray[np.float64]:
    """Return instants in seconds since 1970; -inf where there is none."""
    moments = instants(cells)
    micros = moments.astype("int64").to_numpy() / 1e6
    return np.where(moments.isna().to_numpy(), -np.inf, micros)
