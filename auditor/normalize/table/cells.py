"""The cells of a table as numbers, instants and states."""

import math
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.domain.job import OPEN_STATES
from auditor.domain.reject import Reject
from auditor.normalize.columns import Cells, Encoded
from auditor.normalize.durations import parse_duration_s
from auditor.normalize.identity import joined
from auditor.normalize.run_times import Fault, StateMarks
from auditor.normalize.slurm_values import (
    KNOWN_STATES,
    MISSING_WORDS,
    UNLIMITED_WORDS,
    parse_size_bytes,
    parse_state,
)
from auditor.normalize.table.column_map import TableMap
from auditor.normalize.times import EARLIEST_S, LATEST_S, parse_times
from auditor.normalize.zones import Readings, read_local

DURATIONS = frozenset({"elapsed", "time_limit", "cpu_time"})
SIZES = frozenset({"memory", "max_memory"})
_NOTHING = MISSING_WORDS | {"nan", "undefined", "-"}
_SHOWN_CHARACTERS = 200
_EPOCH_S = {"s": 1.0, "ms": 1e-3}


def is_nothing(text: str) -> bool:
    """Tell whether a cell holds nothing, or a word for it."""
    return text.strip().lower() in _NOTHING


def read_numbers(
    cells: Cells, name: str, table: TableMap
) -> tuple[NDArray[np.float64], list[Fault]]:
    """Read a column of numbers, (n,), and which rows cannot be read; NaN is missing.

    Durations may also be written HH:MM:SS, and sizes with a unit, binary multiples as PBS has them
    (`16777216kb`), unless the column has a unit of its own.
    """
    column = cells.text(name)
    if column is None:
        return np.full(cells.n_rows, np.nan), []
    factor = table.columns[name].factor
    numbers = _plain_numbers(column)
    if numbers is None:
        numbers = Encoded.of(column).numbers(_reader(name, factor))
    else:
        numbers = numbers * factor
    unreadable = np.isposinf(numbers) & (name != "time_limit")
    numbers = np.where(unreadable, np.nan, numbers)
    return numbers, [
        Fault(unreadable, f"{name} is no number that can be read without guessing"),
        Fault(numbers < 0, f"{name} is negative"),
    ]


def _plain_numbers(column: pa.Array) -> NDArray[np.float64] | None:
    """Read a column of nothing but digits, points and blanks; None if it holds anything else."""
    if not pc.all(pc.match_substring_regex(column, r"^(\d+(\.\d+)?)?$")).as_py():
        return None
    known = joined(pc.if_else(pc.equal(column, ""), None, column))
    numbers: NDArray[np.float64] = known.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _reader(name: str, factor: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        """Read one cell; infinite where it is no number."""
        word = text.strip()
        if is_nothing(word):
            return math.nan
        if name == "time_limit" and word.lower() in UNLIMITED_WORDS:
            return math.inf
        try:
            number = _number(name, word, factor)
        except ValueError:
            return math.inf
        return number if math.isfinite(number) else math.inf

    return read


def _number(name: str, word: str, factor: float) -> float:
    if name in DURATIONS and word.count(":") == 2:  # noqa: PLR2004  (of MM:SS who could tell)
        return parse_duration_s(word)
    if name in SIZES and factor == 1 and word[-1].isalpha():
        return parse_size_bytes(word)
    return float(word) * factor


def read_instants(
    cells: Cells, name: str, table: TableMap, timezone: str
) -> tuple[Readings | None, list[Fault]]:
    """Read a column of times; None where the table has no such column.

    Numbers count from the table's epoch; counted from 1970, zero is no time, as HTCondor has it.
    """
    column = cells.text(name)
    if column is None:
        return None, []
    if table.times == "iso":
        instants = parse_times(_stripped(column))
        readings = _placed(instants.seconds, instants.is_local, timezone)
        unreadable = instants.unreadable
    else:
        seconds, unreadable = _counted(column, _EPOCH_S[table.times], table.epoch_utc)
        readings = Readings(seconds, seconds)
    outside = (readings.first_s < EARLIEST_S) | (readings.first_s >= LATEST_S)
    before = readings.first_s < table.epoch_utc.timestamp()
    return readings, [
        Fault(unreadable, f"{name} is no time that can be read without guessing"),
        Fault(outside | before, f"{name} is out of range: before 1990 or the epoch, or after 2100"),
    ]


def _stripped(column: pa.Array) -> pa.Array:
    words = pc.utf8_trim_whitespace(column)
    nothing = pc.is_in(pc.utf8_lower(words), value_set=pa.array(sorted(_NOTHING)))
    return pc.if_else(nothing, "", words)


def _placed(seconds: NDArray[np.float64], is_local: NDArray[np.bool_], timezone: str) -> Readings:
    first_s, second_s = seconds.copy(), seconds.copy()
    local = read_local(seconds[is_local], timezone)
    first_s[is_local], second_s[is_local] = local.first_s, local.second_s
    return Readings(first_s, second_s)


def _counted(
    column: pa.Array, factor: float, epoch_utc: datetime
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    epoch_s = epoch_utc.timestamp()

    def read(text: str) -> float:
        word = text.strip()
        if is_nothing(word) or word == "-1":
            return math.nan
        try:
            number = float(word)
        except ValueError:
            return math.inf
        if not math.isfinite(number):
            return math.inf
        return math.nan if number == 0 and epoch_s == 0 else epoch_s + number * factor

    seconds = Encoded.of(column).numbers(read)
    unreadable = np.isposinf(seconds)
    return np.where(unreadable, np.nan, seconds), unreadable


def state_words(cells: Cells, table: TableMap) -> Encoded:
    """Return the states in Slurm's words, '' where there is none."""
    encoded = cells.encoded("state") or Encoded(np.zeros(cells.n_rows, dtype=np.int32), [""])
    stripped = [text.strip() for text in encoded.distinct]
    words = [table.states.get(text) or parse_state(text) or "" for text in stripped]
    return Encoded(encoded.codes, words)


def mark_words(states: Encoded) -> StateMarks:
    """Tell open, ended and unknown states apart."""
    return StateMarks(
        open=states.marks(OPEN_STATES.__contains__),
        known=states.marks(KNOWN_STATES.__contains__),
        running=states.marks("RUNNING".__eq__),
        pending=states.marks("PENDING".__eq__),
        requeued=states.marks("REQUEUED".__eq__),
    )


def rejects_of(cells: Cells, source: str, faults: list[Fault]) -> list[Reject]:
    """Name the first fault of every bad row."""
    reason_of = np.full(cells.n_rows, -1)
    for number, fault in reversed(list(enumerate(faults))):
        reason_of[fault.rows] = number
    bad = np.flatnonzero(reason_of >= 0)
    if len(bad) == 0:
        return []
    rows = cells.whole_rows(bad)
    texts = [rows.column(name) for name in rows.column_names if name != "line"]
    whole = pc.binary_join_element_wise(*texts, "|", null_handling="replace")
    shown = pc.utf8_slice_codeunits(whole, 0, _SHOWN_CHARACTERS).to_pylist()
    lines = rows.column("line").to_pylist()
    return [
        Reject(source, line, faults[number].reason, text)
        for line, number, text in zip(lines, reason_of[bad], shown, strict=True)
    ]
