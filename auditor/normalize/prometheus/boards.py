"""Readings of boards, and who held each board at each of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from auditor.domain.series import Samples
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.presence import present
from auditor.normalize.prometheus.tellers import of_chosen_jobs

_PROFILE = re.compile(r"(\d+)g\.\d+gb")
# Slices of compute of a board that can be cut; all others have seven (NVIDIA MIG user guide).
_FOUR_SLICES = re.compile(r"\bA30\b|RTX.PRO.6000", re.IGNORECASE)
_SEVEN, _FOUR = 7, 4
# Boards that a pod is named on within so long it holds at a time.
_BIN_MS = 300_000


@dataclass(frozen=True)
class Boards:
    """Readings in order of board and time, and the pods that held the board at each.

    `readings`: board (code of `uuids`), time_ms, value. `holders`: reading (row of `readings`),
    run (row of the pods' runs, or UNKNOWN), share (of the board), n_units (accelerators that this
    is), value (of the pod's own series). `model_of` is each board's model, as the exporter calls
    it.
    """

    uuids: pd.Index
    readings: pd.DataFrame
    holders: pd.DataFrame
    model_of: list[str]


def boards_of(samples: Samples, pods: NamedPods) -> Boards:
    """Return the readings of all boards, each moment once.

    Of a board with several slices or sharers the same figure comes once for each: that is one
    reading. Slices hold their part of the board's slices of compute, sharers equal parts. What
    several scrape jobs tell of one board at a time is taken from one that names pods.
    """
    labels = samples.labels.reindex(
        columns=["UUID", "GPU_I_ID", "GPU_I_PROFILE", "modelName", "job"], fill_value=""
    ).fillna("")
    run = pods.places(samples.labels, samples.series, samples.time_ms)
    codes, uuids = pd.factorize(labels["UUID"])
    rows = pd.DataFrame(
        {
            "board": codes[samples.series],
            "time_ms": samples.time_ms,
            "value": samples.value,
            "run": run,
            "series": samples.series,
            "instance": pd.factorize(labels["GPU_I_ID"])[0][samples.series],
        }
    )
    rows = rows[(labels["UUID"] != "").to_numpy()[samples.series]]
    rows = of_chosen_jobs(rows, labels["job"], pods.runs["is_daemon"].to_numpy(dtype=bool))
    rows = rows.sort_values(["board", "time_ms"], kind="stable")
    starts = rows["board"].ne(rows["board"].shift()) | rows["time_ms"].ne(rows["time_ms"].shift())
    rows["reading"] = starts.cumsum() - 1
    readings = rows.groupby("reading").agg({"board": "first", "time_ms": "first", "value": "max"})
    models = labels.drop_duplicates("UUID").set_index("UUID")["modelName"].reindex(uuids)
    holders = _holders(present(rows, readings, pods.runs), _shares(labels))
    boards = Boards(pd.Index(uuids), readings.reset_index(drop=True), holders, models.tolist())
    return counted([boards], pods.runs)[0]


def counted(sets: Sequence[Boards], runs: pd.DataFrame) -> list[Boards]:
    """Count what is held as the pod's own request does: a replica of a card as its part of it.

    A pod that asked for replicas on several boards holds a part of each: of as many as it is seen
    to hold at a time, by whichever of the sets.
    """
    told = [_told(boards) for boards in sets]
    if not any(map(len, told)):
        return list(sets)
    each = pd.concat([one[["run", "time_ms", "uuid"]] for one in told], ignore_index=True)
    each["bin"] = each["time_ms"] // _BIN_MS
    n_now = each.groupby(["run", "bin"])["uuid"].nunique()
    n_boards = n_now.groupby("run").quantile(0.5, interpolation="higher")
    asked = pd.Series(runs["n_gpu"].to_numpy(dtype=np.float64))
    n_units = (asked.reindex(n_boards.index) / n_boards).clip(upper=1.0)
    return [
        replace(boards, holders=_in_units(boards.holders, n_units)) if len(one) else boards
        for boards, one in zip(sets, told, strict=True)
    ]


def _told(boards: Boards) -> pd.DataFrame:
    at = boards.holders["reading"].to_numpy()
    readings = boards.readings
    uuid = np.asarray(boards.uuids, dtype=object)[readings["board"].to_numpy()[at]]
    return boards.holders[["run"]].assign(time_ms=readings["time_ms"].to_numpy()[at], uuid=uuid)


def _in_units(holders: pd.DataFrame, n_units: "pd.Series[float]") -> pd.DataFrame:
    each = n_units.reindex(holders["run"]).to_numpy()
    return holders.assign(n_units=np.where(each > 0, each, holders["n_units"]))


def _shares(labels: pd.DataFrame) -> "pd.Series[float]":
    """Return the share of its board that each series' slice is; NaN for a whole board."""
    n_slices = labels["GPU_I_PROFILE"].str.extract(_PROFILE)[0].astype("float64")
    n_all = labels["modelName"].str.contains(_FOUR_SLICES).map({True: _FOUR, False: _SEVEN})
    return n_slices / n_all


def _holders(held: pd.DataFrame, shares: "pd.Series[float]") -> pd.DataFrame:
    """Return who held what at each reading: a pod with two containers holds its part once."""
    held = held.assign(share=shares.to_numpy()[held["series"]])
    held = held.drop_duplicates(["reading", "instance", "run"])
    n_sharing = held.groupby(["reading", "instance"])["run"].transform("size")
    share = held["share"].fillna(1.0) / n_sharing
    # More slices than the board is thought to have: their sum is the board.
    total = share.groupby(held["reading"]).transform("sum")
    share = share.where(total <= 1.0, share / total)
    columns = ["reading", "run", "value"]
    return held[columns].assign(share=share, n_units=1.0 / n_sharing).reset_index(drop=True)
