"""Read data files of the book piece by piece, and write them again without some rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from auditor.ledger.arrow_rows import DICTIONARY_COLUMNS
from auditor.ledger.identity import IDENTITY_COLUMNS, RunKeys, run_keys
from auditor.ledger.staging import DataFile, StagedFiles


def file_keys(root: Path, file: DataFile) -> RunKeys:
    """Return the identity of the rows of one data file, in their order."""
    columns = list(IDENTITY_COLUMNS)
    with pq.ParquetFile(root / file.path) as parquet:
        return run_keys(parquet.read(columns=columns, use_threads=False))


def copy_rows(root: Path, file: DataFile, keeps: NDArray[np.bool_], into: StagedFiles) -> None:
    """Write the rows to keep of one data file once more, as part of a load."""
    path = root / file.path
    first = 0
    with pq.ParquetFile(path, read_dictionary=list(DICTIONARY_COLUMNS)) as parquet:
        for number in range(parquet.num_row_groups):
            n_rows = parquet.metadata.row_group(number).num_rows
            kept = keeps[first : first + n_rows]
            first += n_rows
            if kept.any():
                table = parquet.read_row_group(number, use_threads=False)
                into.add_table(
                    file.partition, table if kept.all() else table.filter(pa.array(kept))
                )
