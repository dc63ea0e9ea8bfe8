"""Which columns of a grid file hold its times and its carbon intensity."""

import re
from dataclasses import dataclass

from auditor.errors import IntensityError
from auditor.intensity.csv_units import Unit, unit_of
from auditor.intensity.interface import IntensityNote

# 2023-01-01, 2023-01-01T00:30Z, 2023-01-01 00:00:00+01:00, 2023-01-01 00:00 UTC
TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|UTC|[+-]\d\d(:?\d\d)?)?", re.ASCII
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
NULLS = frozenset({"", "null", "none", "na", "n/a"})

_INTENSITY = re.compile(r"intensity|g_per_kwh|/\s*kwh|/\s*mwh|gco2|co2|moer", re.IGNORECASE)
_LIFE_CYCLE = re.compile(r"\blca\b|life[\s_-]*cycle", re.IGNORECASE)
_DIRECT = re.compile(r"direct", re.IGNORECASE)
_FORECAST = re.compile(r"forecast", re.IGNORECASE)
_MARGINAL = re.compile(r"marginal|moer", re.IGNORECASE)
_ESTIMATED = re.compile(r"(data )?estimated|is_?estimated", re.IGNORECASE)
_ZONE_ID = re.compile(r"zone[ _]?(id|key)", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Positions of the columns of one file; None where it has no such column.

    `scale` turns a cell into g/kWh, by the unit in the name if it states one; `kind` is
    "life_cycle", "direct" or "unknown".
    """

    time: int
    value: int
    value_name: str
    kind: str
    scale: float = 1.0
    states_unit: bool = True
    estimated: int | None = None
    zone: int | None = None
    notes: tuple[IntensityNote, ...] = ()


def find_columns(header: list[str], first: list[str], kind: str, column: str | None) -> Columns:
    """Find out by names and by the cells below them.

    Parameters
    ----------
    header
        Names of the columns.
    first
        The first cell of each column that says something.
    kind
        "life_cycle" or "direct": which to take where a file has both.
    column
        Name of the value column, where the caller knows it.

    Raises
    ------
    IntensityError
        No column holds times, none or several may hold the intensity, or only the other kind is
        there while direct emissions were asked for.
    """
    time = next((i for i, cell in enumerate(first) if TIME.fullmatch(cell)), None)
    if time is None:
        msg = "no column holds times such as 2026-11-16T00:00Z"
        raise IntensityError(msg, hint=f"Columns: {', '.join(header)}.")
    value = _value_column(header, first, time, kind) if column is None else _named(header, column)
    name = header[value]
    found = _kind_of(name)
    if kind == "direct" and found == "life_cycle":
        msg = f"column {name!r} is life-cycle, but direct emissions were asked for"
        raise IntensityError(msg, hint='Drop `kind = "direct"`, or name the `column` to take.')
    unit = unit_of(name)
    notes = _notes(name, kind, found, unit)
    return Columns(
        time=time,
        value=value,
        value_name=name,
        kind=found,
        scale=unit.scale,
        states_unit=bool(unit.text),
        estimated=_match(header, _ESTIMATED),
        zone=_match(header, _ZONE_ID),
        notes=notes,
    )


def _value_column(header: list[str], first: list[str], time: int, kind: str) -> int:
    others = [i for i in range(len(header)) if i != time and header[i]]
    numeric = [i for i in others if NUMBER.fullmatch(first[i]) or first[i].lower() in NULLS]
    named = [i for i in others if _INTENSITY.search(header[i])]
    candidates = _preferred(named or numeric, header, kind)
    if len(candidates) == 1:
        return candidates[0]
    hint = f"Name it with `column`; columns: {', '.join(header)}."
    if not candidates:
        msg = "no column holds a carbon intensity"
        raise IntensityError(msg, hint=hint)
    choice = " or ".join(repr(header[i]) for i in candidates)
    msg = f"which column is the carbon intensity: {choice}?"
    raise IntensityError(msg, hint=hint)


def _preferred(candidates: list[int], header: list[str], kind: str) -> list[int]:
    """Narrow down where there is a choice: the kind asked for, actual values, averages."""
    wanted = _DIRECT if kind == "direct" else _LIFE_CYCLE
    for pattern, is_wanted in ((wanted, True), (_FORECAST, False), (_MARGINAL, False)):
        fitting = [i for i in candidates if bool(pattern.search(header[i])) is is_wanted]
        candidates = fitting or candidates
    return candidates


def _named(header: list[str], column: str) -> int:
    wanted = column.strip().lower()
    for position, name in enumerate(header):
        if name.lower() == wanted:
            return position
    msg = f"there is no column {column!r}"
    raise IntensityError(msg, hint=f"Columns: {', '.join(header)}.")


def _kind_of(name: str) -> str:
    if _LIFE_CYCLE.search(name):
        return "life_cycle"
    return "direct" if _DIRECT.search(name) else "unknown"


def _match(header: list[str], pattern: re.Pattern[str]) -> int | None:
    return next((i for i, name in enumerate(header) if pattern.fullmatch(name)), None)


def _notes(name: str, kind: str, found: str, unit: Unit) -> tuple[IntensityNote, ...]:
    notes = []
    if kind == "life_cycle" and found == "direct":
        text = f"column {name!r} counts direct emissions only, the file has no life-cycle column"
        notes.append(IntensityNote("direct_only", text))
    if unit.scale != 1.0:
        text = f"column {name!r} is in {unit.text}: converted to g/kWh"
        notes.append(IntensityNote("unit_converted", text))
    if _MARGINAL.search(name):
        text = f"column {name!r} is marginal intensity: right for advice, wrong for accounting"
        hint = "Use a series of average intensity."
        notes.append(IntensityNote("marginal", text, hint))
    return tuple(notes)
