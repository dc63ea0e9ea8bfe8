"""Text from outside on its way out, one function per kind of output.

Job, user, account and file names are chosen by users and may hold anything: control codes that
drive a terminal, marks that reverse the reading direction, formulas for a spreadsheet.
"""

# Full-width forms of = + - @ are formulas too for spreadsheets of East Asian locales.
_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_REPLACEMENT = "?"
_ELLIPSIS = "…"
# One character for one: what fitted still fits.
_IN_ASCII = str.maketrans({"…": "~", "₂": "2", "·": "-", "▲": "+", "▼": "-"})


def printable(text: str, n_most: int | None = None) -> str:
    """Keep printable characters and spaces, put '?' for each other one, cut what is too long.

    None of Unicode's control, format, surrogate, private, unassigned and separator characters
    is printable, so escape sequences and reversed text cannot pass.
    """
    if n_most is not None and len(text) > n_most:
        text = text[: n_most - 1] + _ELLIPSIS
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _REPLACEMENT for char in text)


def middle_cut(text: str, n_most: int) -> str:
    """Clean text and cut what is too long in its middle: ends of names tell pods apart.

    A third of what is kept is the end.
    """
    if len(text) <= n_most:
        return printable(text)
    n_end = n_most // 3
    return printable(text[: n_most - 1 - n_end]) + _ELLIPSIS + printable(text[-n_end:])


def ascii_only(text: str) -> str:
    """Spell text in ASCII for a terminal that knows nothing else."""
    return text.translate(_IN_ASCII).encode("ascii", "replace").decode("ascii")


def csv_cell(text: str) -> str:
    """Make text harmless in a spreadsheet: printable, and no formula.

    A cell that a spreadsheet would calculate gets an apostrophe in front, which it does not show.
    """
    safe = printable(text)
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA_STARTS) else safe


def file_word(text: str, n_most: int = 40) -> str:
    """Reduce text to lower-case ASCII letters, digits and single hyphens, for a file name."""
    letters = (char if char.isascii() and char.isalnum() else "-" for char in text.lower())
    word = "-".join(part for part in "".join(letters).split("-") if part)
    return word[:n_most].rstrip("-")
