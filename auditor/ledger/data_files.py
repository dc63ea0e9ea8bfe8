"""Read data files of the book piece by piece, and write them again without some rows."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditor.errors import LedgerError
from auditor.ledger.arrow_rows import DICTIONARY_COLUMNS, completed
from auditor.ledger.identity import IDENTITY_COLUMNS, RunKeys, raw_numbers, run_keys
from auditor.ledger.job_names import JOB_NAMES, NewNames
from auditor.ledger.staging import DataFile, StagedFiles

_READ_AT_ONCE_BYTES = 1 << 20


@contextmanager
def _opened(path: Path, *dictionaries: str) -> Iterator[pq.ParquetFile]:
    """Open a data file to be read.

    Raises
    ------
    LedgerError
        It is gone, or it is no longer what was written.
    """
    try:
        with pq.ParquetFile(path, read_dictionary=list(dictionaries)) as parquet:
            yield parquet
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        msg = f"the data file {path} cannot be read: {error}"
        raise LedgerError(msg, hint="`auditor check` says what is wrong.") from error


def file_keys(root: Path, file: DataFile) -> RunKeys:
    """Return the identity of the rows of one data file, in their order."""
    columns = [*IDENTITY_COLUMNS, "job_id"]
    with _opened(root / file.path) as parquet:
        return run_keys(parquet.read(columns=columns, use_threads=False))


def file_job_ids(root: Path, file: DataFile) -> NDArray[np.uint64]:
    """Return the job ids of one data file as `RunKeys.raw` has raw ids."""
    with _opened(root / file.path) as parquet:
        return raw_numbers(parquet.read(columns=["job_id"], use_threads=False).column("job_id"))


def file_names(root: Path, path: str, rows: NDArray[np.intp]) -> pa.Table:
    """Return what some rows of one data file say of their job's names."""
    with _opened(root / path) as parquet:
        return parquet.read(columns=list(JOB_NAMES), use_threads=False).take(pa.array(rows))


def copy_rows(
    root: Path,
    file: DataFile,
    keeps: NDArray[np.bool_],
    into: StagedFiles,
    names: NewNames | None = None,
) -> None:
    """Write the rows to keep of one data file once more, as part of a load."""
    first = 0
    for table in _row_groups(root / file.path):
        kept = keeps[first : first + len(table)]
        if kept.any():
            renamed = table if names is None else names.given_to(table, first)
            into.add_table(
                file.partition, renamed if kept.all() else renamed.filter(pa.array(kept))
            )
        first += len(table)


def _row_groups(path: Path) -> Iterator[pa.Table]:
    with _opened(path) as parquet:
        known = set(parquet.schema_arrow.names)
    with _opened(path, *(name for name in DICTIONARY_COLUMNS if name in known)) as parquet:
        for number in range(parquet.num_row_groups):
            yield completed(parquet.read_row_group(number, use_threads=False))


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    found = 0
    buffer = memoryview(bytearray(_READ_AT_ONCE_BYTES))
    with path.open("rb", buffering=0) as stream:
        while n_read := stream.readinto(buffer):
            found = zlib.crc32(buffer[:n_read], found)
    return found
