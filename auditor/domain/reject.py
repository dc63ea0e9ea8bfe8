"""One bad row, kept and counted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reject:
    """A row that could not be read, with what was at stake.

    `line` is the 1-based line (text) or record (JSON) in `source`; `text` is the start of the row
    as it stood (at most 200 characters, still hostile: clean it where it leaves). `name` is what it
    calls itself, as far as that could be read (a pod's namespace/name; hostile, too). `counted` is
    what `line` counts, in a word for people.
    """

    source: str
    line: int
    reason: str
    text: str = ""
    name: str = ""
    counted: str = "line"

    @property
    def told(self) -> str:
        """The reason, with the name in front where there is one."""
        return f"{self.name}: {self.reason}" if self.name else self.reason
