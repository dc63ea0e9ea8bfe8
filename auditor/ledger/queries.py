"""Answer questions from the book: DuckDB in the process, over the files of one snapshot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from auditor.domain.frames import BOOK, KEY, names
from auditor.domain.period import Period
from auditor.errors import LedgerError
from auditor.ledger.arrow_rows import SCHEMA, WORD_OF_OLD_FILES, to_frame
from auditor.ledger.book import Snapshot
from auditor.ledger.interface import Filters
from auditor.ledger.staging import DataFile

_US_PER_S = 1_000_000
# Else DuckDB makes two threads for each core of the host, whatever `threads` says.
ENGINE: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "async_threads": 2}
_FILES = (
    "read_parquet(?, hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
)
# The rows of some data files; a column that a file was written without is null there, also where
# all of them lack it: the relation without rows knows every column.
SOURCE = f"(SELECT * FROM {_FILES} UNION ALL BY NAME SELECT * FROM no_runs)"  # noqa: S608
_EXACT = ("user", "account", "cluster", "partition", "qos", "state")
# [start, end) of a run meets the period; a run of no length, or one that never started, counts
# where its end lies.
_OVERLAP = (
    "end_utc >= make_timestamptz(?) AND CASE"
    " WHEN start_utc IS NULL OR start_utc = end_utc THEN end_utc < make_timestamptz(?)"
    " ELSE start_utc < make_timestamptz(?) AND end_utc > make_timestamptz(?) END"
)
_JOB = (
    "(job_id IN (SELECT unnest(?)) OR raw_job_id IN (SELECT unnest(?))"
    " OR parent_job_id IN (SELECT unnest(?)))"
)


def read_runs(
    root: Path,
    snapshot: Snapshot,
    period: Period | None,
    filters: Filters,
    columns: Sequence[str] | None,
) -> pd.DataFrame:
    """Return the runs that overlap the period and pass the filters, dtypes of `BOOK`.

    Ordered by cluster, submit time, raw id and restarts, whatever the order of loading was.

    Raises
    ------
    KeyError
        There is no such column.
    LedgerError
        A data file is gone or damaged.
    """
    wanted = list(columns) if columns is not None else names(BOOK)
    fetched = [*wanted, *(name for name in KEY if name not in wanted)]
    files = [f for f in snapshot.files if _may_answer(f, period, filters)]
    nothing = SCHEMA.empty_table().select(fetched)
    try:
        found = _fetch(root, files, fetched, _conditions(period, filters)) if files else nothing
        frame = to_frame(found)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, pa.ArrowException, UnicodeDecodeError) as error:
        msg = f"the book of jobs in {root} cannot be read: {error}"
        raise LedgerError(msg, hint="`auditor check` says what is wrong.") from error
    order = np.lexsort(
        (
            frame["n_restarts"].to_numpy(),
            pd.factorize(frame["raw_job_id"], sort=True)[0],
            frame["submit_utc"].dt.tz_localize(None).to_numpy(),
            frame["cluster"].cat.set_categories(sorted(frame["cluster"].cat.categories)).cat.codes,
        )
    )
    return frame[wanted].take(order).reset_index(drop=True)


def _may_answer(file: DataFile, period: Period | None, filters: Filters) -> bool:
    if filters.cluster and file.partition.cluster not in filters.cluster:
        return False
    if period is None:
        return True
    low, high = file.bounds.low, file.bounds.high
    if "end_utc" not in high:
        return False
    starts_before = min(low.get("start_utc", low["end_utc"]), low["end_utc"])
    return (
        high["end_utc"] >= period.start_s * _US_PER_S and starts_before < period.end_s * _US_PER_S
    )


def _conditions(period: Period | None, filters: Filters) -> tuple[str, list[object]]:
    conditions, values = ["true"], list[object]()
    if period is not None:
        start_us, end_us = period.start_s * _US_PER_S, period.end_s * _US_PER_S
        conditions.append(_OVERLAP)
        values += [start_us, end_us, end_us, start_us]
    for name in _EXACT:
        chosen = list(getattr(filters, name))
        if chosen:
            marks = ", ".join("?" for _ in chosen)
            conditions.append(f'"{name}" IN ({marks})')
            values += chosen
    if filters.jobs:
        conditions.append(_JOB)
        values += [list(filters.jobs)] * 3
    return " AND ".join(conditions), values


@contextmanager
def reading() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the engine for queries over `SOURCE`."""
    with duckdb.connect(config=ENGINE) as connection:
        connection.register("no_runs", SCHEMA.empty_table())
        yield connection


def _expression(name: str) -> str:
    word = WORD_OF_OLD_FILES.get(name)
    return f'"{name}"' if word is None else f'coalesce("{name}", \'{word}\') AS "{name}"'


def _fetch(
    root: Path, files: list[DataFile], columns: list[str], where: tuple[str, list[object]]
) -> pa.Table:
    chosen = ", ".join(_expression(name) for name in columns)
    condition, values = where
    paths = [str(root / file.path) for file in files]
    with reading() as connection:
        found = connection.sql(
            f"SELECT {chosen} FROM {SOURCE} WHERE {condition}",  # noqa: S608  (our own columns and placeholders)
            params=[paths, *values],
        )
        return found.to_arrow_table()
