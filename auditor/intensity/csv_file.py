"""A grid's carbon intensity from a file of times and values, read as a step function."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.errors import IntensityError
from auditor.intensity.constant import MOST_G_PER_KWH
from auditor.intensity.csv_columns import NULLS, NUMBER, TIME, Columns, find_columns
from auditor.intensity.interface import IntensityNote, IntensityReading, IntensityRequest

DELIMITERS = ",;\t|"
TRUE = frozenset({"true", "yes", "1"})
DAY_S = 86_400
# A value that stands for longer than a day and this many usual steps is no longer a measurement.
LONG_STEPS = 24
LONGEST_SAMPLE = 40

# No grid stays below this: such numbers are kilograms, or shares.
_LEAST_OF_A_GRID_G_PER_KWH = 2.0


@dataclass(frozen=True)
class CsvFileSource:
    """A file on this machine; `column` names its value column, else it is found by looking."""

    path: Path
    column: str | None = None

    def read(self, request: IntensityRequest) -> IntensityReading:
        """Open the file and parse it (see `parse_csv`).

        Raises
        ------
        IntensityError
            The file cannot be opened, or says something impossible.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            msg = f"cannot read the grid file {self.path}: {error.strerror}"
            raise IntensityError(msg) from error
        try:
            return parse_csv(content, request, self.path.name, self.column)
        except IntensityError as error:
            msg = f"{self.path.name}: {error}"
            raise IntensityError(msg, hint=error.hint) from error


@dataclass(frozen=True)
class _Rows:
    """Rows of a file, in its order until sorted. Arrays (n,).

    `g_per_kwh` is NaN where the file has no value; `line` is 1-based.
    """

    instant_s: NDArray[np.int64]
    g_per_kwh: NDArray[np.float64]
    is_estimated: NDArray[np.bool_]
    line: NDArray[np.int64]

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "_Rows":
        return _Rows(
            self.instant_s[chosen],
            self.g_per_kwh[chosen],
            self.is_estimated[chosen],
            self.line[chosen],
        )


def parse_csv(
    content: bytes, request: IntensityRequest, name: str, column: str | None = None
) -> IntensityReading:
    """Read a step function: each row's value holds from its time to the next row's.

    The last row holds as long as the row before it did. Times without an offset are UTC. A row
    without value takes the fallback, with its basis; a row that the file calls estimated is
    ESTIMATED, and so is a value that stands for longer than a day and 24 usual steps.

    Parameters
    ----------
    content
        The file: UTF-8 text with a header, its cells divided by comma, semicolon, tab or bar.
    request
        Zone, kind and fallback.
    name
        What to call the file in the series' source.
    column
        Name of the value column; found by looking without it.

    Raises
    ------
    IntensityError
        Not such a file; a time or a value that cannot be read, is negative, not finite or absurd;
        two values for one instant; fewer than two rows.
    """
    header, cells = _table(content)
    columns = find_columns(header, _first_cells(cells), request.kind, column)
    cells, zone_notes = _of_zone(cells, columns, request.zone)
    rows = _one_row_per_instant(_parse_rows(cells, columns))
    if len(rows.line) < 2:  # noqa: PLR2004  (a step needs a beginning and an end)
        msg = "a series needs at least two rows, to say how long a value holds"
        raise IntensityError(msg, hint='A single value is `source = "constant"`.')
    series, step_notes = _series(rows, request)
    series = replace(series, source=f"{name}, column {columns.value_name!r}", kind=columns.kind)
    return IntensityReading(series, (*columns.notes, *zone_notes, *step_notes))


def _table(content: bytes) -> tuple[list[str], pd.DataFrame]:
    """Return the names of the columns and the cells as text, on the index of their lines."""
    text = content.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in {"<", "{"} or "\0" in text[:1000]:
        msg = "this is no CSV text but a web page, JSON or binary content"
        raise IntensityError(msg, hint="Download the file anew, as CSV.")
    first_line = text.partition("\n")[0].strip()
    if not first_line:
        msg = "the file is empty or begins with an empty line"
        raise IntensityError(msg)
    delimiter = max(DELIMITERS, key=first_line.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [cell.strip() for cell in next(reader)]
    lines, rows = [], []
    try:
        for row in reader:
            if not any(row):
                continue
            lines.append(reader.line_num)
            rows.append(_to_width(row, len(header), reader.line_num))
    except csv.Error as error:
        msg = f"line {reader.line_num} cannot be read: {error}"
        raise IntensityError(msg) from error
    if not rows:
        msg = "the file has a header and no rows"
        raise IntensityError(msg)
    return header, pd.DataFrame(rows, index=lines, dtype=str)


def _to_width(row: list[str], width: int, line: int) -> list[str]:
    if any(row[width:]):
        msg = f"line {line} has {len(row)} cells under {width} names"
        raise IntensityError(msg)
    return row[:width] + [""] * (width - len(row))


def _first_cells(cells: pd.DataFrame) -> list[str]:
    """Return the first cell of each column that says something, else ''."""
    said = (cells[position][cells[position].str.strip() != ""] for position in cells.columns)
    return [column.iloc[0].strip() if len(column) else "" for column in said]


def _of_zone(
    cells: pd.DataFrame, columns: Columns, zone: str
) -> tuple[pd.DataFrame, tuple[IntensityNote, ...]]:
    """Keep the rows of the zone where a file holds several; note another zone's file."""
    if columns.zone is None:
        return cells, ()
    ids = cells[columns.zone].str.strip()
    found = [name for name in ids.unique() if name]
    if len(found) > 1 and zone in found:
        return cells[ids == zone], ()
    if len(found) > 1:
        msg = f"the file holds the zones {', '.join(found)}, and {zone} is none of them"
        raise IntensityError(msg)
    if found in ([], [zone]):
        return cells, ()
    text = f"the file for zone {zone} says that it is of zone {found[0]}"
    hint = "Check that both name the same grid."
    return cells, (IntensityNote("other_zone", text, hint),)


def _parse_rows(cells: pd.DataFrame, columns: Columns) -> _Rows:
    line = cells.index.to_numpy(np.int64)
    times = cells[columns.time].str.strip()
    _refuse_first(times, ~times.str.fullmatch(TIME).to_numpy(np.bool_), line, "time")
    instants = pd.to_datetime(
        times.str.replace("UTC", "Z"), utc=True, format="ISO8601", errors="coerce"
    )
    _refuse_first(times, instants.isna().to_numpy(), line, "time")
    instant_s = np.asarray(instants.dt.as_unit("s").astype("int64"), dtype=np.int64)

    values = cells[columns.value].str.strip()
    missing = values.str.lower().isin(NULLS).to_numpy(np.bool_)
    is_number = values.str.fullmatch(NUMBER).to_numpy(np.bool_)
    _refuse_first(values, ~missing & ~is_number, line, "value")
    numbers = values.where(~missing, "nan").astype("float64")
    g_per_kwh = np.asarray(numbers, dtype=np.float64) * columns.scale
    with np.errstate(invalid="ignore"):
        impossible = (g_per_kwh < 0) | (g_per_kwh > MOST_G_PER_KWH)
    _refuse_first(values, impossible, line, "carbon intensity")
    if not columns.states_unit and np.nanmax(g_per_kwh, initial=0.0) < _LEAST_OF_A_GRID_G_PER_KWH:
        msg = f"column {columns.value_name!r} states no unit, and its values are too low for g/kWh"
        raise IntensityError(msg, hint="Name its unit, as in kg_per_kwh.")

    is_estimated = np.zeros(len(line), dtype=np.bool_)
    if columns.estimated is not None:
        is_estimated = cells[columns.estimated].str.strip().str.lower().isin(TRUE).to_numpy()
    return _Rows(instant_s, g_per_kwh, is_estimated, line)


def _refuse_first(
    cells: "pd.Series[str]", is_bad: NDArray[np.bool_], line: NDArray[np.int64], what: str
) -> None:
    if not is_bad.any():
        return
    position = int(np.argmax(is_bad))
    msg = f"line {line[position]}: {cells.iloc[position][:LONGEST_SAMPLE]!r} is no {what}"
    hint = f"Values are in g/kWh, from 0 to {MOST_G_PER_KWH:g}; times like 2026-11-16T00:00Z."
    raise IntensityError(msg, hint=hint)


def _one_row_per_instant(rows: _Rows) -> _Rows:
    """Sort by time and drop repetitions; a value wins over none."""
    rows = rows.take(np.lexsort((np.isnan(rows.g_per_kwh), rows.instant_s)))
    repeats = np.concatenate(([False], np.diff(rows.instant_s) == 0))
    differs = np.zeros(len(repeats), dtype=np.bool_)
    differs[1:] = np.abs(np.diff(rows.g_per_kwh)) > 0
    conflict = repeats & differs
    if conflict.any():
        position = int(np.argmax(conflict))
        pair = rows.take(np.array([position - 1, position]))
        lines = " and ".join(str(line) for line in sorted(pair.line))
        values = " and ".join(f"{value:g}" for value in pair.g_per_kwh)
        msg = f"lines {lines} give two values, {values}, for one instant"
        raise IntensityError(msg, hint="Are two zones, vintages or local times mixed in the file?")
    return rows.take(~repeats)


def _series(
    rows: _Rows, request: IntensityRequest
) -> tuple[IntensitySeries, tuple[IntensityNote, ...]]:
    """Make the steps; holes take the fallback."""
    fallback = request.fallback
    last_step_s = rows.instant_s[-1] - rows.instant_s[-2]
    edges_s = np.append(rows.instant_s, rows.instant_s[-1] + last_step_s)
    steps_s = np.diff(edges_s)
    is_hole = np.isnan(rows.g_per_kwh)
    is_long = (steps_s > max(DAY_S, LONG_STEPS * float(np.median(steps_s)))) & ~is_hole
    basis = np.full(len(steps_s), IntensityBasis.MEASURED, dtype=np.uint8)
    basis[rows.is_estimated | is_long] = IntensityBasis.ESTIMATED
    basis[is_hole] = fallback.basis
    series = IntensitySeries(
        zone=request.zone,
        edges_s=edges_s,
        g_per_kwh=np.where(is_hole, fallback.g_per_kwh, rows.g_per_kwh),
        basis=basis,
        fallback_g_per_kwh=fallback.g_per_kwh,
        fallback_source=fallback.source,
        source="",
        fallback_basis=fallback.basis,
    )
    notes = []
    if is_hole.any():
        text = f"{int(is_hole.sum())} of {len(is_hole)} rows have no value: the fallback holds"
        notes.append(IntensityNote("holes", text))
    if is_long.any():
        longest = int(np.argmax(np.where(is_long, steps_s, 0)))
        text = (
            f"rows are missing: the value of line {rows.line[longest]} is held for "
            f"{steps_s[longest] / DAY_S:.1f} days, as an estimate"
        )
        notes.append(IntensityNote("rows_missing", text))
    return series, tuple(notes)
