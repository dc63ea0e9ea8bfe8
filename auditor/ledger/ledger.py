"""The ledger: the book of jobs and the desk in one folder, and what can be asked of them."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self
from uuid import uuid4

import pandas as pd

from auditor.domain.frames import BOOK, check
from auditor.domain.period import Period
from auditor.errors import LedgerError
from auditor.ledger.book import Book, Snapshot
from auditor.ledger.data_files import checksum
from auditor.ledger.desk import Desk
from auditor.ledger.desk_audit import find_in_weeks
from auditor.ledger.file_table import FileRecord
from auditor.ledger.interface import (
    FactorSet,
    Filters,
    Finding,
    LoadBatch,
    LoadQuality,
    LoadReceipt,
    LoadSource,
)
from auditor.ledger.load_table import LoadRecord, window_us
from auditor.ledger.loading import Rule, Settled, settle, staging
from auditor.ledger.lock import writer_lock
from auditor.ledger.ownership import is_anything_there, opening_failed, refuse_root_of_others
from auditor.ledger.supersede import Fate
from auditor.ledger.tally import Tally

_US_PER_S = 1_000_000
_LOCK_TIMEOUT_S = 600.0
_NO_FILTERS = Filters()


class Ledger:
    """The two stores in one folder. Make one with `Ledger.open`; close it, or use `with`.

    `sources`, `meters`, `weeks`, `outbox`, `preferences` are tables of the desk and need no lock.
    """

    def __init__(self, folder: Path, lock_timeout_s: float) -> None:
        self.folder = folder
        self._lock_timeout_s = lock_timeout_s
        self._book = Book(folder / "book")
        self._desk = Desk(folder / "desk.sqlite")
        self.sources = self._desk.sources
        self.meters = self._desk.meters
        self.weeks = self._desk.weeks
        self.outbox = self._desk.outbox
        self.preferences = self._desk.preferences

    @classmethod
    def open(
        cls, folder: Path | str, *, create: bool, lock_timeout_s: float = _LOCK_TIMEOUT_S
    ) -> Self:
        """Open the ledger in a folder, or make an empty one.

        Raises
        ------
        LedgerError
            There is none and `create` is false, it cannot be read, or its path holds '=' or '%'.
        LedgerNotPermittedError
            It is another user's.
        """
        folder = Path(folder).absolute()
        _refuse_odd_path(folder)
        is_there = is_anything_there(folder)
        if not is_there and not create:
            msg = f"there is no ledger in {folder}"
            raise LedgerError(msg, hint="`auditor ingest FILE` makes one from an export.")
        if not is_there:
            refuse_root_of_others(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            ledger = cls(folder, lock_timeout_s)
            if not is_there:
                with writer_lock(folder / "lock", lock_timeout_s):
                    ledger._desk.migrate()
                    ledger._book.create()
            elif not ledger._desk.is_current:
                ledger._desk.migrate()
        except OSError as error:
            raise opening_failed(folder, error) from error
        return ledger

    def __enter__(self) -> Self:
        """Use it as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._desk.close()

    @property
    def version(self) -> int:
        """Version of the book now."""
        return self._book.snapshot().version

    def load(self, batches: Iterable[LoadBatch], source: LoadSource) -> LoadReceipt:
        """Take a load into the book as one commit, then remember it at the desk.

        The highest rank wins for each run, in the load and against the book; loading anything
        again, in any order, changes nothing. If it fails or is killed, the book is as before.
        """
        tally = Tally()
        settled, version = self._commit((batches, tally), Rule(), source)
        receipt = _receipt(tally, settled, version)
        self._desk.loads.record(
            LoadRecord(
                digest=self._desk.loads.name(source, tally.clusters),
                source=source.name,
                loaded_utc=source.loaded_utc,
                receipt=receipt,
                first_us=tally.first_us,
                last_us=tally.last_us,
                clusters=tuple(sorted(tally.clusters or filter(None, (source.cluster,)))),
                rejects=tuple(tally.rejects),
                notes=tuple(tally.notes),
                window_us=window_us(source),
            )
        )
        return receipt

    def replace_estimates(self, rows: Iterable[pd.DataFrame], source: LoadSource) -> LoadReceipt:
        """Replace runs by the same views with new estimates, as one commit.

        Runs that the book does not have, or has a later view of, are left alone (`n_unchanged`).
        """
        tally = Tally()
        batches = (LoadBatch(part, (), len(part), 0) for part in rows)
        rule = Rule(equal_wins=True, inserts=False)
        settled, version = self._commit((batches, tally), rule, source)
        receipt = _receipt(tally, settled, version)
        n_unknown = receipt.n_new
        return dataclasses.replace(receipt, n_new=0, n_unchanged=receipt.n_unchanged + n_unknown)

    def read(
        self,
        period: Period | None = None,
        filters: Filters = _NO_FILTERS,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pd.DataFrame:
        """Return the runs that overlap the period and pass the filters, dtypes of `BOOK`.

        A run that never started counts at the moment it was given up, one of no length at its
        start; a pending one only where there is no period. All columns unless some are named.
        """
        snapshot = self._book.snapshot(version)
        from auditor.ledger.queries import read_runs  # noqa: PLC0415  (a load asks nothing)

        return read_runs(self._book.root, snapshot, period, filters, columns)

    def read_in_parts(
        self, columns: Sequence[str] | None = None, version: int | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield all runs of one version, month by month of each cluster, so that memory is bounded.

        Other loads meanwhile change nothing about what is read.
        """
        from auditor.ledger.queries import read_runs  # noqa: PLC0415  (a load asks nothing)

        snapshot = self._book.snapshot(version)
        for partition in sorted({file.partition for file in snapshot.files}):
            files = tuple(file for file in snapshot.files if file.partition == partition)
            part = Snapshot(snapshot.version, files)
            yield read_runs(self._book.root, part, None, _NO_FILTERS, columns)

    def quality(
        self, period: Period | None = None, filters: Filters = _NO_FILTERS, n_shown: int = 50
    ) -> LoadQuality:
        """Return what the loads behind the period (and the clusters asked for) said."""
        span = None
        if period is not None:
            span = (period.start_s * _US_PER_S, period.end_s * _US_PER_S)
        return self._desk.loads.quality(span, filters.cluster, n_shown)

    def record_factor_set(self, factors: FactorSet) -> None:
        """Remember the factors of estimates; do it before the load that they belong to."""
        self._desk.factors.record(factors)

    def factor_set(self, factor_set_id: str) -> FactorSet | None:
        """Return the factors of an id and their grid series; None if nobody recorded them."""
        return self._desk.factors.find(factor_set_id)

    def check(self) -> tuple[Finding, ...]:
        """Return what is wrong with the ledger; nothing if it holds together.

        Files that the log names are there with the content that was written, every run is there
        once and in its place, components add up to energies and energies make carbon, times are
        consistent, the desk is sound and knows every load and the factors of every estimate, weeks
        were drawn from versions that were there, and mails are what they are known as.
        """
        from auditor.ledger.audit import (  # noqa: PLC0415  (a load asks nothing)
            factor_sets_of,
            find_in_book,
        )

        snapshot = self._book.snapshot()
        found = self._desk.findings(file.path for file in snapshot.files)
        if any(finding.code == "desk" for finding in found):
            return tuple(found)
        found += find_in_weeks(self.weeks.records(), self.version)
        checksum_of = {path: file.crc32 for path, file in self._desk.files.records().items()}
        found += find_in_book(self._book.root, snapshot, checksum_of)
        if not any(finding.code == "files" for finding in found):
            used = set(factor_sets_of(self._book.root, snapshot))
            unknown = sorted(used - set(self._desk.factors.ids()))
            if unknown:
                text = f"estimates rest on factors that nobody recorded: {', '.join(unknown[:3])}"
                found.append(Finding("factors", text, len(unknown)))
        return tuple(found)

    def vacuum(self, keep_days: int = 90) -> int:
        """Delete data files that only versions older than this used; return how many."""
        with writer_lock(self.folder / "lock", self._lock_timeout_s):
            n_deleted = self._book.vacuum(keep_days * 24)
            known = self._desk.files.records()
            self._desk.files.forget(p for p in known if not (self._book.root / p).exists())
            return n_deleted

    def _commit(
        self, given: tuple[Iterable[LoadBatch], Tally], rule: Rule, source: LoadSource
    ) -> tuple[Settled, int]:
        batches, tally = given
        load_id = uuid4().hex[:16]
        journal = self.folder / "loading"
        with (
            writer_lock(self.folder / "lock", self._lock_timeout_s),
            staging(self._book, load_id, journal) as staged,
        ):
            for part in tally.counted(batches):
                staged.add(check(part, BOOK))
            snapshot: Snapshot = self._book.snapshot()
            settled = settle(staged, self._book, snapshot, rule)
            if not settled.added and not settled.removed:
                return settled, snapshot.version
            digest = self._desk.loads.name(source, tally.clusters)
            self._desk.files.record(
                FileRecord(
                    path=file.path,
                    n_bytes=file.n_bytes,
                    crc32=checksum(self._book.root / file.path),
                    load_digest=digest if rule.inserts else None,
                    window_source=None if source.window is None else source.name,
                )
                for file in settled.added
            )
            metadata = {"load": load_id, "source": source.name, "digest": digest}
            return settled, self._book.commit(settled.added, settled.removed, metadata)


def _refuse_odd_path(folder: Path) -> None:
    """Refuse what the engines read as more than a name: `a=b` as a column, `%20` as a space."""
    if {"=", "%"} & set(str(folder)):
        msg = f"the ledger cannot live in {folder}: its path holds '=' or '%'"
        raise LedgerError(msg, hint="Choose another folder for [ledger] path.")


def _receipt(tally: Tally, settled: Settled, version: int) -> LoadReceipt:
    return LoadReceipt(
        n_new=settled.n_of[Fate.NEW],
        n_superseded=settled.n_of[Fate.SUPERSEDES],
        n_unchanged=settled.n_of[Fate.UNCHANGED],
        n_duplicate_in_load=settled.n_of[Fate.DUPLICATE],
        book_version=version,
        n_rows=tally.n_rows,
        n_jobs=tally.n_jobs,
        n_steps=tally.n_steps,
        n_rejects=tally.n_rejects,
        schedulers=tuple(sorted(tally.schedulers)),
    )
