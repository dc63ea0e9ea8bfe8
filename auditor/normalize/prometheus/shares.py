"""Whose the steps of boards are: energy and the accelerator time that it covers, pod by pod."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.names import UNKNOWN
from auditor.normalize.prometheus.spread import idle_draw_w, spread_j

_PARTS = ["run", "energy_j", "covered_s"]


@dataclass(frozen=True)
class Attributed:
    """Energy of pods (`run`, `energy_j`, `covered_s`: accelerator seconds), and of nobody [J]."""

    parts: pd.DataFrame
    unattributed_j: float
    idle_j: float


def attribute(steps: pd.DataFrame, boards: Boards, runs: pd.DataFrame) -> Attributed:
    """Give each step to the pods that hold its board at the later reading.

    A step in which a pod began or ended by the recorded times is split at them, evenly in time;
    where nobody recorded them the step is the later holder's. A step across a gap is always spread
    over those who held the board meanwhile: the pods at its two ends, by their begin and end. The
    rest is nobody's; of a whole board it is no more than an idle one draws in that time, if that
    is known, as far as the pods can have drawn what is above it. What a pod's energy covers is its
    own time: from its begin, in its first step, and to its end, in the step after its last.

    Parameters
    ----------
    steps
        Of these boards: board, reading, begin_s, end_s, energy_j, is_gap, most_w (what the board
        can draw at most; NaN where its energy is not counted over the step); all are believed.
    runs
        By row: begin_ms, end_ms (NaN: open), is_begin_told, is_end_told (recorded, not inferred),
        is_daemon (an exporter itself: it holds nothing).
    """
    is_daemon = runs["is_daemon"].to_numpy()
    holders = boards.holders
    held = holders["run"].to_numpy()
    holders = holders[(held == UNKNOWN) | ~is_daemon[np.maximum(held, 0)]] if len(runs) else holders
    later = steps.merge(holders, on="reading")
    earlier = _gone(steps, boards, holders, later)
    both = pd.concat([_arrived(later, runs), _left(earlier, runs)], ignore_index=True)
    parts = pd.DataFrame(
        {
            "run": both["run"],
            "energy_j": spread_j(both, idle_draw_w(steps, boards, both)),
            "covered_s": both["held_s"] * both["n_units"],
        }
    )
    is_unknown = parts["run"] == UNKNOWN
    unattributed_j = float(parts.loc[is_unknown, "energy_j"].sum())
    of_pods = parts[~is_unknown].groupby("run", as_index=False)[_PARTS[1:]].sum()
    idle_j = float(steps["energy_j"].sum()) - unattributed_j - float(of_pods["energy_j"].sum())
    return Attributed(of_pods, unattributed_j, idle_j)


def summed(one: Attributed, other: Attributed) -> Attributed:
    """Return what two sets of steps come to together."""
    parts = pd.concat([one.parts, other.parts], ignore_index=True)
    return Attributed(
        parts.groupby("run", as_index=False).sum(),
        one.unattributed_j + other.unattributed_j,
        one.idle_j + other.idle_j,
    )


def _gone(
    steps: pd.DataFrame, boards: Boards, holders: pd.DataFrame, later: pd.DataFrame
) -> pd.DataFrame:
    """Return the holders at the earlier reading of each step that are not there at the later."""
    board = boards.readings["board"].to_numpy()[holders["reading"]]
    before = holders.assign(reading=holders["reading"] + 1, board=board)
    earlier = steps.merge(before, on=["reading", "board"])
    now = pd.MultiIndex.from_frame(later[["reading", "run"]])
    return earlier[~pd.MultiIndex.from_frame(earlier[["reading", "run"]]).isin(now)]


def _arrived(rows: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add how long within its step each holder at the later reading held the board.

    `held_s` is by all that is known of its times, `sure_s` by what is recorded of them; in
    `could_s` it may have drawn what an idle board does not.
    """
    from_s, is_told = _edge_s(rows, runs, "begin", rows["begin_s"])
    to_s, is_end_told = _edge_s(rows, runs, "end", rows["end_s"])
    to_s = to_s.where(is_end_told, rows["end_s"])
    held_s = (to_s - from_s).clip(lower=0.0)
    sure_s = (to_s - from_s.where(is_told | rows["is_gap"], rows["begin_s"])).clip(lower=0.0)
    return rows.assign(held_s=held_s, sure_s=sure_s, could_s=sure_s)


def _left(rows: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Add the same of those that had left by the later reading.

    One whose end nobody knows is taken to have left at its last reading.
    """
    to_s, is_told = _edge_s(rows, runs, "end", rows["begin_s"])
    from_s, is_begin_told = _edge_s(rows, runs, "begin", rows["begin_s"])
    from_s = from_s.where(is_begin_told, rows["begin_s"])
    held_s = (to_s - from_s).clip(lower=0.0)
    sure_s = held_s.where(is_told | rows["is_gap"], 0.0)
    # Where its begin is not recorded either, its first step already makes up for its last.
    is_cut_short = is_begin_told & ~is_told & ~rows["is_gap"]
    could_s = sure_s.where(~is_cut_short, rows["end_s"] - from_s)
    return rows.assign(held_s=held_s, sure_s=sure_s, could_s=could_s)


def _edge_s(
    rows: pd.DataFrame, runs: pd.DataFrame, edge: str, otherwise_s: "pd.Series[float]"
) -> "tuple[pd.Series[float], pd.Series[bool]]":
    """Return each holder's begin or end within its step, and whether it is recorded."""
    told_s = runs[f"{edge}_ms"].reset_index(drop=True).reindex(rows["run"]) / 1000.0
    is_told = runs[f"is_{edge}_told"].reset_index(drop=True).reindex(rows["run"])
    edge_s = told_s.set_axis(rows.index).fillna(otherwise_s)
    return (
        edge_s.clip(lower=rows["begin_s"], upper=rows["end_s"]),
        is_told.set_axis(rows.index).eq(other=True),
    )
