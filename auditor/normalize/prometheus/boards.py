"""Readings of boards, and who held each board at each of them."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.domain.series import Samples
from auditor.normalize.prometheus.names import NOBODY, UNKNOWN, NamedPods

_PROFILE = re.compile(r"(\d+)g\.\d+gb")
# Slices of compute of a board that can be cut; all others have seven (NVIDIA MIG user guide).
_FOUR_SLICES = re.compile(r"\bA30\b|RTX.PRO.6000", re.IGNORECASE)
_SEVEN, _FOUR = 7, 4
_MS_PER_S = 1000.0


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
    two scrape jobs tell of one board is taken from the one that names pods.
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
        }
    )
    has_name = (labels["UUID"] != "").to_numpy()[samples.series]
    is_daemon = pods.runs["is_daemon"].to_numpy(dtype=bool)
    rows = rows[has_name & _is_of_best_job(rows, labels["job"], is_daemon)]
    rows = rows.sort_values(["board", "time_ms"], kind="stable")
    starts = rows["board"].ne(rows["board"].shift()) | rows["time_ms"].ne(rows["time_ms"].shift())
    rows["reading"] = starts.cumsum() - 1
    readings = rows.groupby("reading").agg({"board": "first", "time_ms": "first", "value": "max"})
    models = labels.drop_duplicates("UUID").set_index("UUID")["modelName"].reindex(uuids)
    shares = _shares(labels)
    holders = _counted(_holders(rows, labels["GPU_I_ID"], shares), readings, pods.runs)
    return Boards(pd.Index(uuids), readings.reset_index(drop=True), holders, models.tolist())


def intervals_s(boards: Boards) -> "pd.Series[float]":
    """Return how often each board is read: its median gap [s], by board.

    Of two middle gaps it is the shorter: a hole among few readings is none of its pace.
    """
    readings = boards.readings
    gaps = readings.groupby("board")["time_ms"].diff() / _MS_PER_S
    found = gaps.groupby(readings["board"]).quantile(0.5, interpolation="lower")
    return found.fillna(found.median())


def _is_of_best_job(
    rows: pd.DataFrame, jobs: "pd.Series[str]", is_daemon: npt.NDArray[np.bool_]
) -> "pd.Series[bool]":
    """Mark the samples of the scrape job that each board is taken from.

    It names pods that are known and no exporters, else fewest that are not, else tells most.
    """
    job_codes, _ = pd.factorize(jobs)
    job = pd.Series(job_codes[rows["series"]], index=rows.index)
    if len(np.unique(job_codes)) < 2:  # noqa: PLR2004  (nothing to choose)
        return pd.Series(data=True, index=rows.index)
    run = rows["run"].to_numpy()
    is_pod = run >= 0
    is_pod[is_pod] = ~is_daemon[run[is_pod]]
    told = pd.DataFrame(
        {"board": rows["board"], "job": job, "n_pods": is_pod, "n_other": run == UNKNOWN}
    )
    told["n_samples"] = 1
    counts = told.groupby(["board", "job"]).sum().reset_index()
    counts = counts.sort_values(
        ["n_pods", "n_other", "n_samples", "job"],
        ascending=[False, True, False, True],
        kind="stable",
    )
    best = counts.drop_duplicates("board").set_index("board")["job"]
    return job == rows["board"].map(best)


def _shares(labels: pd.DataFrame) -> "pd.Series[float]":
    """Return the share of its board that each series' slice is; NaN for a whole board."""
    n_slices = labels["GPU_I_PROFILE"].str.extract(_PROFILE)[0].astype("float64")
    n_all = labels["modelName"].str.contains(_FOUR_SLICES).map({True: _FOUR, False: _SEVEN})
    return n_slices / n_all


def _holders(
    rows: pd.DataFrame, instance: "pd.Series[str]", shares: "pd.Series[float]"
) -> pd.DataFrame:
    """Return who held what at each reading: a pod with two containers holds its part once."""
    held = rows[rows["run"] != NOBODY]
    held = held.assign(
        instance=pd.factorize(instance)[0][held["series"]],
        share=shares.to_numpy()[held["series"]],
    )
    held = held.drop_duplicates(["reading", "instance", "run"])
    n_sharing = held.groupby(["reading", "instance"])["run"].transform("size")
    share = held["share"].fillna(1.0) / n_sharing
    # More slices than the board is thought to have: their sum is the board.
    total = share.groupby(held["reading"]).transform("sum")
    share = share.where(total <= 1.0, share / total)
    columns = ["reading", "run", "value"]
    return held[columns].assign(share=share, n_units=1.0 / n_sharing).reset_index(drop=True)


def _counted(holders: pd.DataFrame, readings: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Count what is held as the pod's own request does: a replica of a card as its part of it."""
    board = readings["board"].to_numpy()[holders["reading"]]
    n_boards = pd.Series(board, index=holders.index).groupby(holders["run"]).nunique()
    asked = pd.Series(runs["n_gpu"].to_numpy()).reindex(holders["run"]).to_numpy()
    each = np.minimum(asked / n_boards.reindex(holders["run"]).to_numpy(), 1.0)
    return holders.assign(n_units=np.where(each > 0, each, holders["n_units"]))
