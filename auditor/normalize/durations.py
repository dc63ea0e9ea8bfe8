"""Durations as sacct writes them, a whole column at a time."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.normalize.cell_bytes import Tails
from auditor.normalize.columns import Encoded
from auditor.normalize.slurm_values import UNLIMITED_WORDS, is_missing

_DURATION = re.compile(
    r"(?:(?P<days>\d+)-)?(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?)"
)
_PLAIN_SECONDS = re.compile(r"\d+(?:\.\d+)?")
_PARTITION_LIMIT = "partition_limit"
_MAX_DAY_DIGITS = 4  # 9999 days fit 32 bits of seconds
_DAY_S = 86400
_NINE = 9
_SAMPLE_ROWS, _FEW = 1024, 64
_NO_VALUE_S = 2**32 - 2


def parse_duration_s(text: str) -> float:
    """Read one duration [s].

    Parameters
    ----------
    text
        `10-13:27:06`, `15:33:59`, `02:44.935` (minutes), plain seconds, `UNLIMITED` (infinite);
        a word for nothing and `Partition_Limit` are NaN.

    Raises
    ------
    ValueError
        The cell is no duration.
    """
    word = text.strip().lower()
    if is_missing(text) or word == _PARTITION_LIMIT:
        return math.nan
    if word in UNLIMITED_WORDS:
        return math.inf
    if _PLAIN_SECONDS.fullmatch(word):
        return float(word)
    match = _DURATION.fullmatch(word)
    if match is None:
        msg = f"{text!r} is no duration"
        raise ValueError(msg)
    days, hours = int(match["days"] or 0), int(match["hours"] or 0)
    return days * 86400.0 + hours * 3600.0 + int(match["minutes"]) * 60.0 + float(match["seconds"])


@dataclass(frozen=True)
class Durations:
    """A column of durations: `seconds` float64 (missing NaN), `unreadable` marks the bad cells."""

    seconds: NDArray[np.float64]
    unreadable: NDArray[np.bool_]


def parse_durations(column: pa.Array) -> Durations:
    """Read a column of durations with as many distinct values as rows.

    The two shapes that fill such columns, `[D-]HH:MM:SS` and `MM:SS.mmm`, are read from the bytes
    of all rows at once; the rest by `parse_duration_s`, once for each distinct string.

    Parameters
    ----------
    column
        Arrow strings without nulls.
    """
    plain_s = _plain_seconds(column)
    if plain_s is not None:
        return Durations(plain_s, np.zeros(len(column), dtype=bool))
    if _few_distinct(column):
        return Durations(*_one_by_one(column))
    tails = Tails.of(column)
    clock_s, is_clock = _clock_seconds(tails)
    seconds = np.where(is_clock, clock_s, np.nan)
    short = np.flatnonzero(tails.lengths == len("MM:SS.mmm"))
    if len(short):
        seconds[short] = _fraction_seconds(tails.rows(short), seconds[short])
    rest = np.flatnonzero(np.isnan(seconds))
    unreadable = np.zeros(len(column), dtype=bool)
    if len(rest):
        seconds[rest], unreadable[rest] = _one_by_one(column.take(pa.array(rest)))
    return Durations(seconds, unreadable)


def _few_distinct(column: pa.Array) -> bool:
    sample = column.slice(0, _SAMPLE_ROWS)
    return len(sample) < _SAMPLE_ROWS or len(sample.unique()) <= _FEW


def _plain_seconds(column: pa.Array) -> NDArray[np.float64] | None:
    """Read a column of nothing but digits and blanks; None if it holds anything else."""
    blank = pc.equal(column, "")
    sample = pc.index(blank, pa.scalar(value=False)).as_py()
    # Arrow tries every cell of a cast that is bound to fail: one look at a cell saves that.
    if sample >= 0 and not column[sample].as_py().isdigit():
        return None
    known = pc.if_else(blank, None, column) if pc.any(blank).as_py() else column
    try:
        whole = known.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    bounds = pc.min_max(whole).as_py()
    if bounds["min"] is not None and (bounds["min"] < 0 or bounds["max"] >= _NO_VALUE_S):
        return None
    seconds: NDArray[np.float64] = whole.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return seconds


def _pair(tails: Tails, place: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    tens, ones = tails.digit(place), tails.digit(place - 1)
    fits: NDArray[np.bool_] = np.maximum(tens, ones) <= _NINE
    return tens.astype(np.int32) * np.int32(10) + ones, fits


def _clock_seconds(tails: Tails) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Read `HH:MM:SS` with or without `D-` before it."""
    hours, hours_fit = _pair(tails, 8)
    minutes, minutes_fit = _pair(tails, 5)
    seconds, seconds_fit = _pair(tails, 2)
    fits = hours_fit & minutes_fit & seconds_fit & (tails.lengths >= len("HH:MM:SS"))
    fits &= (tails.byte(3) == ord(":")) & (tails.byte(6) == ord(":"))
    total = hours * np.int32(3600) + minutes * np.int32(60) + seconds
    with_days = np.flatnonzero(fits & (tails.lengths > len("HH:MM:SS")))
    if len(with_days):
        days, days_fit = _days(tails.rows(with_days))
        total[with_days] += days * np.int32(_DAY_S)
        fits[with_days] = days_fit
    return total, fits


def _days(tails: Tails) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    n_digits = tails.lengths - len("-HH:MM:SS")
    fits = (tails.byte(9) == ord("-")) & (n_digits >= 1) & (n_digits <= _MAX_DAY_DIGITS)
    days = np.zeros(len(n_digits), dtype=np.int32)
    for place in range(min(int(n_digits.max()), _MAX_DAY_DIGITS)):
        digit = tails.digit(10 + place)
        inside = place < n_digits
        fits &= ~inside | (digit <= _NINE)
        days += np.where(inside, digit.astype(np.int32) * np.int32(10**place), 0)
    return days, fits


def _fraction_seconds(tails: Tails, otherwise_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read `MM:SS.mmm`; other cells of that length keep what they are."""
    minutes, minutes_fit = _pair(tails, 9)
    seconds, seconds_fit = _pair(tails, 6)
    hundredths, hundredths_fit = _pair(tails, 3)
    thousandth = tails.digit(1)
    fits = minutes_fit & seconds_fit & hundredths_fit & (thousandth <= _NINE)
    fits &= (tails.byte(4) == ord(".")) & (tails.byte(7) == ord(":"))
    thousandths = (minutes * 60 + seconds) * 1000 + hundredths * 10 + thousandth
    return np.where(fits, thousandths / 1000.0, otherwise_s)


def _one_by_one(cells: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    encoded = Encoded.of(cells)
    seconds, unreadable = [], []
    for text in encoded.distinct:
        try:
            seconds.append(parse_duration_s(text))
            unreadable.append(False)
        except ValueError:
            seconds.append(math.nan)
            unreadable.append(True)
    return np.array(seconds)[encoded.codes], np.array(unreadable)[encoded.codes]
