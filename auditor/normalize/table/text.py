"""Delimited text with a header, as RFC 4180 has it, in pieces: some of its columns as text."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.reject import Reject
from auditor.normalize.columns import ARROW_TEXT
from auditor.normalize.dialect import BYTE_ORDER_MARK
from auditor.normalize.layout import TextLayout
from auditor.normalize.line_guard import GuardedBlock, block_of, cut_line, guard
from auditor.normalize.quoted_lines import SEPARATOR, unquote
from auditor.normalize.text_reader import blocks


@dataclass(frozen=True)
class TextTable:
    """A table as its header states it, and which of its columns are wanted under which name."""

    layout: TextLayout
    wanted: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """Wanted columns that the table does not have."""
        return [name for name in dict.fromkeys(self.wanted.values()) if name not in self.columns]

    @property
    def repeated(self) -> list[str]:
        """Wanted columns that the table has more than once: nobody can tell which is meant."""
        wanted = dict.fromkeys(self.wanted.values())
        return [name for name in wanted if self.columns.count(name) > 1]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table."""
        return self.layout.columns


@dataclass(frozen=True)
class CellPiece:
    """Some rows of a table: Arrow text by wanted name and `line`, and rows that are none."""

    frame: pd.DataFrame
    rejects: list[Reject]


def open_table(head: bytes, delimiter: str, wanted: Mapping[str, str]) -> TextTable:
    """Read the header in the first bytes of a text.

    Parameters
    ----------
    head
        At least its first line.
    delimiter
        One character.
    wanted
        What a column is called here, and in the table.
    """
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip(b"\r\n")
    line = text.partition(b"\n")[0]
    shown = line.rstrip(b"\r").replace(b"\r", b" ").decode("utf-8", "replace")
    cells = next(csv.reader([shown], delimiter=delimiter), [])
    columns = tuple(cell.strip() for cell in cells)
    layout = TextLayout(delimiter.encode(), columns, header_line=line, is_quoted='"' in shown)
    return TextTable(layout, wanted)


def read_cells(
    head: bytes, stream: BinaryIO, table: TextTable, source: str, chunk_bytes: int
) -> Iterator[CellPiece]:
    """Read the rows of a table, about `chunk_bytes` at a time.

    A row that does not hold as many cells as the header is a reject, and so is a last line without
    a line break: it may be cut. A header that comes again is no row.
    """
    before, header, rows = head.partition((table.layout.header_line or b"") + b"\n")
    line = before.count(b"\n") + 2 if header else 1
    left = b""
    for fresh in blocks(rows, stream, chunk_bytes):
        text = left + fresh
        end = text.rfind(b"\n") + 1
        guarded = _guarded(text[:end], table, (source, line), is_last=False)
        left = guarded.left + text[end:]
        line += guarded.n_lines
        if guarded.n_lines:
            yield CellPiece(_frame(guarded, table), guarded.rejects)
    end = left.rfind(b"\n") + 1
    if end:
        guarded = _guarded(left[:end], table, (source, line), is_last=True)
        line += guarded.n_lines
        yield CellPiece(_frame(guarded, table), guarded.rejects)
    if left[end:].strip():
        reject = cut_line(left[end:], line, table.layout, source)
        yield replace(no_cells(table), rejects=[reject])


def no_cells(table: TextTable) -> CellPiece:
    """Return a piece without rows."""
    nothing = GuardedBlock(b"", np.empty(0, dtype=np.int64), [], 0)
    return CellPiece(_frame(nothing, table), [])


def _guarded(
    text: bytes, table: TextTable, place: tuple[str, int], *, is_last: bool
) -> GuardedBlock:
    """Cut the cells, honouring quotes where there are any; the rows have `SEPARATOR` between."""
    source, first_line = place
    quoted = b'"' in text
    block = block_of(text, replace(table.layout, is_quoted=quoted), first_line, source)
    if quoted:
        return unquote(block, is_last=is_last)
    guarded = guard(block)
    plain = guarded.text.replace(SEPARATOR, b"?").replace(block.separator, SEPARATOR)
    return replace(guarded, text=plain)


def _frame(guarded: GuardedBlock, table: TextTable) -> pd.DataFrame:
    columns = _columns(guarded, table)
    line_break = guarded.line_break.decode()
    frame = pd.DataFrame(
        {name: _with_breaks(columns[column], line_break) for name, column in table.wanted.items()}
    )
    frame["line"] = guarded.lines
    return frame[~_is_header(frame, table)].reset_index(drop=True)


def _with_breaks(cells: pd.Series, line_break: str) -> pd.Series:
    return cells.str.replace(line_break, "\n", regex=False) if line_break else cells


def _columns(guarded: GuardedBlock, table: TextTable) -> pd.DataFrame:
    """Parse the wanted columns; bytes that are not UTF-8 become U+FFFD."""
    names = list(dict.fromkeys(table.wanted.values()))
    if not guarded.text:
        return pd.DataFrame({name: pd.Series([], dtype=ARROW_TEXT) for name in names})
    text = guarded.text.decode("utf-8", "replace").encode()
    places = {table.columns.index(name): name for name in names}
    frame = pd.read_csv(
        io.BytesIO(text),
        sep=SEPARATOR.decode(),
        header=None,
        names=range(len(table.columns)),
        usecols=sorted(places),
        index_col=False,
        dtype=ARROW_TEXT,
        na_filter=False,
        quoting=csv.QUOTE_NONE,
        engine="c",
        lineterminator="\n",
        skip_blank_lines=False,
    )
    frame.columns = pd.Index([places[place] for place in sorted(places)])
    return frame


def _is_header(frame: pd.DataFrame, table: TextTable) -> pd.Series:
    again = pa.array([True] * len(frame), pa.bool_())
    for name, column in table.wanted.items():
        again = pc.and_(again, pc.equal(pa.array(frame[name], pa.string()), column))
    return pd.Series(again.to_numpy(zero_copy_only=False), index=frame.index, dtype=bool)
