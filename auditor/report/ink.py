"""How marks and outside text become characters a terminal can show."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from auditor.report.clean import ascii_only, printable

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.:-=+*#"


@dataclass(frozen=True)
class Ink:
    """Draws for one kind of terminal: UTF-8, or ASCII only."""

    is_ascii: bool

    def plain(self, text: str, n_most: int | None = None) -> str:
        """Clean text from outside, cut to at most `n_most` characters."""
        clean = printable(text, n_most)
        return ascii_only(clean) if self.is_ascii else clean

    def text(self, text: str, style: str = "", n_most: int | None = None) -> Text:
        """Clean text from outside and wrap it so that nothing in it is read as markup."""
        return Text(self.plain(text, n_most), style=style)

    def sparkline(self, values: Sequence[float]) -> str:
        """Draw one character per value, its height in proportion; nothing is a space."""
        blocks = _ASCII_BLOCKS if self.is_ascii else _BLOCKS
        largest = max(values, default=0.0)
        if largest <= 0:
            return " " * len(values)
        heights = [min(int(value / largest * len(blocks)), len(blocks) - 1) for value in values]
        return "".join(
            blocks[height] if value > 0 else " "
            for value, height in zip(values, heights, strict=True)
        )

    def meter(self, ratio: float, width: int) -> str:
        """Draw a share 0..1 as a bar of at most `width` characters."""
        filled = round(min(max(ratio, 0.0), 1.0) * width)
        return ("#" if self.is_ascii else "━") * max(filled, 1 if ratio > 0 else 0)

    @property
    def rule(self) -> str:
        """Return the character that rules are made of."""
        return "=" if self.is_ascii else "━"

    @property
    def bullet(self) -> str:
        """Return the mark before a note."""
        return "-" if self.is_ascii else "·"
