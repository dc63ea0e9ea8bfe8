"""Read CSV whose cells are `Key=value` and that leaves out what is empty.

A field that is empty, zero or `0:0` has no cell, so lines differ in width; a cell that holds a
comma is quoted together with its key. The keys are fields of sacct.
"""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

import pandas as pd
import pyarrow as pa

from auditor.domain.reject import Reject
from auditor.normalize.interface import ExportContext, RawPiece
from auditor.normalize.quoted_lines import whole_quoted
from auditor.normalize.runs import keep_runs_whole
from auditor.normalize.sacct_fields import USED_FIELDS, spelled
from auditor.normalize.text_reader import blocks

_CELLS = pd.ArrowDtype(pa.string())
_TEXT_LENGTH = 200
_ROW_KEYS = ("JobID", "JobIDRaw")
_CUT = (
    "the last line is cut: the file does not end with a line break (if it is complete, "
    "append one and load it again)"
)


def read_key_values(
    head: bytes, stream: BinaryIO, context: ExportContext, chunk_bytes: int
) -> Iterator[RawPiece]:
    """Read a `Key=value` export, about `chunk_bytes` at a time; a run and its steps in one piece.

    An absent ElapsedRaw is 0, as the form leaves zeros out; any other absent field is empty.
    """
    return keep_runs_whole(_pieces(head, stream, context, chunk_bytes))


def _pieces(
    head: bytes, stream: BinaryIO, context: ExportContext, chunk_bytes: int
) -> Iterator[RawPiece]:
    left, next_line = b"", 1
    for fresh in blocks(head, stream, chunk_bytes):
        text = (left + fresh).replace(b"\0", "�".encode())
        end = whole_quoted(text)
        left = text[end:]
        frame, rejects = _read(text[:end], next_line, context.source)
        next_line += text.count(b"\n", 0, end)
        yield RawPiece(frame, rejects, len(fresh))
    end = left.rfind(b"\n") + 1
    frame, rejects = _read(left[:end], next_line, context.source)
    if left[end:].strip():
        row = left[end : end + 800].decode("utf-8", "replace")[:_TEXT_LENGTH]
        line = next_line + left.count(b"\n", 0, end)
        rejects.append(Reject(context.source, line, _CUT, row))
    yield RawPiece(frame, rejects, 0)


def _read(text: bytes, first_line: int, source: str) -> tuple[pd.DataFrame, list[Reject]]:
    reader = csv.reader(io.StringIO(text.decode("utf-8", "replace"), newline=""))
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    rejects: list[Reject] = []
    line = first_line
    for cells in reader:
        row, reason = _row(cells)
        if reason and any(map(str.strip, cells)):
            rejects.append(Reject(source, line, reason, ",".join(cells)[:_TEXT_LENGTH]))
        elif not reason:
            rows.append(row)
            lines.append(line)
        line = first_line + reader.line_num
    return _frame(rows, lines), rejects


def _row(cells: list[str]) -> tuple[dict[str, str], str]:
    """Return the fields of a line, or the reason why it is none."""
    row: dict[str, str] = {"ElapsedRaw": "0"}
    stated: set[str] = set()
    for cell in cells:
        key, equals, value = cell.partition("=")
        if not equals:
            return {}, "a cell is no Key=value"
        if key in stated:
            return {}, f"{key} is stated twice"
        stated.add(key)
        row[spelled(key) or key] = value
    if stated.isdisjoint(_ROW_KEYS):
        return {}, "it names no JobID"
    return row, ""


def _frame(rows: list[dict[str, str]], lines: list[int]) -> pd.DataFrame:
    columns = {
        name: pd.Series([row.get(name, "") for row in rows], dtype=_CELLS)
        for name in sorted(USED_FIELDS)
    }
    return pd.DataFrame({**columns, "line": pd.Series(lines, dtype="int64")})
