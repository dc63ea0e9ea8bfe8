"""Take lines out of a block of text that do not hold the cells they should.

A reader of delimited text pads a short line in silence, so a torn line would count as a job.
Delimiters are counted here on the bytes, before anything is parsed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.domain.reject import Reject
from auditor.normalize.layout import TextLayout

SEPARATORS = tuple(bytes([code]) for code in (0x1E, 0x1D, 0x1C, 0x01, 0x02, 0x03, 0x04, 0x05))
_NEWLINE = 10
_TEXT_LENGTH = 200
_CUT = (
    "the last line is cut: the file does not end with a line break (if it is complete, "
    "append one and load it again)"
)


@dataclass(frozen=True)
class Block:
    """Some bytes of a table that end with a line break, and where they begin.

    `separator` is the one byte that stands for the layout's delimiter in `text`.
    """

    text: bytes
    separator: bytes
    first_line: int
    source: str
    layout: TextLayout


@dataclass(frozen=True)
class GuardedBlock:
    """The rows of a block that hold the right number of cells, one to a line.

    `lines` (n,) int64 are their 1-based lines in the source. `line_break` stands for the line
    breaks inside cells, b"" where there are none. `n_lines` lines were used up; `left` is what
    belongs to a record that goes on in the next block.
    """

    text: bytes
    lines: NDArray[np.int64]
    rejects: list[Reject]
    n_lines: int
    line_break: bytes = b""
    left: bytes = b""


def block_of(text: bytes, layout: TextLayout, first_line: int, source: str) -> Block:
    """Make a block of raw bytes: one-byte separator, line feeds alone, no NUL."""
    if b"\r" in text and (layout.ends_with_return or not layout.spans_lines):
        text = text.replace(b"\r\n", b"\n")
    if b"\0" in text:
        text = text.replace(b"\0", "�".encode())
    separator = layout.delimiter
    if len(separator) > 1 or not separator.isascii():
        separator = free_byte(text)
        text = text.replace(separator, b"?").replace(layout.delimiter, separator)
    return Block(text, separator, first_line, source, layout)


def free_byte(text: bytes) -> bytes:
    """Return a control byte that the text does not hold, the first one where it holds them all."""
    return next((byte for byte in SEPARATORS if byte not in text), SEPARATORS[0])


def guard(block: Block) -> GuardedBlock:
    """Keep the lines of a block that hold the right number of cells.

    Lines with too few or too many are rejects; empty lines are not rows.
    """
    return guard_sound(block) or _guard_lines(block)


def guard_sound(block: Block) -> GuardedBlock | None:
    """Pass a block each of whose lines holds the right number of cells; None if one does not."""
    others = bytes(code for code in range(256) if code not in (_NEWLINE, block.separator[0]))
    found = block.text.translate(None, others)
    expected = block.separator * block.layout.n_delimiters + b"\n"
    n_lines = len(found) // len(expected)
    if found != expected * n_lines:
        return None
    lines = np.arange(block.first_line, block.first_line + n_lines, dtype=np.int64)
    return GuardedBlock(block.text, lines, [], n_lines)


def cut_line(text: bytes, line: int, layout: TextLayout, source: str) -> Reject:
    """Reject what stands after the last line break of a source."""
    return Reject(source, line, _CUT, shown(text, layout.delimiter, layout.delimiter))


def shown(text: bytes, separator: bytes, delimiter: bytes) -> str:
    """Return the start of a row as it stood in the source."""
    start = text[: 4 * _TEXT_LENGTH].replace(separator, delimiter)
    return start.decode("utf-8", "replace")[:_TEXT_LENGTH]


def positions(block: Block) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the lines end, and how many separators each holds."""
    codes = np.frombuffer(block.text, dtype=np.uint8)
    ends = np.flatnonzero(codes == _NEWLINE)
    separators = np.flatnonzero(codes == block.separator[0])
    return ends, np.diff(np.searchsorted(separators, ends), prepend=0)


def _guard_lines(block: Block) -> GuardedBlock:
    ends, counts = positions(block)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)
    is_bad = counts != block.layout.n_delimiters
    rejects, kept = [], []
    kept_from = 0
    for i in np.flatnonzero(is_bad):
        line = block.text[starts[i] : ends[i]]
        kept.append(block.text[kept_from : starts[i]])
        kept_from = ends[i] + 1
        if line.strip():
            rejects.append(wrong_count(line, int(counts[i]), int(i), block))
    kept.append(block.text[kept_from:])
    lines = (np.flatnonzero(~is_bad) + block.first_line).astype(np.int64)
    return GuardedBlock(b"".join(kept), lines, rejects, len(ends))


def wrong_count(line: bytes, n_delimiters: int, place: int, block: Block) -> Reject:
    """Reject a row of a block that holds another number of cells than its table."""
    n_expected = block.layout.n_delimiters - block.layout.ends_with_delimiter + 1
    n_found = n_delimiters - block.layout.ends_with_delimiter + 1
    reason = f"{n_found} cells instead of {n_expected}"
    if n_found > n_expected:
        reason += ": a cell holds the delimiter"
    text = shown(line, block.separator, block.layout.delimiter)
    return Reject(block.source, block.first_line + place, reason, text)
