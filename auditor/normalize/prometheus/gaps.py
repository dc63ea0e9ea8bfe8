"""Spans in which nobody looked: holes between the samples of what is scraped regularly."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.names import UNKNOWN
from auditor.normalize.prometheus.paces import LONGEST_STEP_S, longest_step_s, paces_s

_N_INTERVALS = 3
# What has been silent for less than this when somebody looks may be on its way.
NOT_YET_S = 900.0
_COLUMNS = ["thing", "begin_s", "end_s", "is_bridged"]


@dataclass(frozen=True)
class Hole:
    """`[start_s, end_s)`, seconds since 1970, and how many things were not looked at.

    `is_bridged`: counters that ran on tell what it came to.
    """

    start_s: float
    end_s: float
    n_things: int
    is_bridged: bool = False


@dataclass(frozen=True)
class Asked:
    """What was asked for, `[start_s, end_s)`, and when [s since 1970]."""

    start_s: float
    end_s: float
    look_s: float = math.inf

    def is_late(self, last_s: "pd.Series[float]") -> "pd.Series[bool]":
        """Tell of what was last seen at a time whether more would be there by now."""
        return last_s < self.look_s - NOT_YET_S


def board_holes(
    boards: Boards, steps: pd.DataFrame, runs: pd.DataFrame, asked: Asked
) -> pd.DataFrame:
    """Return when boards were not read: thing (UUID), begin_s, end_s, is_bridged.

    A hole that reaches beyond what was asked for is told whole. A board that goes silent is told
    to the end, if a pod may hold it: the machine may have been taken away.

    Parameters
    ----------
    steps
        The boards' steps between readings, also those before and after; is_good, where they have
        it, says that the energy is known.
    runs
        By row: begin_ms, end_ms (NaN: open), n_gpu, is_daemon.
    """
    inner = steps[steps["is_gap"] & (steps["end_s"] > asked.start_s)]
    inner = inner[inner["begin_s"] < asked.end_s]
    known = inner.get("is_good", default=False)
    tails = _tails(boards, runs, asked).assign(is_bridged=False)
    holes = pd.concat([inner.assign(is_bridged=known), tails], ignore_index=True)
    uuids = pd.Series(boards.uuids, dtype="object")
    return holes.assign(thing=holes["board"].map(uuids)).reindex(columns=_COLUMNS)


def unread_pods(held: pd.DataFrame, runs: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return the pods with accelerators that were there and that nothing named at first.

    Columns run, begin_s and end_s: from where the span begins to the first reading that names it.

    Parameters
    ----------
    held
        Of all readings that name a pod: run, time_s.
    runs
        By row: begin_ms, end_ms (NaN: open), n_gpu, is_daemon.
    """
    first_s = held.groupby("run")["time_s"].min()
    end_s = (runs["end_ms"] / 1000.0).fillna(np.inf)
    to_s = first_s.reindex(runs.index).fillna(np.inf).clip(upper=end_s).clip(upper=asked.end_s)
    is_there = (runs["begin_ms"] / 1000.0 < asked.start_s) & (runs["n_gpu"] > 0)
    is_unread = is_there & ~runs["is_daemon"] & (to_s - asked.start_s > LONGEST_STEP_S)
    found = pd.DataFrame({"run": runs.index, "begin_s": asked.start_s, "end_s": to_s})
    found = found[is_unread.to_numpy()].reset_index(drop=True)
    return found if asked.start_s < asked.look_s - NOT_YET_S else found.head(0)


def scrape_holes(
    scrapes: pd.DataFrame, interval_s: float | None, asked: Asked, *, resumed: bool
) -> list[Hole]:
    """Return when scrape jobs brought nothing: `time_s` are their scrapes.

    Of several jobs that bring the same one is enough. `resumed`: there were scrapes before the
    span, too, so that a late first one ends a hole.
    """
    times = scrapes["time_s"].sort_values().drop_duplicates()
    if times.empty or interval_s is None:
        return []
    longest_s = max(_N_INTERVALS * interval_s, LONGEST_STEP_S)
    edges = pd.concat(
        [
            pd.Series([asked.start_s] if resumed and times.iloc[0] > asked.start_s else []),
            times,
            pd.Series([asked.end_s] if asked.is_late(times.tail(1)).any() else []),
        ],
        ignore_index=True,
    ).astype("float64")
    found = pd.DataFrame({"begin_s": edges.shift(), "end_s": edges}).dropna()
    found = found[found["end_s"] > asked.start_s]
    holes = found[found["end_s"] - found["begin_s"] > longest_s]
    return joined(holes.assign(thing="", is_bridged=False))


def is_late(scrapes: pd.DataFrame, span_s: tuple[float, float]) -> bool:
    """Tell whether the first scrape comes so late that there may be a hole before it."""
    return bool(len(scrapes) and scrapes["time_s"].min() > span_s[0] + LONGEST_STEP_S)


def joined(holes: pd.DataFrame) -> list[Hole]:
    """Return holes (thing, begin_s, end_s, is_bridged) as one where they overlap."""
    if holes.empty:
        return []
    holes = holes.sort_values("begin_s", kind="stable")
    reached = holes["end_s"].cummax().shift()
    group = (holes["begin_s"] > reached).cumsum()
    found = holes.groupby(group).agg(
        start_s=("begin_s", "min"),
        end_s=("end_s", "max"),
        n_things=("thing", "nunique"),
        is_bridged=("is_bridged", "all"),
    )
    columns = [found[name].tolist() for name in ("start_s", "end_s", "n_things", "is_bridged")]
    return [Hole(*values) for values in zip(*columns, strict=True)]


def _tails(boards: Boards, runs: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return board, begin_s and end_s of boards that went silent while a pod may have held them."""
    readings = boards.readings.assign(limit_s=longest_step_s(paces_s(boards.readings)))
    last = readings.groupby("board").tail(1)
    last = last.assign(begin_s=last["time_ms"] / 1000.0, end_s=asked.end_s)
    is_silent = (last["end_s"] - last["begin_s"] > last["limit_s"]) & asked.is_late(last["begin_s"])
    last = last[is_silent]
    holders = boards.holders[boards.holders["reading"].isin(last.index)]
    end_s = (runs["end_ms"] / 1000.0).fillna(np.inf)
    is_daemon = runs["is_daemon"].reset_index(drop=True)
    of_pods = holders[~is_daemon.reindex(holders["run"]).eq(other=True).to_numpy()]
    until_s = end_s.reset_index(drop=True).reindex(of_pods["run"]).set_axis(of_pods.index)
    until_s = until_s.mask(of_pods["run"] == UNKNOWN, np.inf)
    until_s = until_s.groupby(of_pods["reading"]).max().reindex(last.index)
    least_s = last["begin_s"] + last["limit_s"]
    is_held = until_s > least_s
    # Nothing names these pods, so that any board may be theirs.
    unread = runs[(runs["n_gpu"] > 0) & ~is_daemon.to_numpy()]
    unread = unread[~unread.index.isin(boards.holders["run"])]
    unread = unread[unread["begin_ms"] / 1000.0 < asked.end_s - LONGEST_STEP_S]
    latest_s = end_s.reindex(unread.index).max() if len(unread) else -np.inf
    to_s = until_s.where(is_held).fillna(latest_s)
    last["end_s"] = np.minimum(np.maximum(to_s, latest_s), asked.end_s)
    found: pd.DataFrame = last.loc[is_held | (latest_s > least_s), ["board", "begin_s", "end_s"]]
    return found
