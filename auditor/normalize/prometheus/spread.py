"""Who drew the energy of a step: its holders, and nobody no more than an idle board draws."""

import pandas as pd

from auditor.normalize.prometheus.boards import Boards


def idle_draw_w(steps: pd.DataFrame, boards: Boards, held: pd.DataFrame) -> "pd.Series[float]":
    """Return by row of `held` what its board draws while nobody holds it [W]; NaN: nobody knows.

    It is the median of the board's own free steps, else of those of the boards of its model. A gap
    tells nothing: somebody may have come and gone in it.

    Parameters
    ----------
    steps
        As for `attribute`.
    held
        Holders at either end of a step: board, reading (the step's later one).
    """
    free = steps[~steps["reading"].isin(held["reading"]) & ~steps["is_gap"]]
    own_w = (free["energy_j"] / (free["end_s"] - free["begin_s"])).groupby(free["board"]).median()
    model = pd.Series([name or None for name in boards.model_of], dtype="str")
    alike_w = own_w.groupby(model.reindex(own_w.index)).median()
    return held["board"].map(own_w).fillna(held["board"].map(model.map(alike_w)))


def spread_j(rows: pd.DataFrame, idle_w: "pd.Series[float]") -> "pd.Series[float]":
    """Return each holder's energy of its step, in all at most the step's [J].

    It is spread by the shares of the board and evenly in time. What that leaves for nobody above
    the idle draw is the holders' as well, by what they can have drawn. A step in which a board is
    sliced or shared stays even: what an idle part of it draws nobody knows.

    Parameters
    ----------
    rows
        Holders of steps: board, reading, run, share, begin_s, end_s, energy_j, is_gap, most_w (of
        the step), sure_s (held for certain), could_s (may have drawn more than an idle board).
    idle_w
        What the board of each row draws while nobody holds it; NaN where nobody knows.
    """
    length_s = rows["end_s"] - rows["begin_s"]
    part = (rows["sure_s"] * rows["share"] / length_s).fillna(0.0)
    total = part.groupby(rows["reading"]).transform("sum")
    part = part.where(total <= 1.0, part / total)
    even_j = rows["energy_j"] * part
    is_whole = rows["share"].eq(1.0).groupby(rows["reading"]).transform("all")
    above_j = (rows["energy_j"] - idle_w * length_s) * (1.0 - total).clip(lower=0.0)
    above_j = above_j.where(is_whole, 0.0).clip(lower=0.0)
    room_j = (_most_w(rows, part) * rows["could_s"] - even_j).clip(lower=0.0)
    all_room_j = room_j.groupby(rows["reading"]).transform("sum")
    return even_j + (room_j * (above_j / all_room_j).clip(upper=1.0)).fillna(0.0)


def _most_w(rows: pd.DataFrame, part: "pd.Series[float]") -> "pd.Series[float]":
    """Return what each holder can have drawn: what its board can, in a gap what it was seen to.

    Others may have come and gone in a gap, whose energy is not to be the holder's.
    """
    watts = rows["energy_j"] / (rows["end_s"] - rows["begin_s"])
    seen_w = watts.where((part == 1.0) & ~rows["is_gap"])
    seen_w = seen_w.groupby([rows["board"], rows["run"]]).transform("max")
    return seen_w.where(rows["is_gap"]).fillna(rows["most_w"])
