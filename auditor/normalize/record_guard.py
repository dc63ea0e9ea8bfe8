"""Cut records that may hold line breaks, where the delimiter cannot have been typed by anyone.

Each record is cut at its last delimiter and then at the first line break: its last cell is a
number (DBIndex), so the record really ends there.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.domain.reject import Reject
from auditor.normalize.line_guard import (
    SEPARATORS,
    Block,
    GuardedBlock,
    guard_sound,
    positions,
    shown,
    wrong_count,
)

_TORN = "the record is torn: it does not end with its DBIndex"


def guard_records(block: Block) -> GuardedBlock:
    """Keep the whole records of a block, one to a line, with their line breaks set aside.

    What follows the last whole record is `left` for the next block. A torn record is a reject;
    the next one is found by its job id at the start of a line.
    """
    sound = guard_sound(block)
    if sound is not None:
        return sound
    ends, counts = positions(block)
    n_delimiters = block.layout.n_delimiters
    n_before = np.cumsum(counts)
    is_last = (n_before % n_delimiters == 0) & (counts > 0)
    n_finished = np.diff(n_before // n_delimiters, prepend=0)
    is_stray = (counts == 0) & (n_before % n_delimiters == 0)
    if (n_finished != is_last).any() or is_stray.any():
        return _mend(block, counts)
    last = np.flatnonzero(is_last)
    if not len(last):
        return GuardedBlock(b"", np.empty(0, dtype=np.int64), [], 0, left=_restored(block, 0))
    n_lines = int(last[-1]) + 1
    n_used = int(ends[n_lines - 1]) + 1
    first = np.concatenate(([0], last[:-1] + 1)).astype(np.int64)
    inner = ends[:n_lines][~is_last[:n_lines]]
    text, line_break = _without_breaks(block.text[:n_used], block.separator, inner)
    left = _restored(block, n_used)
    return GuardedBlock(text, first + block.first_line, [], n_lines, line_break, left)


def _restored(block: Block, n_used: int) -> bytes:
    return block.text[n_used:].replace(block.separator, block.layout.delimiter)


def _without_breaks(
    text: bytes, separator: bytes, breaks: NDArray[np.int64]
) -> tuple[bytes, bytes]:
    """Put a byte that the text does not hold in place of the line breaks inside cells."""
    if not len(breaks):
        return text, b""
    stand_in = next((b for b in SEPARATORS if b not in text and b != separator), SEPARATORS[-1])
    codes = np.frombuffer(text, dtype=np.uint8).copy()
    codes[breaks] = stand_in[0]
    return codes.tobytes(), stand_in


def _mend(block: Block, counts: NDArray[np.int64]) -> GuardedBlock:
    """Walk the lines of a damaged block, and find the way back after each torn record."""
    walk = _Walk(block)
    for place, line in enumerate(block.text.split(b"\n")[:-1]):
        if walk.parts or line.strip():
            walk.parts.append(_Line(place, line, int(counts[place])))
            walk.settle()
    unfinished = b"".join(part.text + b"\n" for part in walk.parts)
    left = unfinished.replace(block.separator, block.layout.delimiter)
    text = b"".join(record + b"\n" for record in walk.records)
    lines = np.array(walk.lines, dtype=np.int64) + block.first_line
    n_lines = len(counts) - len(walk.parts)
    return GuardedBlock(text, lines, walk.rejects, n_lines, walk.line_break, left)


@dataclass(frozen=True)
class _Line:
    place: int
    text: bytes
    n_separators: int


class _Walk:
    """The lines of the record being put together, and the records that are done."""

    def __init__(self, block: Block) -> None:
        self.block = block
        taken = (block.separator, *(byte for byte in SEPARATORS if byte in block.text))
        self.line_break = next((b for b in SEPARATORS if b not in taken), SEPARATORS[-1])
        self.parts: list[_Line] = []
        self.records: list[bytes] = []
        self.lines: list[int] = []
        self.rejects: list[Reject] = []
        self._begin = re.compile(rb"\d[\w.+\-\[\],%:]*" + re.escape(block.separator))
        header = block.layout.header_line or b""
        self._header = header.replace(block.layout.delimiter, block.separator)

    def settle(self) -> None:
        """Take the record out when it is whole; drop what cannot become one."""
        n_delimiters = self.block.layout.n_delimiters
        while self.parts:
            n_found = sum(part.n_separators for part in self.parts)
            if n_found < n_delimiters and self.parts[0].n_separators:
                return
            if n_found == n_delimiters and self._is_whole():
                self.records.append(self.line_break.join(part.text for part in self.parts))
                self.lines.append(self.parts[0].place)
                self.parts = []
            else:
                self._drop(n_found)

    def _is_whole(self) -> bool:
        last = self.parts[-1].text
        last_cell = last.rpartition(self.block.separator)[2]
        return last_cell.strip().isdigit() or last == self._header

    def _drop(self, n_found: int) -> None:
        """Reject the lines before the next one that begins with a job id."""
        later = range(1, len(self.parts))
        end = next((i for i in later if self._begin.match(self.parts[i].text)), len(self.parts))
        torn, self.parts = self.parts[:end], self.parts[end:]
        text = b"\n".join(part.text for part in torn)
        n_torn = sum(part.n_separators for part in torn)
        if n_torn == self.block.layout.n_delimiters == n_found:
            line = self.block.first_line + torn[0].place
            row = shown(text, self.block.separator, self.block.layout.delimiter)
            self.rejects.append(Reject(self.block.source, line, _TORN, row))
        else:
            self.rejects.append(wrong_count(text, n_torn, torn[0].place, self.block))
