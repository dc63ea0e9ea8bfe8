"""Sizes and counts, a whole column at a time."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from auditor.normalize.cell_bytes import Tails
from auditor.normalize.columns import Encoded
from auditor.normalize.slurm_values import SENTINELS, parse_size_bytes

_SENTINELS = pa.array(sorted({*SENTINELS, ""}))
_UNITS = "KMGTPE"
_FACTORS = np.ones(256)
_FACTORS[[ord(unit) for unit in _UNITS]] = [2.0 ** (10 * power) for power in range(1, 7)]


def parse_sizes(column: pa.Array) -> NDArray[np.float64]:
    """Read a column of sizes such as MaxRSS; NaN where a cell is missing or no size [bytes].

    Parameters
    ----------
    column
        Arrow strings without nulls. Numbers with one letter behind them are read all at once,
        columns that hold anything else by their distinct strings.
    """
    missing = pc.is_in(column, value_set=_SENTINELS)
    first_known = pc.index(missing, pa.scalar(value=False)).as_py()
    if first_known < 0:
        return np.full(len(column), np.nan)
    known = pc.if_else(missing, None, column) if pc.any(missing).as_py() else column
    sample = known[first_known].as_py()
    try:
        # Arrow tries every cell of a cast that is bound to fail: one look at a cell saves that.
        parse_size_bytes(sample)
        numbers = pc.ascii_rtrim(known, characters=_UNITS).cast(pa.float64())
    except (ValueError, pa.ArrowInvalid):
        return _by_distinct(column)
    amounts: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return amounts * _FACTORS[Tails.of(column).byte(1)]


def _by_distinct(column: pa.Array) -> NDArray[np.float64]:
    return Encoded.of(column).numbers(_size_or_nan)


def _size_or_nan(text: str) -> float:
    try:
        return parse_size_bytes(text)
    except ValueError:
        return math.nan
