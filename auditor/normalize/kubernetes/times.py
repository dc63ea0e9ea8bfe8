"""When pods took place, from what was observed of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.job import QualityFlag
from auditor.normalize.run_times import RUNAWAY_SLACK_RATIO, RUNAWAY_SLACK_S, Fault, Flags, Mask

# Clocks of nodes differ a little from that of the look; beyond this it is a fault of the clock.
CLOCK_SLACK_S = 60.0

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class PodTimes:
    """When each pod took place, (n,) each; `faults` marks pods that cannot be runs."""

    submit_utc: pd.Series
    start_utc: pd.Series
    end_utc: pd.Series
    elapsed_s: NDArray[np.int64]
    reported_elapsed_s: NDArray[np.int64]
    started: Mask
    flags: Flags
    faults: list[Fault]


def place_pods(pods: pd.DataFrame) -> PodTimes:
    """Work out when each pod of a frame of PODS took place.

    A pod is counted from its start to its end, an open one up to when it was last seen. An end, or
    the start of an open one, that lies after that is of a clock that is ahead: the one counts up to
    when it was seen, the other nothing, both flagged. One that ended without having started is
    given up at its end, else when it was created.
    """
    created_s, start_s = _seconds(pods["created_utc"]), _seconds(pods["start_utc"])
    seen_s = _seconds(pods["seen_utc"])
    is_open, started = pods["is_open"].to_numpy(), ~np.isnan(start_s)
    stated_end_s = np.where(is_open, np.nan, _seconds(pods["end_utc"]))
    told_end_s = np.where(stated_end_s > seen_s + CLOCK_SLACK_S, seen_s, stated_end_s)
    last_s = np.where(is_open, np.fmax(seen_s, start_s), told_end_s)
    reported_s = np.where(started, np.rint(np.fmax(last_s - start_s, 0.0)), 0.0)
    elapsed_s, is_runaway = _counted(pods, reported_s)
    submit_s = np.floor(np.where(np.isnan(created_s), start_s, created_s))
    given_up_s = np.where(np.isnan(told_end_s), submit_s, np.fmax(told_end_s, submit_s))
    end_s = np.where(started, start_s + elapsed_s, np.where(is_open, np.nan, given_up_s))
    is_endless = started & ~is_open & np.isnan(told_end_s)
    is_repaired = ~is_open & started & ((told_end_s < start_s) | (told_end_s < stated_end_s))
    is_repaired |= is_open & started & (start_s > seen_s + CLOCK_SLACK_S)
    flags = flagged(is_runaway, QualityFlag.RUNAWAY)
    flags |= flagged(is_repaired, QualityFlag.CLOCK_REPAIRED)
    flags |= flagged(np.isnan(created_s) & started, QualityFlag.SUBMIT_FROM_START)
    return PodTimes(
        submit_utc=_instants(submit_s),
        start_utc=_instants(start_s),
        end_utc=_instants(end_s),
        elapsed_s=np.nan_to_num(elapsed_s).astype(np.int64),
        reported_elapsed_s=np.nan_to_num(reported_s).astype(np.int64),
        started=started,
        flags=flags,
        faults=[
            Fault(np.isnan(submit_s), "nothing says when it was created or started"),
            Fault(is_endless, "it has ended, and nothing says when"),
        ],
    )


def _counted(pods: pd.DataFrame, reported_s: Seconds) -> tuple[Seconds, Mask]:
    """Return the seconds that are believed: a pod long past its deadline holds nothing any more."""
    limit_s = pods["time_limit_s"].to_numpy()
    slack_s = np.maximum(RUNAWAY_SLACK_S, RUNAWAY_SLACK_RATIO * limit_s)
    is_runaway = pods["is_open"].to_numpy() & (reported_s > limit_s + slack_s)
    return np.where(is_runaway, np.floor(limit_s), reported_s), is_runaway


def flagged(rows: Mask, flag: QualityFlag) -> Flags:
    """Return the bit of a flag for the rows that are marked, 0 for the others."""
    return np.where(rows, np.int64(flag), np.int64(0))


def _seconds(instants: pd.Series) -> Seconds:
    missing = instants.isna().to_numpy()
    microseconds = instants.astype("int64").to_numpy() if not missing.any() else None
    if microseconds is None:
        microseconds = instants.fillna(pd.Timestamp(0, tz="UTC")).astype("int64").to_numpy()
    return np.where(missing, np.nan, microseconds / 1e6)


def _instants(seconds: Seconds) -> pd.Series:
    missing = np.isnan(seconds)
    microseconds = np.rint(np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    moments = microseconds.view("datetime64[us]")
    moments[missing] = np.datetime64("NaT")
    return pd.Series(moments).dt.tz_localize("UTC")
