"""What the files of the book tell without being read: their versions, and the time they span."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.domain.period import Period
from auditor.ledger.book import Book, Snapshot
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.ledger.queries import read_runs
from auditor.ledger.staging import DataFile

_US_PER_S = 1_000_000
_COMMIT = re.compile(r"(\d{20})\.json")


@dataclass(frozen=True)
class BookStamp:
    """The newest version of a book and when it was written: equal stamps, equal books."""

    root: Path
    version: int
    written_ns: int


def book_stamp(ledger: Ledger) -> BookStamp:
    """Return the stamp of the book now, from the names in its log alone."""
    root = ledger.folder / "book"
    log = root / "_delta_log"
    versions = (int(found[1]) for path in log.iterdir() if (found := _COMMIT.fullmatch(path.name)))
    version = max(versions, default=0)
    commit = log / f"{version:020d}.json"
    return BookStamp(root, version, commit.stat().st_mtime_ns if commit.exists() else 0)


def first_start_utc(stamp: BookStamp) -> datetime | None:
    """Return an instant that no run of the book started or was given up before; None if empty."""
    lows = [_low_us(file) for file in Book(stamp.root).snapshot(stamp.version).files]
    known = [low for low in lows if low is not None]
    return datetime.fromtimestamp(min(known) // _US_PER_S, UTC) if known else None


def first_end_utc(stamp: BookStamp) -> datetime | None:
    """Return an instant that no run of the book ended before; None if empty."""
    files = Book(stamp.root).snapshot(stamp.version).files
    known = [file.bounds.low["end_utc"] for file in files if "end_utc" in file.bounds.low]
    return datetime.fromtimestamp(min(known) // _US_PER_S, UTC) if known else None


def spans_s(stamp: BookStamp, period: Period) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and end of the runs that overlap a period, in seconds since 1970. (n,) [s].

    One that never started begins where it was given up.
    """
    snapshot = Book(stamp.root).snapshot(stamp.version)
    rows = read_runs(stamp.root, snapshot, period, Filters(), ["start_utc", "end_utc"])
    end_utc = rows["end_utc"]
    starts, ends = (
        column.dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
        for column in (rows["start_utc"].fillna(end_utc), end_utc)
    )
    return starts, ends


def is_untouched(stamp: BookStamp, version: int, period: Period) -> bool:
    """Tell whether the runs of a period lie in the same files now as at an earlier version.

    If so nothing of them changed; if not, something may have.

    Raises
    ------
    LedgerError
        That version is gone.
    """
    book = Book(stamp.root)
    then, now = (_paths(book.snapshot(number), period) for number in (version, stamp.version))
    return then == now


def _paths(snapshot: Snapshot, period: Period) -> set[str]:
    return {file.path for file in snapshot.files if _may_meet(file, period)}


def _may_meet(file: DataFile, period: Period) -> bool:
    low, high = _low_us(file), file.bounds.high.get("end_utc")
    if low is None or high is None:
        return False
    return low < period.end_s * _US_PER_S and high >= period.start_s * _US_PER_S


def _low_us(file: DataFile) -> int | None:
    low = file.bounds.low
    instants = [low[name] for name in ("start_utc", "end_utc") if name in low]
    return min(instants, default=None)
