"""Runs as the book's Arrow tables and back: dictionaries stay dictionaries, NaN is null."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from auditor.domain.frames import (
    BOOK,
    CATEGORY,
    FLAG,
    INSTANT,
    NUMBER,
    TEXT,
    WHOLE,
    Column,
)

PARTITIONS = ("cluster", "submit_month")
_DTYPE_OF = {column.name: column.dtype for column in BOOK}
_ARROW_TYPES = {
    CATEGORY: pa.string(),
    TEXT: pa.string(),
    INSTANT: pa.timestamp("us", tz="UTC"),
    NUMBER: pa.float64(),
    WHOLE: pa.int64(),
    FLAG: pa.bool_(),
}
# The book's columns as any engine sees them; the partition columns live in the paths only.
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in PARTITIONS),
        *((c.name, _ARROW_TYPES[c.dtype]) for c in BOOK if c.name not in PARTITIONS),
    ]
)
FILE_COLUMNS = tuple(column for column in BOOK if column.name not in PARTITIONS)
DICTIONARY_COLUMNS = tuple(c.name for c in FILE_COLUMNS if c.dtype == CATEGORY)
# What files that were written before a column was thought of say of their runs; null in others.
WORD_OF_OLD_FILES = {"scheduler": "slurm"}


def to_arrow(rows: pd.DataFrame, order: NDArray[np.intp]) -> pa.Table:
    """Return some rows, in an order, as a data file holds them: NaN and NaT are null.

    Each column is gathered by itself: taking rows of a frame first costs five times as much.
    """
    return pa.table(
        {column.name: _array(rows[column.name], column, order) for column in FILE_COLUMNS}
    )


def _array(values: pd.Series, column: Column, order: NDArray[np.intp]) -> pa.Array:
    if column.dtype == CATEGORY:
        codes = values.cat.codes.to_numpy().take(order, mode="clip").astype(np.int32)
        words = pa.array(values.cat.categories.to_numpy(dtype=object), type=pa.string())
        return pa.DictionaryArray.from_arrays(_nulled(codes, codes < 0), words)
    if column.dtype == INSTANT:
        instants = pa.array(values.dt.tz_localize(None).to_numpy().take(order, mode="clip"))
        return instants.cast(_ARROW_TYPES[INSTANT])
    if column.dtype == TEXT:
        text = pa.array(values, type=pa.large_string())
        text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        return text.take(pa.array(order))
    numbers = values.to_numpy().take(order, mode="clip")
    return _nulled(numbers, np.isnan(numbers)) if column.dtype == NUMBER else pa.array(numbers)


def _nulled(values: NDArray[Any], is_missing: NDArray[np.bool_]) -> pa.Array:
    """Return values with nulls; without any, at no cost (`from_pandas` takes 500 times as long)."""
    return pa.array(values, mask=is_missing) if is_missing.any() else pa.array(values)


def completed(table: pa.Table) -> pa.Table:
    """Return the rows of a data file with all columns of a file as it is written now."""
    if table.column_names == [column.name for column in FILE_COLUMNS]:
        return table
    known = set(table.column_names)
    return pa.table(
        {
            column.name: table.column(column.name)
            if column.name in known
            else _absent(column, len(table))
            for column in FILE_COLUMNS
        }
    )


def _absent(column: Column, n_rows: int) -> pa.Array:
    if column.dtype != CATEGORY:
        return pa.nulls(n_rows, _ARROW_TYPES[column.dtype])
    word = WORD_OF_OLD_FILES.get(column.name)
    codes = pa.nulls(n_rows, pa.int32()) if word is None else pa.array(np.zeros(n_rows, np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array([word or ""], type=pa.string()))


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a table of book columns as a frame with the dtypes of `domain.frames.BOOK`."""
    return pd.DataFrame({name: _series(table.column(name), name) for name in table.column_names})


def _series(column: pa.ChunkedArray, name: str) -> pd.Series:
    dtype = _DTYPE_OF.get(name, CATEGORY)
    if dtype == CATEGORY:
        return pd.Series(_categorical(column))
    if dtype == TEXT:
        return pd.Series(column.cast(pa.large_string()).to_pandas(), dtype=TEXT)
    if dtype == INSTANT:
        return pd.Series(column.cast(_ARROW_TYPES[INSTANT]).to_pandas(), dtype=INSTANT)
    if dtype == NUMBER:
        return pd.Series(column.to_numpy().astype(np.float64, copy=False))
    return pd.Series(column.to_numpy(), dtype=dtype)


def _categorical(column: pa.ChunkedArray) -> pd.Categorical:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    words = pd.Index(array.dictionary.to_pylist(), dtype=TEXT)
    return pd.Categorical.from_codes(codes, categories=words)
