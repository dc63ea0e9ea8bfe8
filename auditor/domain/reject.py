"""One bad row, kept and counted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reject:
    """A row that could not be read, with what was at stake.

    `line` is the 1-based line (text) or record (JSON) in `source`; `text` is the start of the row
    as it stood (at most 200 characters, still hostile: clean it where it leaves).
    """

    source: str
    line: int
    reason: str
    text: str = ""
