"""The columns of a raw frame as Arrow text, read by their distinct strings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ARROW_TEXT = pd.ArrowDtype(pa.string())


@dataclass(frozen=True)
class Encoded:
    """A column as codes into its distinct strings: `distinct[codes[i]]` is the cell of row i."""

    codes: NDArray[np.int32]
    distinct: list[str]

    @classmethod
    def of(cls, column: pa.Array) -> "Encoded":
        """Take the distinct strings of an Arrow array, chunked or not, without nulls."""
        encoded = column.dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            chunks = encoded.unify_dictionaries().chunks
            codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
            return cls(codes, chunks[0].dictionary.to_pylist())
        return cls(encoded.indices.to_numpy(), encoded.dictionary.to_pylist())

    def numbers(self, parse: Callable[[str], float]) -> NDArray[np.float64]:
        """Parse each distinct string once and return a number for every row."""
        values = np.array([parse(text) for text in self.distinct], dtype=np.float64)
        return values[self.codes] if len(values) else np.empty(0)

    def marks(self, test: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Test each distinct string once and return the answer for every row."""
        answers = np.array([test(text) for text in self.distinct], dtype=bool)
        return answers[self.codes] if len(answers) else np.empty(0, dtype=bool)

    def categories(self, word: Callable[[str], str | None]) -> pd.Categorical:
        """Translate each distinct string once; None is a missing cell."""
        words = [word(text) for text in self.distinct]
        kept = list(dict.fromkeys(text for text in words if text is not None))
        position = {text: code for code, text in enumerate(kept)}
        narrow: Any = np.int8 if len(kept) <= np.iinfo(np.int8).max else np.int32
        places = [-1 if text is None else position[text] for text in words]
        place_of: NDArray[np.intp] = np.array(places, dtype=narrow)
        codes = place_of[self.codes] if places else place_of
        dtype = pd.CategoricalDtype(pd.Index(kept, dtype="str"))
        return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)


def constant_category(word: str | None, n_rows: int) -> pd.Categorical:
    """Return a categorical column that says the same in every row."""
    return Encoded(np.zeros(n_rows, dtype=np.int32), [word or ""]).categories(
        lambda text: text or None
    )


@dataclass(frozen=True)
class Cells:
    """Some rows of a raw frame, by column, as Arrow text without nulls.

    `where` marks them in the table, None is all of them. A column is cut to these rows when it is
    first asked for: most columns never are.
    """

    table: pa.Table
    where: NDArray[np.bool_] | None = None
    _columns: dict[str, pa.Array] = field(default_factory=dict)
    _encoded: dict[str, Encoded] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: pd.DataFrame) -> "Cells":
        """Take over a raw frame without copying its text."""
        return cls(pa.Table.from_pandas(raw, preserve_index=False))

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of the columns that the export has."""
        return frozenset(self.table.column_names)

    @cached_property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows if self.where is None else self.where.sum())

    def rows(self, mask: NDArray[np.bool_]) -> "Cells":
        """Return the rows where the mask is true."""
        if bool(mask.all()):
            return self
        if self.where is None:
            return Cells(self.table, mask)
        where = self.where.copy()
        where[self.where] = mask
        return Cells(self.table, where)

    def whole_rows(self, places: NDArray[np.intp]) -> pa.Table:
        """Return some of the rows with all their columns."""
        if self.where is not None:
            places = np.flatnonzero(self.where)[places]
        return self.table.take(pa.array(places))

    def column(self, name: str) -> pa.Array:
        """Return one column, an Arrow array or chunked array: joining chunks would copy the text.

        Raises
        ------
        KeyError
            The export has no such column.
        """
        if name not in self._columns:
            chunks = self.table.column(name)
            if self.where is not None:
                chunks = chunks.filter(pa.array(self.where))
            column = chunks if chunks.num_chunks > 1 else chunks.combine_chunks()
            self._columns[name] = column.fill_null("") if column.null_count else column
        return self._columns[name]

    def text(self, name: str) -> pa.Array | None:
        """Return one column, or None if the export has no such column."""
        return self.column(name) if name in self.names else None

    def encoded(self, name: str) -> Encoded | None:
        """Return one column by its distinct strings, or None if the export has no such column."""
        if name not in self.names:
            return None
        if name not in self._encoded:
            self._encoded[name] = Encoded.of(self.column(name))
        return self._encoded[name]

    def category(self, name: str, word: Callable[[str], str | None]) -> pd.Categorical:
        """Return one column as categories; a column that the export lacks is missing throughout."""
        encoded = self.encoded(name)
        if encoded is None:
            return constant_category(None, self.n_rows)
        return encoded.categories(word)


def pandas_text(column: pa.Array | None, n_rows: int) -> pd.Series:
    """Return Arrow text as a pandas `str` column, empty cells missing."""
    if column is None:
        return pd.Series([None] * n_rows, dtype="str")
    filled = pc.if_else(pc.equal(column, ""), None, column)
    return pd.Series(filled.to_pandas(types_mapper={pa.string(): ARROW_TEXT}.get)).astype("str")
