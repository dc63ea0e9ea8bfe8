"""Whose the steps of boards are: energy and the accelerator time that it covers, pod by pod."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.normalize.prometheus.boards import Boards
from auditor.normalize.prometheus.names import UNKNOWN

_PARTS = ["run", "energy_j", "covered_s"]


@dataclass(frozen=True)
class Attributed:
    """Energy of pods (`run`, `energy_j`, `covered_s`: accelerator seconds), and of nobody [J]."""

    parts: pd.DataFrame
    unattributed_j: float
    idle_j: float


def attribute(steps: pd.DataFrame, boards: Boards, runs: pd.DataFrame) -> Attributed:
    """Give each step to the pods that hold its board at the later reading.

    A step across a gap is spread evenly in time over those who held the board meanwhile: the pods
    at its two ends, by their begin and end; the rest is nobody's. What a pod's energy covers is
    its own time: from its begin, in its first step, and to its end, in the step after its last.

    Parameters
    ----------
    steps
        Of these boards: reading, begin_s, end_s, energy_j, is_gap; all are believed.
    runs
        By row: begin_ms, end_ms (NaN: open), is_daemon (an exporter itself: it holds nothing).
    """
    is_daemon = runs["is_daemon"].to_numpy()
    holders = boards.holders
    held = holders["run"].to_numpy()
    holders = holders[(held == UNKNOWN) | ~is_daemon[np.maximum(held, 0)]] if len(runs) else holders
    later = steps.merge(holders, on="reading")
    earlier = _gone(steps, holders, later)
    both = pd.concat(
        [_clipped(later, runs, from_begin=True), _clipped(earlier, runs, from_begin=False)],
        ignore_index=True,
    )
    energy_j = np.where(both["is_gap"], _spread(both), both["energy_j"] * both["share"])
    energy_j = np.where(~both["is_gap"] & both["is_gone"], 0.0, energy_j)
    parts = pd.DataFrame(
        {
            "run": both["run"],
            "energy_j": energy_j,
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


def _gone(steps: pd.DataFrame, holders: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Return the holders at the earlier reading of each step that are not there at the later."""
    before = holders.assign(reading=holders["reading"] + 1)
    earlier = steps.merge(before, on="reading")
    now = pd.MultiIndex.from_frame(later[["reading", "run"]])
    return earlier[~pd.MultiIndex.from_frame(earlier[["reading", "run"]]).isin(now)]


def _clipped(rows: pd.DataFrame, runs: pd.DataFrame, *, from_begin: bool) -> pd.DataFrame:
    """Add how long within its step each holder held the board, by its begin or its end."""
    column = "begin_ms" if from_begin else "end_ms"
    told_s = pd.Series(runs[column].to_numpy() / 1000.0).reindex(rows["run"]).to_numpy()
    begin_s, end_s = rows["begin_s"].to_numpy(), rows["end_s"].to_numpy()
    edge_s = np.clip(told_s, begin_s, end_s)
    if from_begin:
        held_s = np.where(np.isnan(edge_s), end_s - begin_s, end_s - edge_s)
    else:
        # One whose end nobody knows is taken to have left at its last reading.
        held_s = np.where(np.isnan(edge_s), 0.0, edge_s - begin_s)
    return rows.assign(held_s=held_s, is_gone=not from_begin)


def _spread(rows: pd.DataFrame) -> "pd.Series[float]":
    """Return each holder's energy of a step by its share of the board and of the time."""
    length_s = rows["end_s"] - rows["begin_s"]
    part = rows["held_s"] * rows["share"] / length_s
    total = part.groupby([rows["reading"]]).transform("sum")
    return rows["energy_j"] * part.where(total <= 1.0, part / total)
