"""How often boards are read, and from which length on a step between two readings is a gap."""

import pandas as pd

LONGEST_STEP_S = 300.0
_N_INTERVALS = 3
_N_NEAR = 5
_LEAST_NEAR = 3
_MS_PER_S = 1000.0


def longest_step_s(interval_s: "pd.Series[float]") -> "pd.Series[float]":
    """Return from which length on a step spans a gap: three intervals, and five minutes."""
    return (_N_INTERVALS * interval_s).clip(lower=LONGEST_STEP_S).fillna(LONGEST_STEP_S)


def paces_s(readings: pd.DataFrame) -> "pd.Series[float]":
    """Return by reading how often its board was read thereabouts [s].

    It is the median of the five gaps before or of the five after, whichever is longer, as the
    interval of scrapes may be changed. Of two middle gaps it is the shorter: a hole among few
    readings is none of its pace. A pace of more than five minutes is believed only of a board that
    is mostly read so.

    Parameters
    ----------
    readings
        In order of board and time: board, time_ms.
    """
    board = readings["board"]
    gap_s = readings.groupby("board")["time_ms"].diff() / _MS_PER_S
    usual_s = gap_s.groupby(board).quantile(0.5, interpolation="lower")
    usual_s = usual_s.fillna(usual_s.median())
    pace_s = board.map(usual_s).astype("float64")
    # Elsewhere nothing can be a gap, at whatever pace.
    has_long = (gap_s > LONGEST_STEP_S).groupby(board).transform("any")
    if not has_long.any():
        return pace_s
    doubtful, boards = gap_s[has_long], board[has_long]
    before = _near(doubtful, boards).groupby(boards).shift(1)
    after = _near(doubtful[::-1], boards[::-1]).groupby(boards).shift(-1)
    near_s = pd.concat([before, after], axis="columns").max(axis="columns")
    most_s = pace_s.clip(lower=LONGEST_STEP_S)
    return near_s.reindex(readings.index).fillna(pace_s).clip(upper=most_s)


def _near(gap_s: "pd.Series[float]", board: "pd.Series[int]") -> "pd.Series[float]":
    rolling = gap_s.groupby(board).rolling(_N_NEAR, min_periods=_LEAST_NEAR)
    return rolling.quantile(0.5, interpolation="lower").droplevel(0).sort_index()
