"""What meters said of pods, slot by slot: kept until a pod is long over and in the book."""

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime

import numpy as np
import pandas as pd

from auditor.domain.frames import METERS, check
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import micros_of

_SUMS = (
    "gpu_energy_j", "gpu_metered_s", "gpu_busy_s", "gpu_observed_s", "cpu_s", "cpu_metered_s",
)  # fmt: skip
_COVERED = "gpu_metered_s + gpu_observed_s + cpu_metered_s"
_MOST = "max_memory_bytes"
_TOTALS = ("uid", *_SUMS, _MOST)
# Spans of samples come back with the rounding of a float.
_ROUNDING = 1e-9


class MeterTable:
    """Sums of meters for each pod and slot, as the answer that covers most of a slot gave them."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def record(self, cluster: str, slot_utc: datetime, meters: pd.DataFrame) -> None:
        """Remember what an answer says of a slot, in the place of what an earlier one said.

        A slot is of one answer as a whole, as each answer shares boards out by itself: pods that
        it does not name any more have nothing. One that covers less time than what is known
        changes nothing: the meters were whole then, and have lost something since.

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
        rows = [
            (cluster, uid, slot_us, *sums)
            for uid, *sums in meters[list(_TOTALS)].astype("object").to_numpy().tolist()
        ]
        with self._desk.transaction() as connection:
            if _covered_s(connection, cluster, slot_us) * (1 - _ROUNDING) > _sum_s(meters):
                return
            # A pod that is not named any more keeps a row, so that its run is looked at again.
            connection.execute(
                f"UPDATE meters SET {', '.join(f'{name} = 0' for name in _SUMS)}, {_MOST} = NULL"  # noqa: S608
                " WHERE cluster = ? AND slot_us = ?",
                (cluster, slot_us),
            )
            connection.executemany(
                f"INSERT OR REPLACE INTO meters (cluster, uid, slot_us, {', '.join(_TOTALS[1:])})"  # noqa: S608
                " VALUES (?,?,?,?,?,?,?,?,?,?)",
                (tuple(None if cell != cell else cell for cell in row) for row in rows),  # noqa: PLR0124  (NaN)
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


def _covered_s(connection: sqlite3.Connection, cluster: str, slot_us: int) -> float:
    row = connection.execute(
        f"SELECT total({_COVERED}) FROM meters WHERE cluster = ? AND slot_us = ?",  # noqa: S608
        (cluster, slot_us),
    ).fetchone()
    return float(row[0])


def _sum_s(meters: pd.DataFrame) -> float:
    covered = meters[["gpu_metered_s", "gpu_observed_s", "cpu_metered_s"]].to_numpy()
    return float(np.nansum(covered))
