"""Checks as lines for a person: aligned, in words as well as in colour."""

import textwrap
from collections.abc import Sequence

from auditor.doctor.check import Check, Group, Status
from auditor.report.clean import ascii_only, printable
from auditor.report.terminal import TerminalStyle

_COLOURS = {Status.OK: "32", Status.WARNING: "33", Status.FAULT: "1;31"}
_STATUS_WIDTH = 9
_NAME_WIDTH = 23
_MARGIN = 2
_LONGEST_FOUND = 240


def heading_line(group: Group, style: TerminalStyle) -> str:
    """Return the title of a group."""
    return _coloured(group.value, "1", style)


def check_lines(check: Check, style: TerminalStyle) -> list[str]:
    """Return a check: status, name and what was found, then the hint if something is wrong.

    What does not fit stands below, at the same column; a name that is too long for its column
    has a line of its own. The hint begins below the name, so that a command has room.
    """
    name = _clean(check.name, style)
    code = "" if check.status == Status.OK else f" [{check.code}]"
    indent = " " * (_MARGIN + _STATUS_WIDTH + _NAME_WIDTH)
    found = _wrapped(_clean(check.found, style, _LONGEST_FOUND) + code, style.width, indent)
    hint = _wrapped(f"hint: {_clean(check.hint, style)}", style.width, indent[:-_NAME_WIDTH])
    rest = hint if check.hint else []
    status = _coloured(check.status.value, _COLOURS[check.status], style)
    head = " " * _MARGIN + status + " " * (_STATUS_WIDTH - len(check.status.value)) + name
    if len(name) >= _NAME_WIDTH:
        return [head, *found, *rest]
    return [head + " " * (_NAME_WIDTH - len(name)) + found[0].lstrip(), *found[1:], *rest]


def summary_line(checks: Sequence[Check]) -> str:
    """Return the sum of it in one sentence."""
    n_of = {status: sum(check.status == status for check in checks) for status in Status}
    counts = (
        f"{n_of[Status.OK]} ok, {_count(n_of[Status.WARNING], 'warning')}, "
        f"{_count(n_of[Status.FAULT], 'fault')}"
    )
    if n_of[Status.FAULT]:
        return f"{counts}: this host cannot do all of its job yet."
    return f"{counts}: this host can do its job."


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _clean(text: str, style: TerminalStyle, n_most: int | None = None) -> str:
    line = "; ".join(part.strip() for part in text.splitlines() if part.strip())
    clean = printable(line, n_most)
    return ascii_only(clean) if style.is_ascii else clean


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Break at spaces only, so that a path or an option stays whole."""
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [indent]


def _coloured(text: str, code: str, style: TerminalStyle) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if style.has_colour else text
