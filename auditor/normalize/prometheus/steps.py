"""Steps of a board: the energy between two readings, and whether it can be believed."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.paces import longest_step_s, paces_s

_CREDIBLE_RATIO = 1.5
# Of what a board can draw at most even an idle one draws more.
_LEAST_RATIO = 0.02
_J_PER_MJ = 1e-3
_MS_PER_S = 1000.0


def counter_steps(boards: Boards, plausible_w: NDArray[np.float64]) -> pd.DataFrame:
    """Return the steps of energy counters [mJ], each under its later reading.

    Columns board, reading, begin_s, end_s, energy_j, is_gap, is_good, most_w. Exporters that look
    less often than they are asked repeat a value, and one may hang: what the counter rose by is
    spread evenly over the time since its value was new, and judged over it. A counter that went
    back began anew: what it lost is not known. Nor is a rise believed of more than one and a half
    times what the board can draw, or after a stand that is longer than a gap: of less than an idle
    board draws, or if nobody saw the stand begin. A counter that stands so long to the last is not
    believed either.

    Parameters
    ----------
    plausible_w
        What each board can draw at most: their `most_w`.
    """
    steps, limit_s = _between(boards)
    board = boards.readings["board"]
    rises = _rises(boards.readings)
    # A repeated value belongs to the rise that ends it, under its next new value.
    is_new = boards.readings["value"].ne(boards.readings.groupby("board")["value"].shift())
    at = is_new.cumsum().to_numpy() - 1 - is_new.to_numpy()
    rise = rises.iloc[at].reset_index(drop=True)
    is_over = rise["energy_j"].notna()
    most_j = plausible_w[board] * _CREDIBLE_RATIO * rise["length_s"]
    is_long = rise["stood_s"] > limit_s
    is_believed = (rise["energy_j"] > 0) & (rise["energy_j"] <= most_j)
    is_caught_up = rise["energy_j"] >= plausible_w[board] * _LEAST_RATIO * rise["length_s"]
    is_believed &= ~is_long | (is_caught_up & ~rise["is_first"])
    watts = (rise["energy_j"] / rise["length_s"]).fillna(0.0)
    steps["energy_j"] = watts * (steps["end_s"] - steps["begin_s"])
    steps["is_good"] = is_believed.where(is_over, ~is_long)
    steps["most_w"] = plausible_w[board]
    return steps[steps["begin_s"].notna()].reset_index(drop=True)


def reading_steps(boards: Boards) -> pd.DataFrame:
    """Return the spans between readings: board, reading, begin_s, end_s, is_gap."""
    steps, _ = _between(boards)
    return steps[steps["begin_s"].notna()].reset_index(drop=True)


def power_steps(boards: Boards, plausible_w: NDArray[np.float64]) -> pd.DataFrame:
    """Return the steps of power gauges [W]: a reading stands for the time since the one before.

    After a gap, and at a board's first reading, it stands for one interval. Columns as those of
    `counter_steps`; none of them spans a gap, and `most_w` is NaN: what lies between two readings
    is not counted.
    """
    readings = boards.readings
    board = readings["board"]
    own_s = paces_s(readings)
    end_s = readings["time_ms"] / _MS_PER_S
    length_s = end_s - readings.groupby("board")["time_ms"].shift() / _MS_PER_S
    length_s = length_s.where(length_s <= longest_step_s(own_s), own_s.fillna(0.0))
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
            "most_w": np.nan,
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


def _between(boards: Boards) -> tuple[pd.DataFrame, "pd.Series[float]"]:
    """Return the span since the board's reading before for each, and how long is a gap there."""
    readings = boards.readings
    begin_s = readings.groupby("board")["time_ms"].shift() / _MS_PER_S
    end_s = readings["time_ms"] / _MS_PER_S
    limit_s = longest_step_s(paces_s(readings))
    steps = pd.DataFrame(
        {
            "board": readings["board"],
            "reading": np.arange(len(readings)),
            "begin_s": begin_s,
            "end_s": end_s,
            "is_gap": (end_s - begin_s) > limit_s,
        }
    )
    return steps, limit_s


def _rises(readings: pd.DataFrame) -> pd.DataFrame:
    """Return for each value that a counter had what it rose by when it left it.

    Columns energy_j and length_s (from the value's first reading to the next value's; NaN: it was
    the last), stood_s (from its first reading to its last) and is_first (nobody saw it come).
    """
    is_new = readings["value"].ne(readings.groupby("board")["value"].shift())
    values = readings.groupby(is_new.cumsum().to_numpy() - 1).agg(
        board=("board", "first"),
        value=("value", "first"),
        first_ms=("time_ms", "first"),
        last_ms=("time_ms", "last"),
    )
    by_board = values.groupby("board")
    return pd.DataFrame(
        {
            "energy_j": -by_board["value"].diff(-1) * _J_PER_MJ,
            "length_s": -by_board["first_ms"].diff(-1) / _MS_PER_S,
            "stood_s": (values["last_ms"] - values["first_ms"]) / _MS_PER_S,
            "is_first": by_board.cumcount() == 0,
        }
    )
