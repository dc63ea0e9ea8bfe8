"""Times as accounting writes them: epochs, ISO with or without offset, words for none."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.normalize.columns import Encoded
from auditor.normalize.slurm_values import SENTINELS

EARLIEST_S = 631152000.0  # 1990-01-01: no accounting is older, whatever a row says
LATEST_S = 4102444800.0  # 2100-01-01

_WORDS = pa.array(
    sorted(
        {*SENTINELS, "", "Unknown", "None", "None assigned", "INVALID", "N/A", "unknown", "none"}
    )
)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?")
_AWARE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
_EPOCH = re.compile(r"\d{1,10}")
_EPOCH_LENGTH = len("1795450918")
_NAIVE_LENGTH = len("2026-11-23T16:21:58")


@dataclass(frozen=True)
class Instants:
    """A column of times.

    `seconds` (n,) float64 since 1970, NaN where missing; `is_local` marks those that are
    wall-clock times of an unnamed zone; `unreadable` the cells that are no time.
    """

    seconds: NDArray[np.float64]
    is_local: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]


def parse_time(text: str) -> tuple[float, bool]:
    """Read one time as seconds since 1970, and whether it is local [s].

    Raises
    ------
    ValueError
        The cell is no time that can be read without guessing (`23/11/2026 04:21 PM`, `16:21:58`).
    """
    if _EPOCH.fullmatch(text) and float(text) < LATEST_S:
        return float(text), False
    if _NAIVE.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp(), True
    if _AWARE.fullmatch(text):
        return datetime.fromisoformat(text).timestamp(), False
    msg = f"{text!r} is no time"
    raise ValueError(msg)


def parse_times(column: pa.Array) -> Instants:
    """Read a column of times with as many distinct values as rows.

    Parameters
    ----------
    column
        Arrow strings without nulls.
    """
    whole = _all_alike(column)
    if whole is None:
        missing = pc.is_in(column, value_set=_WORDS)
        column = pc.if_else(missing, None, column)
        whole = _all_alike(column)
    if whole is None:
        return _by_distinct(column)
    seconds, local = whole
    return Instants(seconds, np.full(len(column), local), np.zeros(len(column), dtype=bool))


def _all_alike(known: pa.Array) -> tuple[NDArray[np.float64], bool] | None:
    """Read a column whose cells all have one shape, in one go; None if they have not."""
    lengths = pc.min_max(pc.binary_length(known)).as_py()
    if lengths["min"] is None:
        return np.full(len(known), np.nan), False
    try:
        if lengths["min"] == lengths["max"] == _NAIVE_LENGTH:
            return _seconds(known.cast(pa.timestamp("s"))), True
        if lengths["min"] == lengths["max"] == _EPOCH_LENGTH:
            return _epochs(known)
        if lengths["min"] > _NAIVE_LENGTH:
            return _seconds(known.cast(pa.timestamp("s", tz="UTC"))), False
    except pa.ArrowInvalid:
        return None
    return None


def _epochs(known: pa.Array) -> tuple[NDArray[np.float64], bool] | None:
    seconds = _seconds(known.cast(pa.int64()))
    return (seconds, False) if np.nanmax(seconds) < LATEST_S else None


def _seconds(values: pa.Array) -> NDArray[np.float64]:
    seconds: NDArray[np.float64] = (
        values.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    )
    return seconds


def _by_distinct(known: pa.Array) -> Instants:
    encoded = Encoded.of(known.fill_null(""))
    seconds, local, unreadable = [], [], []
    for text in encoded.distinct:
        try:
            value, is_local = parse_time(text) if text else (np.nan, False)
        except ValueError:
            value, is_local = np.nan, False
        seconds.append(value)
        local.append(is_local)
        unreadable.append(bool(text) and bool(np.isnan(value)))
    codes = encoded.codes
    return Instants(np.array(seconds)[codes], np.array(local)[codes], np.array(unreadable)[codes])
