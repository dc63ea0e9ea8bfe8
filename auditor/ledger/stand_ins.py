"""Rows that lack part of their key: the same run as a row that has it.

Two kinds give way to a row that knows better, whatever the rank of either:

- Submit was taken from Start (from End for a run that never started). It is the run of that
  cluster and raw id that started (was given up) at its moment, whatever month that run is filed
  under; or that was submitted at its moment, as two runs of one job never share one. Of a pod it
  is that of its uid.
- The raw id was not told and the job id, 14_0 or 21+0, is in its place. It is the run of that
  cluster and job id with the same Submit or the same moment, whatever its raw id is. For a plain
  job the job id is the raw id.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from auditor.ledger.identity import RunKeys, joined
from auditor.ledger.job_names import Gift, gifts_between
from auditor.ledger.staging import DataFile
from auditor.ledger.supersede import KEPT, Fate

Mask = NDArray[np.bool_]
Ids = NDArray[np.uint64]


@dataclass
class Contest:
    """The rows of one cluster that a load decides on; its masks are written in place.

    `fates` and `stays` hold an array per data file, in the order of its rows; `gifts` are the
    names that rows take over from others.
    """

    incoming: list[DataFile]
    existing: list[DataFile]
    fates: dict[str, NDArray[np.uint8]]
    stays: dict[str, Mask]
    keys_of: Callable[[DataFile], RunKeys]
    job_ids_of: Callable[[DataFile], Ids]
    gifts: list[Gift] = field(default_factory=list)


@dataclass(frozen=True)
class _Kind:
    """Which rows give way to which; they meet where `ids_of` the one is the other's raw id."""

    gives_way: Callable[[RunKeys], Mask]
    goes_first: Callable[[RunKeys], Mask]
    ids_of: Callable[[Contest, DataFile, RunKeys], Ids]


_WITHOUT_SUBMIT = _Kind(
    gives_way=lambda keys: keys.is_stand_in,
    goes_first=lambda keys: ~keys.is_stand_in,
    ids_of=lambda _contest, _file, keys: keys.raw,
)
_WITHOUT_RAW_ID = _Kind(
    gives_way=lambda keys: keys.is_text,
    goes_first=lambda keys: keys.is_named,
    ids_of=lambda contest, file, _keys: contest.job_ids_of(file),
)


class _StandIns:
    """Some rows of data files that can hold stand-ins, to be looked up by raw id and instant."""

    def __init__(
        self, contest: Contest, files: list[DataFile], is_meant: Callable[[RunKeys], Mask]
    ) -> None:
        self.paths: list[str] = []
        self._rows: list[NDArray[np.intp]] = []
        found = []
        for file in files:
            if file.may_hold_stand_ins:
                keys = contest.keys_of(file)
                rows = np.flatnonzero(is_meant(keys))
                self.paths.append(file.path)
                self._rows.append(rows)
                found.append(keys.take(rows))
        keys = joined(found)
        self._n = len(keys)
        self._tables = []
        for instants in (keys.moment_us, keys.submit_us):
            order = np.lexsort((instants, keys.raw))
            self._tables.append((_pairs(keys.raw[order], instants[order]), order))

    def __len__(self) -> int:
        return self._n

    def partners(self, ids: Ids, keys: RunKeys) -> tuple[NDArray[np.intp], Mask]:
        """Return for each key one row here of its moment or Submit, else -1; and all those rows."""
        one_of = np.full(len(keys), -1, dtype=np.intp)
        met = np.zeros(len(self), dtype=np.bool_)
        instants = (keys.moment_us, keys.submit_us)
        for (ordered, order), instant_us in zip(self._tables, instants, strict=True):
            pairs = _pairs(ids, instant_us)
            low = np.searchsorted(ordered, pairs, side="left")
            high = np.searchsorted(ordered, pairs, side="right")
            is_found = high > low
            one_of[is_found] = order[low[is_found]]
            here = np.zeros(len(self) + 1, dtype=np.int64)
            np.add.at(here, low, 1)
            np.add.at(here, high, -1)
            met[order[np.cumsum(here)[:-1] > 0]] = True
        return one_of, met

    def rows_by_file(self, marked: Mask) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Yield, file by file, the rows that are marked."""
        first = 0
        for path, rows in zip(self.paths, self._rows, strict=True):
            yield path, rows[marked[first : first + len(rows)]]
            first += len(rows)

    def located(self, places: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the number of the path, and the row there, of some rows."""
        numbers = np.repeat(np.arange(len(self._rows)), [len(rows) for rows in self._rows])
        return numbers[places], np.concatenate(self._rows)[places]


def _pairs(ids: Ids, instant_us: NDArray[np.int64]) -> NDArray[np.void]:
    """Return pairs as records, which numpy compares field by field."""
    pairs = np.empty(len(ids), dtype=[("id", np.uint64), ("instant_us", np.int64)])
    pairs["id"], pairs["instant_us"] = ids, instant_us
    return pairs


def settle_stand_ins(contest: Contest) -> None:
    """Let every row that knows better win against its stand-ins, in the load and the book."""
    if not any(file.may_hold_stand_ins for file in (*contest.incoming, *contest.existing)):
        return
    for kind in (_WITHOUT_SUBMIT, _WITHOUT_RAW_ID):
        _settle_kind(contest, kind)
    _hand_names_on(contest)


def _settle_kind(contest: Contest, kind: _Kind) -> None:
    ours = _StandIns(contest, contest.incoming, kind.gives_way)
    theirs = _StandIns(contest, contest.existing, kind.gives_way)
    if not len(ours) and not len(theirs):
        return
    known_before = np.zeros(len(ours), dtype=np.bool_)
    known_now = np.zeros(len(ours), dtype=np.bool_)
    replaced = np.zeros(len(theirs), dtype=np.bool_)
    for file in contest.existing:
        _, ids, keys = _better(contest, kind, file)
        known_before |= ours.partners(ids, keys)[1]
    for file in contest.incoming:
        rows, ids, keys = _better(contest, kind, file)
        known_now |= ours.partners(ids, keys)[1]
        one_of, met = theirs.partners(ids, keys)
        replaced |= met
        fates, replacing = contest.fates[file.path], rows[one_of >= 0]
        fates[replacing[np.isin(fates[replacing], KEPT)]] = Fate.SUPERSEDES
    for marked, fate in ((known_before, Fate.UNCHANGED), (known_now, Fate.DUPLICATE)):
        for path, rows in ours.rows_by_file(marked):
            fates = contest.fates[path]
            fates[rows[np.isin(fates[rows], KEPT)]] = fate
    for path, rows in theirs.rows_by_file(replaced):
        contest.stays[path][rows] = False


def _better(contest: Contest, kind: _Kind, file: DataFile) -> tuple[NDArray[np.intp], Ids, RunKeys]:
    """Return the rows of a file that go first, their ids to meet by, and their keys."""
    keys = contest.keys_of(file)
    rows = np.flatnonzero(kind.goes_first(keys))
    if not len(rows):
        return rows, keys.raw[rows], keys.take(rows)
    return rows, kind.ids_of(contest, file, keys)[rows], keys.take(rows)


def _hand_names_on(contest: Contest) -> None:
    """Let rows with raw ids alone take over the job ids of the stand-ins that give way to them."""
    files = [*contest.incoming, *contest.existing]
    donors = _StandIns(contest, files, lambda keys: keys.is_stand_in & keys.is_named)
    if not len(donors):
        return
    for file in files:
        keys = contest.keys_of(file)
        rows = np.flatnonzero(~keys.is_stand_in & ~keys.is_named & ~keys.is_text)
        one_of, _ = donors.partners(keys.raw[rows], keys.take(rows))
        is_met = one_of >= 0
        numbers = np.zeros(int(is_met.sum()), dtype=np.intp)
        receivers = ([file.path], numbers, rows[is_met])
        contest.gifts += gifts_between(receivers, (donors.paths, *donors.located(one_of[is_met])))
