"""Steps of a board: the energy between two readings, and whether it can be believed."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.normalize.prometheus.boards import Boards, intervals_s

LONGEST_STEP_S = 300.0
_N_INTERVALS = 3
_CREDIBLE_RATIO = 1.5
_J_PER_MJ = 1e-3
_MS_PER_S = 1000.0


def longest_step_s(interval_s: "pd.Series[float]") -> "pd.Series[float]":
    """Return from which length on a step spans a gap: three intervals, and five minutes."""
    return (_N_INTERVALS * interval_s).clip(lower=LONGEST_STEP_S).fillna(LONGEST_STEP_S)


def counter_steps(boards: Boards, plausible_w: NDArray[np.float64]) -> pd.DataFrame:
    """Return the steps of energy counters [mJ], each under its later reading.

    Columns board, reading, begin_s, end_s, energy_j, is_gap, is_good. A counter that went back
    began anew: what it lost is not known, nor is a step believed of more than one and a half
    times what the board can draw, nor a counter that stands still for longer than a gap. Exporters
    that look less often than they are asked repeat a value: the step after it is judged over the
    whole time since.

    Parameters
    ----------
    plausible_w
        What each board can draw at most.
    """
    readings = boards.readings
    board = readings["board"]
    by_board = readings.groupby("board")
    begin_s = by_board["time_ms"].shift() / _MS_PER_S
    end_s = readings["time_ms"] / _MS_PER_S
    energy_j = by_board["value"].diff() * _J_PER_MJ
    limit_s = board.map(longest_step_s(intervals_s(boards))).to_numpy()
    group = (readings["value"].ne(by_board["value"].shift())).cumsum()
    group_times = end_s.groupby(group)
    since_s = group_times.transform("min").groupby(board).shift()
    stood_s = group_times.transform("max") - group_times.transform("min")
    longest_w = plausible_w[board] * _CREDIBLE_RATIO
    is_good = (energy_j >= 0) & (energy_j <= longest_w * (end_s - since_s))
    is_good &= (energy_j > 0) | (stood_s <= limit_s)
    steps = pd.DataFrame(
        {
            "board": board,
            "reading": np.arange(len(readings)),
            "begin_s": begin_s,
            "end_s": end_s,
            "energy_j": energy_j,
            "is_gap": (end_s - begin_s) > limit_s,
            "is_good": is_good,
        }
    )
    return steps[begin_s.notna()].reset_index(drop=True)


def power_steps(boards: Boards, plausible_w: NDArray[np.float64]) -> pd.DataFrame:
    """Return the steps of power gauges [W]: a reading stands for the time since the one before.

    After a gap, and at a board's first reading, it stands for one interval. Columns as those of
    `counter_steps`; none of them spans a gap.
    """
    readings = boards.readings
    board = readings["board"]
    interval_s = intervals_s(boards)
    own_s = board.map(interval_s).fillna(0.0)
    end_s = readings["time_ms"] / _MS_PER_S
    length_s = end_s - readings.groupby("board")["time_ms"].shift() / _MS_PER_S
    is_whole = length_s <= board.map(longest_step_s(interval_s))
    length_s = length_s.where(is_whole, own_s)
    power_w = readings["value"]
    return pd.DataFrame(
        {
            "board": board,
            "reading": np.arange(len(readings)),
            "begin_s": end_s - length_s,
            "end_s": end_s,
            "energy_j": power_w * length_s,
            "is_gap": False,
            "is_good": (power_w >= 0) & (power_w <= plausible_w[board] * _CREDIBLE_RATIO),
        }
    )


def lacking_boards(boards: Boards, steps: pd.DataFrame) -> list[str]:
    """Return the boards of which some step of the counter cannot be believed."""
    codes = steps.loc[~steps["is_good"], "board"].unique()
    alone = set(range(len(boards.uuids))) - set(steps["board"])
    return sorted(boards.uuids[sorted({*codes, *alone})])


def filling_steps(
    power: Boards, filled: pd.DataFrame, counters: Boards, steps: pd.DataFrame
) -> pd.DataFrame:
    """Return the steps of power that lie where the counter tells nothing that can be believed.

    Parameters
    ----------
    power, filled
        Boards with a power gauge, and their steps.
    counters, steps
        Boards with a counter, and its steps.
    """
    place = counters.uuids.get_indexer(power.uuids)
    wanted = filled[filled["is_good"]].assign(counter=lambda rows: place[rows["board"]])
    told = steps[["board", "end_s", "is_good", "begin_s"]].rename(
        columns={"board": "counter", "begin_s": "told_from_s"}
    )
    told["end_told_s"] = told["end_s"]
    wanted = wanted.drop(columns="is_good").sort_values("end_s", kind="stable")
    # Both gauges are read in the same scrape; a millisecond is their times' own rounding.
    both = pd.merge_asof(
        wanted, told.sort_values("end_s", kind="stable"), on="end_s", by="counter",
        direction="forward",
    )  # fmt: skip
    middle_s = (both["begin_s"] + both["end_s"]) / 2
    is_told = both["is_good"].eq(other=True) & (both["told_from_s"] < middle_s)
    left = both[~is_told].assign(is_good=True)
    return left[filled.columns].reset_index(drop=True)
