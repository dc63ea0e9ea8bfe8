"""Rows whose Submit was taken from Start: the same run as a row that knows its Submit.

A stand-in is the run of that cluster and raw id that started at its instant, whatever month that
run is filed under; or that was submitted at its instant, as two runs of one job never share one.
It gives way to the row that knows better.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.ledger.identity import RunKeys, joined
from auditor.ledger.staging import DataFile
from auditor.ledger.supersede import KEPT, Fate


@dataclass
class Contest:
    """The rows of one cluster that a load decides on; its masks are written in place.

    `fates` and `stays` hold an array per data file, in the order of its rows.
    """

    incoming: list[DataFile]
    existing: list[DataFile]
    fates: dict[str, NDArray[np.uint8]]
    stays: dict[str, NDArray[np.bool_]]
    keys_of: Callable[[DataFile], RunKeys]


class _StandIns:
    """The stand-ins of some data files, to be looked up by raw id and instant."""

    def __init__(self, contest: Contest, files: list[DataFile]) -> None:
        self._rows: list[tuple[str, NDArray[np.intp]]] = []
        found = []
        for file in files:
            if file.may_hold_stand_ins:
                keys = contest.keys_of(file)
                rows = np.flatnonzero(keys.is_stand_in)
                self._rows.append((file.path, rows))
                found.append(keys.take(rows))
        keys = joined(found)
        self._order = np.lexsort((keys.start_us, keys.raw))
        self._pairs = _pairs(keys.raw[self._order], keys.start_us[self._order])

    def __len__(self) -> int:
        return len(self._pairs)

    def partners(self, keys: RunKeys) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Return which of `keys`, that know their Submit, are here, and the rows here they are."""
        is_found = np.zeros(len(keys), dtype=np.bool_)
        ours: list[NDArray[np.intp]] = []
        for instants in (keys.start_us, keys.submit_us):
            pairs = _pairs(keys.raw, instants)
            low = np.searchsorted(self._pairs, pairs, side="left")
            high = np.searchsorted(self._pairs, pairs, side="right")
            is_found |= high > low
            here = np.zeros(len(self) + 1, dtype=np.int64)
            np.add.at(here, low, 1)
            np.add.at(here, high, -1)
            ours.append(self._order[np.cumsum(here)[:-1] > 0])
        return is_found, np.concatenate(ours)

    def rows_by_file(self, marked: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Yield, file by file, the rows that are marked."""
        first = 0
        for path, rows in self._rows:
            yield path, rows[marked[first : first + len(rows)]]
            first += len(rows)


def _pairs(raw: NDArray[np.uint64], instant_us: NDArray[np.int64]) -> NDArray[np.void]:
    """Return pairs as records, which numpy compares field by field."""
    pairs = np.empty(len(raw), dtype=[("raw", np.uint64), ("instant_us", np.int64)])
    pairs["raw"], pairs["instant_us"] = raw, instant_us
    return pairs


def settle_stand_ins(contest: Contest) -> None:
    """Let every row that knows its Submit win against its stand-ins, in the load and the book."""
    ours, theirs = _StandIns(contest, contest.incoming), _StandIns(contest, contest.existing)
    if not len(ours) and not len(theirs):
        return
    known_before = np.zeros(len(ours), dtype=np.bool_)
    known_now = np.zeros(len(ours), dtype=np.bool_)
    replaced = np.zeros(len(theirs), dtype=np.bool_)
    for file in contest.existing:
        keys = contest.keys_of(file)
        known_before[ours.partners(keys.take(~keys.is_stand_in))[1]] = True
    for file in contest.incoming:
        keys, fates = contest.keys_of(file), contest.fates[file.path]
        known_now[ours.partners(keys.take(~keys.is_stand_in))[1]] = True
        is_known = ~keys.is_stand_in & np.isin(fates, KEPT)
        is_found, partners = theirs.partners(keys.take(is_known))
        replaced[partners] = True
        fates[np.flatnonzero(is_known)[is_found]] = Fate.SUPERSEDES
    for marked, fate in ((known_before, Fate.UNCHANGED), (known_now, Fate.DUPLICATE)):
        for path, rows in ours.rows_by_file(marked):
            fates = contest.fates[path]
            fates[rows[np.isin(fates[rows], KEPT)]] = fate
    for path, rows in theirs.rows_by_file(replaced):
        contest.stays[path][rows] = False
