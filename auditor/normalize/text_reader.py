"""Read delimited text in pieces: block by block, guarded, then parsed into columns of text."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.reject import Reject
from auditor.normalize.dialect import BYTE_ORDER_MARK, refuse_columns
from auditor.normalize.interface import ExportContext, RawPiece, SourceNote
from auditor.normalize.layout import TextLayout, needs_quotes, read_header
from auditor.normalize.line_guard import GuardedBlock, block_of, cut_line, guard
from auditor.normalize.quoted_lines import SEPARATOR, unquote
from auditor.normalize.record_guard import guard_records
from auditor.normalize.runs import empty_frame, keep_runs_whole
from auditor.normalize.sacct_fields import FIELDS, USED_FIELDS

_CELLS = pd.ArrowDtype(pa.string())
_NAMES = pa.array(sorted({*FIELDS, *map(str.lower, FIELDS), *map(str.upper, FIELDS)}), pa.string())
_ID_NAME = re.compile(rb"(?i)jobid")
_N_LINES_LOOKED_AT = 200


@dataclass
class _Place:
    """Where the reading stands: the layout in force and the next line."""

    layout: TextLayout
    context: ExportContext
    next_line: int = 1
    notes: list[SourceNote] = field(default_factory=list)


@dataclass(frozen=True)
class _Part:
    """What one stretch of text under one layout gave."""

    frame: pd.DataFrame
    guarded: GuardedBlock
    is_forgeable: bool


def read_text(
    head: bytes, stream: BinaryIO, layout: TextLayout, context: ExportContext, chunk_bytes: int
) -> Iterator[RawPiece]:
    """Read a table, about `chunk_bytes` at a time; the columns are the `USED_FIELDS` it has.

    A run and its steps stay in one piece. A header that comes again is no row; a different one is
    in force from there on, and a note says so.

    Raises
    ------
    ExportRefusedError
        A header further down lacks what no job can do without.
    """
    place = _Place(layout, context)
    if layout.header_line is None:
        text = f"no header: its cells are read as {', '.join(layout.columns)}"
        place.notes.append(SourceNote("no_header", text, "Export it without -n."))
    return keep_runs_whole(_pieces(head, stream, place, chunk_bytes))


def _pieces(head: bytes, stream: BinaryIO, place: _Place, chunk_bytes: int) -> Iterator[RawPiece]:
    rows = _after_header(head, place)
    left, n_bytes = b"", len(head) - len(rows)
    for fresh in blocks(rows, stream, chunk_bytes):
        end = fresh.rfind(b"\n") + 1
        n_bytes += len(fresh)
        text = b"".join((left, memoryview(fresh)[:end])) if end else b""
        left = fresh[end:] if end else left + fresh
        del fresh
        if text:
            parts, unfinished = _read_block(text, place)
            left = unfinished + left
            yield from _as_pieces(parts, place, n_bytes)
            n_bytes = 0
    end = left.rfind(b"\n") + 1
    if end and place.layout.is_quoted:
        part = _read_part(left[:end], place, is_last=True)
        place.next_line += part.guarded.n_lines
        yield from _as_pieces([part], place, 0)
        left = left[end:]
    if left.strip() and left.strip() != place.layout.header_line:
        reject = cut_line(left, place.next_line, place.layout, place.context.source)
        yield RawPiece(empty_frame(place.layout.columns), [reject], n_bytes)


def _after_header(head: bytes, place: _Place) -> bytes:
    """Step over the header, so that no block is read twice for it."""
    before, header, after = head.partition((place.layout.header_line or b"") + b"\n")
    if not header.strip() or before.strip() not in (b"", BYTE_ORDER_MARK):
        return head
    place.next_line += before.count(b"\n") + 1
    return after


def blocks(head: bytes, stream: BinaryIO, chunk_bytes: int) -> Iterator[bytes]:
    """Yield a stream whose first bytes are already in `head`, without a byte order mark."""
    head = head.removeprefix(BYTE_ORDER_MARK)
    block = head + stream.read(max(chunk_bytes - len(head), 1))
    while block:
        yield block
        block = stream.read(chunk_bytes)


def _as_pieces(parts: list[_Part], place: _Place, n_bytes: int) -> Iterator[RawPiece]:
    for i, part in enumerate(parts):
        is_last = i == len(parts) - 1
        yield RawPiece(
            frame=part.frame,
            rejects=part.guarded.rejects,
            n_bytes=n_bytes if is_last else 0,
            notes=tuple(place.notes) if is_last else (),
            is_forgeable=part.is_forgeable,
        )


def _read_block(text: bytes, place: _Place) -> tuple[list[_Part], bytes]:
    """Read whole lines; return the parts and what belongs to the next block."""
    part = _read_part(text, place)
    if not _may_hold_header(part):
        place.next_line += part.guarded.n_lines
        return [part], part.guarded.left
    return _read_between_headers(text, place)


def _read_part(text: bytes, place: _Place, *, is_last: bool = False) -> _Part:
    block = block_of(text, place.layout, place.next_line, place.context.source)
    if place.layout.is_quoted:
        guarded, separator = unquote(block, is_last=is_last), SEPARATOR
    elif place.layout.spans_lines:
        guarded, separator = guard_records(block), block.separator
    else:
        guarded, separator = guard(block), block.separator
    frame = _parse(guarded, separator, place.layout)
    return _Part(frame, guarded, place.layout.is_forgeable)


def _parse(guarded: GuardedBlock, separator: bytes, layout: TextLayout) -> pd.DataFrame:
    """Parse guarded lines into columns of text; bytes that are not UTF-8 become U+FFFD."""
    if not guarded.text:
        return empty_frame(layout.columns)
    try:
        frame = _columns(guarded.text, separator, layout)
    except UnicodeDecodeError:
        mended = guarded.text.decode("utf-8", "replace").encode()
        frame = _columns(mended, separator, layout)
    if guarded.line_break:
        stand_in = guarded.line_break.decode()
        frame = frame.apply(lambda cells: cells.str.replace(stand_in, "\n", regex=False))
    frame["line"] = guarded.lines
    return frame


def _columns(text: bytes, separator: bytes, layout: TextLayout) -> pd.DataFrame:
    columns = (*layout.columns, *[""] * layout.ends_with_delimiter)
    used = [i for i, column in enumerate(columns) if column in USED_FIELDS]
    frame = pd.read_csv(
        io.BytesIO(text),
        sep=separator.decode(),
        header=None,
        names=range(len(columns)),
        usecols=used,
        index_col=False,
        dtype=_CELLS,
        na_filter=False,
        quoting=3,
        engine="c",
        lineterminator="\n",
        skip_blank_lines=False,
    )
    frame.columns = pd.Index([columns[i] for i in used])
    return frame


def _may_hold_header(part: _Part) -> bool:
    """Say whether a line may be a header: a row whose id is a name, or a reject that names one."""
    frame = part.frame
    columns = [column for column in ("JobID", "JobIDRaw") if column in frame.columns]
    if any(pc.any(pc.is_in(pa.array(frame[c]), value_set=_NAMES)).as_py() for c in columns):
        return True
    return any("jobid" in reject.text.lower() for reject in part.guarded.rejects)


def _read_between_headers(text: bytes, place: _Place) -> tuple[list[_Part], bytes]:
    parts = []
    begin = 0
    for start, end, layout in _headers(text):
        if start > begin:
            parts.append(_finished_part(text[begin:start], place))
        _change_layout(layout, text[end : end + 100_000], place)
        place.next_line += 1
        begin = end
    part = _read_part(text[begin:], place)
    place.next_line += part.guarded.n_lines
    return [*parts, part], part.guarded.left


def _headers(text: bytes) -> Iterator[tuple[int, int, TextLayout]]:
    """Yield where the header lines begin and end, and what they state."""
    end = 0
    for found in _ID_NAME.finditer(text):
        if found.start() < end:
            continue
        start = text.rfind(b"\n", 0, found.start()) + 1
        end = text.find(b"\n", found.start()) + 1
        layout = read_header(text[start : end - 1])
        if layout is not None:
            yield start, end, layout


def _finished_part(text: bytes, place: _Place) -> _Part:
    """Read the lines before another header: a record cannot go on beyond it."""
    part = _read_part(text, place)
    place.next_line += part.guarded.n_lines
    left = part.guarded.left
    if not left.strip():
        return part
    reason = "a record is torn: another header follows"
    row = left[:800].decode("utf-8", "replace")[:200]
    reject = Reject(place.context.source, place.next_line, reason, row)
    place.next_line += left.count(b"\n")
    rejects = [*part.guarded.rejects, reject]
    return replace(part, guarded=replace(part.guarded, rejects=rejects))


def _change_layout(layout: TextLayout, following: bytes, place: _Place) -> None:
    now = place.layout
    if layout.header_line == now.header_line:
        return
    if (layout.delimiter, layout.columns) != (now.delimiter, now.columns):
        refuse_columns(layout, place.context)
        text = f"another header stands in line {place.next_line}; its columns hold from there on"
        place.notes.append(SourceNote("another_header", text))
    lines = following.split(b"\n")[:_N_LINES_LOOKED_AT]
    place.layout = replace(layout, is_quoted=needs_quotes(layout, lines))
