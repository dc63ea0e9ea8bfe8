"""Turn whole columns of numbers into the text that sacct prints, without a loop over rows."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

S_PER_DAY = 86_400
S_PER_HOUR = 3600

Text = pa.Array
Whole = NDArray[np.int64]

_TWO_DIGITS = pa.array([f"{value:02d}" for value in range(100)])
_MILLISECONDS = pa.array([f".{value:03d}" for value in range(1000)])
_DAYS = pa.array(["", *(f"{value}-" for value in range(1, 20_000))])
_TIME_OF_DAY = pa.array(
    [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(S_PER_DAY)]
)


def whole(values: Whole) -> Text:
    """Write whole numbers as digits."""
    return pc.cast(pa.array(values), pa.string())


def chosen(words: pa.Array, index: Whole) -> Text:
    """Return `words[index]`."""
    return words.take(pa.array(index))


def where(condition: NDArray[np.bool_], yes: Text | str, no: Text | str) -> Text:
    """Choose cell by cell between two columns or words."""
    return pc.if_else(pa.array(condition), yes, no)


def joined(*parts: Text | str, separator: str = "") -> Text:
    """Join columns and words cell by cell."""
    return pc.binary_join_element_wise(*parts, separator)


def iso_times(instants_s: Whole) -> Text:
    """Write seconds since 1970 as `2026-01-31T23:59:59`: UTC, no offset, as under `TZ=UTC`."""
    day = instants_s // S_PER_DAY
    first, last = int(day.min()), int(day.max())
    dates = pa.array(
        [
            datetime.fromtimestamp(number * S_PER_DAY, UTC).date().isoformat()
            for number in range(first, last + 1)
        ]
    )
    return joined(chosen(dates, day - first), chosen(_TIME_OF_DAY, instants_s % S_PER_DAY))


def durations(seconds: Whole) -> Text:
    """Write seconds as `[D-]HH:MM:SS`."""
    clock = joined(
        chosen(_TWO_DIGITS, seconds % S_PER_DAY // S_PER_HOUR),
        chosen(_TWO_DIGITS, seconds // 60 % 60),
        chosen(_TWO_DIGITS, seconds % 60),
        separator=":",
    )
    return joined(chosen(_DAYS, seconds // S_PER_DAY), clock)


def processor_times(milliseconds: Whole) -> Text:
    """Write TotalCPU: `MM:SS.mmm` below an hour, `[D-]HH:MM:SS` from there."""
    seconds = milliseconds // 1000
    short = joined(
        chosen(_TWO_DIGITS, np.minimum(seconds // 60, 99)),
        joined(chosen(_TWO_DIGITS, seconds % 60), chosen(_MILLISECONDS, milliseconds % 1000)),
        separator=":",
    )
    return where(seconds < S_PER_HOUR, short, durations(seconds))


def rows_as_bytes(rows: Text) -> memoryview:
    """Return the text of all rows as one piece of memory, without copying."""
    offsets = np.frombuffer(rows.buffers()[1], dtype=np.int32)[
        rows.offset : rows.offset + len(rows) + 1
    ]
    return memoryview(rows.buffers()[2])[int(offsets[0]) : int(offsets[-1])]
