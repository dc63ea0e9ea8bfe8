"""Undo the CSV quotes that another tool put around cells, so that plain lines are left."""

import csv
import io

import numpy as np

from auditor.normalize.line_guard import SEPARATORS, Block, GuardedBlock, wrong_count

csv.field_size_limit(2**31 - 1)  # a stray quote makes one cell of many lines; that is a reject
LONGEST_RECORD = 64 * 1024
SEPARATOR, LINE_BREAK = SEPARATORS[0], SEPARATORS[1]
_STAND_INS = str.maketrans(
    {SEPARATOR.decode(): "?", LINE_BREAK.decode(): "?", "\n": LINE_BREAK.decode(), "\r": None}
)


def whole_quoted(text: bytes) -> int:
    """Return where the last line ends that leaves no quote open; 0 if there is none.

    A quote that stays open for `LONGEST_RECORD` is a stray one: the last line break counts then.
    """
    last = end = text.rfind(b"\n") + 1
    n_quotes = text.count(b'"', 0, end)
    while end and n_quotes % 2:
        if last - end > LONGEST_RECORD:
            return last
        start = text.rfind(b"\n", 0, end - 1) + 1
        n_quotes -= text.count(b'"', start, end)
        end = start
    return end


def unquote(block: Block, *, is_last: bool) -> GuardedBlock:
    """Cut the cells of quoted lines; the rows have `SEPARATOR` between them.

    Line breaks inside cells become `LINE_BREAK`. What comes after an open quote is left for the
    next block, unless this is the last.
    """
    used = len(block.text) if is_last else whole_quoted(block.text)
    text = block.text[:used].decode("utf-8", "replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=block.layout.delimiter.decode())
    rows, lines, rejects = [], [], []
    first = 0
    for cells in reader:
        if len(cells) == block.layout.n_delimiters + 1:
            rows.append(SEPARATOR.decode().join(cell.translate(_STAND_INS) for cell in cells))
            lines.append(first)
        elif any(map(str.strip, cells)):
            row = block.layout.delimiter.decode().join(cells).encode()
            rejects.append(wrong_count(row, len(cells) - 1, first, block))
        first = reader.line_num
    plain = "".join(row + "\n" for row in rows).encode()
    numbers = np.array(lines, dtype=np.int64) + block.first_line
    return GuardedBlock(plain, numbers, rejects, first, LINE_BREAK, block.text[used:])
