"""Runs and grids written for the tests of this folder."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from auditor.domain.frames import BOOK, CATEGORY, FLAG, INSTANT, NUMBER, TEXT, check
from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.domain.period import Period

HOUR_S = 3600
DAY_S = 86_400


def epoch_s(text):
    return int(datetime.fromisoformat(text).timestamp())


def grid(values, start_s=0, step_s=HOUR_S, basis=None, fallback=400.0, zone="DE"):
    values = np.asarray(values, dtype=np.float64)
    n_steps = len(values)
    edges_s = start_s + step_s * np.arange(n_steps + 1 if n_steps else 0, dtype=np.int64)
    kinds = np.zeros(n_steps) if basis is None else np.asarray(basis)
    return IntensitySeries(
        zone=zone,
        edges_s=edges_s,
        g_per_kwh=values,
        basis=kinds.astype(np.uint8),
        fallback_g_per_kwh=fallback,
        fallback_source="annual",
        source="test",
        fallback_basis=IntensityBasis.ANNUAL,
    )


def second_by_second(start_s, end_s, series):
    """Add up the intensity second by second. [g/kWh x s]."""
    seconds = np.arange(start_s, end_s)
    step = np.searchsorted(series.edges_s, seconds, side="right") - 1
    inside = (step >= 0) & (step < len(series.g_per_kwh))
    values = np.full(len(seconds), series.fallback_g_per_kwh)
    values[inside] = series.g_per_kwh[step[inside]]
    return float(np.sum(values, dtype=np.longdouble))


def instants(values_s):
    return pd.to_datetime(pd.Series(values_s, dtype="Int64"), unit="s", utc=True).dt.as_unit("us")


def _filler(column, n_rows):
    match column.dtype:
        case "category":
            return pd.Categorical(["x"] * n_rows)
        case "str":
            return pd.array([f"{column.name}{row}" for row in range(n_rows)], dtype=TEXT)
        case _ if column.dtype == INSTANT:
            return instants([0] * n_rows)
        case _ if column.dtype == NUMBER:
            return np.ones(n_rows)
        case _ if column.dtype == FLAG:
            return np.zeros(n_rows, dtype=bool)
    return np.zeros(n_rows, dtype=np.int64)


def book(start_s, elapsed_s, suspended_s=None, zone="DE", **columns):
    """Return rows of the book; a start of None never started. Other columns are ones."""
    n_rows = len(start_s)
    suspended_s = [0] * n_rows if suspended_s is None else suspended_s
    frame = pd.DataFrame({column.name: _filler(column, n_rows) for column in BOOK})
    end_s = [
        None if start is None else start + elapsed + suspended
        for start, elapsed, suspended in zip(start_s, elapsed_s, suspended_s, strict=True)
    ]
    frame["start_utc"] = instants(start_s)
    frame["end_utc"] = instants(columns.pop("end_s", end_s))
    frame["elapsed_s"] = np.asarray(elapsed_s, dtype=np.int64)
    frame["suspended_s"] = np.asarray(suspended_s, dtype=np.int64)
    frame["zone"] = pd.Categorical([zone] * n_rows).astype(CATEGORY)
    for name, values in columns.items():
        frame[name] = np.asarray(values, dtype=np.float64)
    return check(frame, BOOK)


def period(start_s, end_s, timezone="UTC"):
    start, end = (datetime.fromtimestamp(value, tz=UTC) for value in (start_s, end_s))
    return Period(start, end, timezone, "test")
