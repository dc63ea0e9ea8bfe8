"""Spans in which nobody looked: holes between the samples of what is scraped regularly."""

from dataclasses import dataclass

import pandas as pd

from auditor.normalize.prometheus.boards import Boards, intervals_s
from auditor.normalize.prometheus.steps import LONGEST_STEP_S, longest_step_s

_N_INTERVALS = 3


@dataclass(frozen=True)
class Hole:
    """`[start_s, end_s)`, seconds since 1970, and how many things were not looked at."""

    start_s: float
    end_s: float
    n_things: int


def board_holes(boards: Boards, steps: pd.DataFrame, span_s: tuple[float, float]) -> list[Hole]:
    """Return when boards were not read, within and up to the end of the span.

    A hole that began before the span is told whole. Boards with overlapping holes make one.
    """
    inner = steps.loc[steps["is_gap"] & (steps["end_s"] > span_s[0]), ["begin_s", "end_s"]]
    last_s = boards.readings.groupby("board")["time_ms"].max() / 1000.0
    limit_s = longest_step_s(intervals_s(boards)).reindex(last_s.index)
    silent = last_s[span_s[1] - last_s > limit_s]
    tails = pd.DataFrame({"begin_s": silent, "end_s": span_s[1]})
    holes = pd.concat([inner, tails], ignore_index=True)
    return _joined(holes[holes["begin_s"] < span_s[1]])


def scrape_holes(
    scrapes: pd.DataFrame, interval_s: float | None, span_s: tuple[float, float], *, resumed: bool
) -> list[Hole]:
    """Return when scrape jobs brought nothing: `time_s` are their scrapes.

    Of several jobs that bring the same one is enough. `resumed`: there were scrapes before the
    span, too, so that a late first one ends a hole.
    """
    times = scrapes["time_s"].sort_values().drop_duplicates()
    if times.empty or interval_s is None:
        return []
    longest_s = max(_N_INTERVALS * interval_s, LONGEST_STEP_S)
    is_late = resumed and times.iloc[0] > span_s[0]
    edges = pd.concat(
        [pd.Series([span_s[0]] if is_late else [], dtype="float64"), times, pd.Series([span_s[1]])],
        ignore_index=True,
    )
    found = pd.DataFrame({"begin_s": edges.shift(), "end_s": edges}).dropna()
    holes = found[(found["end_s"] - found["begin_s"] > longest_s) & (found["end_s"] > span_s[0])]
    return _joined(holes)


def is_late(scrapes: pd.DataFrame, span_s: tuple[float, float]) -> bool:
    """Tell whether the first scrape comes so late that there may be a hole before it."""
    return bool(len(scrapes) and scrapes["time_s"].min() > span_s[0] + LONGEST_STEP_S)


def _joined(holes: pd.DataFrame) -> list[Hole]:
    if holes.empty:
        return []
    holes = holes.sort_values("begin_s", kind="stable")
    reached = holes["end_s"].cummax().shift()
    group = (holes["begin_s"] > reached).cumsum()
    joined = holes.groupby(group).agg(
        start_s=("begin_s", "min"), end_s=("end_s", "max"), n_things=("end_s", "size")
    )
    columns = [joined[name].tolist() for name in ("start_s", "end_s", "n_things")]
    return [Hole(*values) for values in zip(*columns, strict=True)]
