"""What meters said of pods, slot by slot: kept until a pod is long over and in the book."""

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

import pandas as pd

from auditor.domain.frames import METERS, check
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import micros_of

_SUMS = (
    "gpu_energy_j", "gpu_metered_s", "gpu_busy_s", "gpu_observed_s", "cpu_s", "cpu_metered_s",
)  # fmt: skip
# Meters of boards, which pods share, each with what shows how much of a slot it covers: joules,
# as how many accelerators a pod has may come to be known later.
_SHARED = (
    ("gpu_energy_j", ["gpu_energy_j", "gpu_metered_s"]),
    ("gpu_observed_s", ["gpu_busy_s", "gpu_observed_s"]),
)
_OWN = ["cpu_s", "cpu_metered_s"]
_MOST = "max_memory_bytes"
_TOTALS = ("uid", *_SUMS, _MOST)
# Spans of samples come back with the rounding of a float.
_ROUNDING = 1e-9


class MeterTable:
    """Sums of meters for each pod and slot, as the answers that cover most of a slot gave them."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def record(self, cluster: str, slot_utc: datetime, meters: pd.DataFrame) -> None:
        """Remember what an answer says of a slot beside what earlier ones said.

        Each meter is judged by itself, by the time that it covers; of two that cover the same the
        later answer knows better whose it was. Processors and memory are a pod's own: the answer
        that covers most of a pod counts for it. Boards are shared out among pods: energy and use
        are of one answer as a whole, and pods that it does not name any more have none. But an
        answer that knows no processor time any more of a pod that had some has lost sight of its
        node: what was known of that pod stays.

        Parameters
        ----------
        meters
            A frame of METERS, all of this slot.
        """
        check(meters, METERS)
        slot_us = micros_of(slot_utc)
        if meters["uid"].duplicated().any() or (meters["slot_utc"] != slot_utc).any():
            msg = "meters of one slot name each pod once"
            raise ValueError(msg)
        new = meters[list(_TOTALS)].set_index("uid")
        with self._desk.transaction() as connection:
            old = _known(connection, cluster, slot_us)
            kept = _merged(old, new).astype("object").reset_index()
            connection.executemany(
                f"INSERT OR REPLACE INTO meters (cluster, uid, slot_us, {', '.join(_TOTALS[1:])})"  # noqa: S608
                " VALUES (?,?,?,?,?,?,?,?,?,?)",
                (
                    (cluster, uid, slot_us, *(None if cell != cell else cell for cell in sums))  # noqa: PLR0124  (NaN)
                    for uid, *sums in kept.to_numpy().tolist()
                ),
            )

    def totals(self, cluster: str, uids: Collection[str] | None = None) -> pd.DataFrame:
        """Return the sums over all slots of pods; all of a cluster where none are named.

        Returns
        -------
        One row for each pod that has any: `uid`, the sums of METERS, and the highest
        `max_memory_bytes` (NaN where nobody looked).
        """
        sums = ", ".join(f"total({name})" for name in _SUMS)
        chosen, values = "", [cluster]
        if uids is not None:
            chosen = " AND uid IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(sorted(uids)))
        rows = self._desk.rows(
            f"SELECT uid, {sums}, max({_MOST}) FROM meters WHERE cluster = ?{chosen}"  # noqa: S608
            " GROUP BY uid ORDER BY uid",
            values,
        )
        frame = pd.DataFrame(rows, columns=list(_TOTALS))
        return frame.astype({"uid": "str", **dict.fromkeys((*_SUMS, _MOST), "float64")})

    def pods_of(self, cluster: str, slot_utc: datetime) -> frozenset[str]:
        """Return the uids that a slot has something of, or had once."""
        rows = self._desk.rows(
            "SELECT uid FROM meters WHERE cluster = ? AND slot_us = ?",
            (cluster, micros_of(slot_utc)),
        )
        return frozenset(row[0] for row in rows)

    def forget(self, cluster: str, before_utc: datetime, but: Collection[str] = ()) -> int:
        """Forget pods that have nothing since a moment, but some; return how many.

        What the book says of them is all that is left then: their meters are not taken in again.
        """
        with self._desk.transaction() as connection:
            gone = connection.execute(
                "SELECT uid FROM meters WHERE cluster = ? GROUP BY uid HAVING max(slot_us) < ?",
                (cluster, micros_of(before_utc)),
            ).fetchall()
            left = [(cluster, uid) for (uid,) in gone if uid not in but]
            connection.executemany("DELETE FROM meters WHERE cluster = ? AND uid = ?", left)
        return len(left)


def _known(connection: sqlite3.Connection, cluster: str, slot_us: int) -> pd.DataFrame:
    rows = connection.execute(
        f"SELECT {', '.join(_TOTALS)} FROM meters WHERE cluster = ? AND slot_us = ?",  # noqa: S608
        (cluster, slot_us),
    ).fetchall()
    types = {"uid": "str", **dict.fromkeys((*_SUMS, _MOST), "float64")}
    return pd.DataFrame(rows, columns=list(_TOTALS)).astype(types).set_index("uid")


def _merged(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return of two answers, by uid, what each tells best.

    Every pod keeps a row, also one that has nothing any more: its run is looked at again.
    """
    uids = old.index.union(new.index)
    # Zeros of pods that an answer does not name; of memory they say nothing.
    before, now = (one.reindex(uids).fillna(dict.fromkeys(_SUMS, 0.0)) for one in (old, new))
    has_no_node = (now["cpu_metered_s"] == 0) & (before["cpu_metered_s"] > 0)
    kept = before.copy()
    for covered, names in _SHARED:
        is_lost = has_no_node & (now[covered] <= before[covered])
        least = before.loc[~is_lost, covered].sum() * (1 - _ROUNDING)
        if now[covered].sum() >= least:
            kept[names] = before[names].where(is_lost, now[names])
    is_better = now["cpu_metered_s"] >= before["cpu_metered_s"] * (1 - _ROUNDING)
    kept[_OWN] = now[_OWN].where(is_better, before[_OWN])
    kept[_MOST] = now[_MOST].where(is_better, before[_MOST]).fillna(before[_MOST])
    return kept
