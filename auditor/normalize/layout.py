"""How the cells of a delimited text stand in a line, read from its header."""

import csv
import re
from dataclasses import dataclass

from auditor.normalize.sacct_fields import USER_WRITTEN, known_prefix, spelled

_COMMON_DELIMITERS = ("|", "\x1f", "\t", ";", ",", "@#@", "^", "~", "!", ":", " ")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(%-?\d*)?")
_LONGEST_DELIMITER = 4096
_UNGUESSABLE_LENGTH = 8
_QUOTING_DELIMITERS = (b",", b";", b"\t")


@dataclass(frozen=True)
class TextLayout:
    """Delimiter and columns of one table.

    `columns` are names as sacct spells them, '' for a cell that is not read. `ends_with_delimiter`:
    each line has one delimiter more than it needs (`sacct -p`). `is_quoted`: written by another
    tool, with CSV quotes around cells that hold the delimiter. `header_line` is the line it came
    from, None for a table without header.
    """

    delimiter: bytes
    columns: tuple[str, ...]
    ends_with_delimiter: bool = False
    is_quoted: bool = False
    header_line: bytes | None = None
    ends_with_return: bool = False

    @property
    def n_delimiters(self) -> int:
        """How many delimiters a whole line holds."""
        return len(self.columns) - 1 + self.ends_with_delimiter

    @property
    def is_unguessable(self) -> bool:
        """Nobody can have typed the delimiter into a job name: long, with digits in it."""
        has_digit = re.search(rb"\d", self.delimiter) is not None
        return len(self.delimiter) >= _UNGUESSABLE_LENGTH and has_digit

    @property
    def spans_lines(self) -> bool:
        """Records may hold line breaks: the delimiter is safe, first and last cell are numbers."""
        has_ends = self.columns[0] in ("JobID", "JobIDRaw") and self.columns[-1] == "DBIndex"
        return self.is_unguessable and has_ends

    @property
    def is_forgeable(self) -> bool:
        """A user could have written a whole row of this table, through a job name or the like."""
        return not self.is_unguessable and not USER_WRITTEN.isdisjoint(self.columns)


def canonical_columns(names: list[str]) -> tuple[str, ...]:
    """Spell names as sacct does; a repeated one is not read again, an unknown one stays."""
    columns: list[str] = []
    for name in names:
        column = spelled(name) or name.strip()
        columns.append("" if column in columns else column)
    return tuple(columns)


def _delimiters(line: str) -> list[str]:
    """List what may stand between the names, the likeliest first."""
    first = known_prefix(line)
    if first is None:
        return [delimiter for delimiter in _COMMON_DELIMITERS if delimiter in line]
    rest = line[len(first) :]
    width = re.match(r"%-?\d+", rest)
    rest = rest[width.end() :] if width else rest
    longest = min(len(rest), _LONGEST_DELIMITER)
    found = [rest[:n] for n in range(1, longest) if known_prefix(rest[n:])]
    return [*found, *(d for d in _COMMON_DELIMITERS if d in rest)]


def _split(line: str, delimiter: str) -> list[str]:
    if len(delimiter) == 1 and line.startswith('"'):
        return next(csv.reader([line], delimiter=delimiter))
    return line.split(delimiter)


def read_header(line: bytes) -> TextLayout | None:
    """Return the layout that a header line states, None if it is no header of accounting.

    At least half of its cells, and two of them, must be fields of sacct in any case of letters;
    the rest must look like names (a newer Slurm has fields that this program does not know).
    """
    text = line.rstrip(b"\r\n").decode("latin-1")
    is_quoted = text.startswith('"')
    for delimiter in _delimiters(text.lstrip('"')) if not is_quoted else _COMMON_DELIMITERS:
        cells = _split(text, delimiter)
        ends_with_delimiter = len(cells) > 1 and cells[-1] == ""
        names = cells[:-1] if ends_with_delimiter else cells
        n_known = sum(spelled(name) is not None for name in names)
        if n_known < 2 or 2 * n_known < len(names) or not all(map(_NAME.fullmatch, names)):  # noqa: PLR2004  (two cells make a table)
            continue
        return TextLayout(
            delimiter=delimiter.encode("latin-1"),
            columns=canonical_columns(names),
            ends_with_delimiter=ends_with_delimiter,
            is_quoted=is_quoted,
            header_line=line.rstrip(b"\r\n"),
            ends_with_return=line.endswith(b"\r"),
        )
    return None


def needs_quotes(layout: TextLayout, lines: list[bytes]) -> bool:
    """Say whether more rows fit the layout when CSV quotes are honoured than when they are not."""
    if layout.is_quoted or layout.delimiter not in _QUOTING_DELIMITERS:
        return layout.is_quoted
    n_plain = sum(line.count(layout.delimiter) == layout.n_delimiters for line in lines)
    text = [line.decode("latin-1") + "\n" for line in lines]
    rows = csv.reader(text, delimiter=layout.delimiter.decode())
    return sum(len(row) == layout.n_delimiters + 1 for row in rows) > n_plain


def headerless_layout(lines: list[bytes], columns: tuple[str, ...]) -> TextLayout | None:
    """Return the layout of lines without header whose columns are stated, None if nothing fits.

    The delimiter is the one that most lines hold as often as the columns need; runs of punctuation
    in the first line are tried beside the common ones.
    """
    names = canonical_columns(list(columns))
    first = lines[0].decode("latin-1")
    seen = dict.fromkeys([*_COMMON_DELIMITERS, *re.findall(r"[^\w.:+\- \[\]=/%]+", first)])
    best, n_best = None, 0
    for delimiter in seen:
        for ends_with_delimiter in (False, True):
            layout = TextLayout(delimiter.encode("latin-1"), names, ends_with_delimiter)
            n_fitting = sum(_fits(line, layout) for line in lines)
            if n_fitting > n_best and 2 * n_fitting >= len(lines):
                best, n_best = layout, n_fitting
    return best


def _fits(line: bytes, layout: TextLayout) -> bool:
    if layout.ends_with_delimiter and not line.endswith(layout.delimiter):
        return False
    return line.count(layout.delimiter) == layout.n_delimiters
