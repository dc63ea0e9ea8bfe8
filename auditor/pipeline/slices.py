"""Runs of the ledger, cut to a period with the grid that they were estimated with."""

from collections.abc import Callable, Mapping

import pandas as pd

from auditor.carbon.bands import CarbonBands
from auditor.carbon.cut import cut_by_day, cut_to_period
from auditor.domain.frames import BOOK, names
from auditor.domain.intensity import IntensitySeries
from auditor.domain.period import Period
from auditor.ledger.ledger import Ledger

# What a report has no use for, and so does not read.
_UNUSED = {
    "eligible_utc",
    "hardware_rule",
    "line",
    "node_base_w",
    "node_list",
    "rank",
    "requested_memory_decimal_gb",
    "source",
    "wckey",
}
REPORTED = [name for name in names(BOOK) if name not in _UNUSED]

SeriesOfFactors = Mapping[str, Mapping[str, IntensitySeries]]
_Cut = Callable[[pd.DataFrame, Period, Mapping[str, IntensitySeries], CarbonBands], pd.DataFrame]


def series_of_factors(ledger: Ledger, rows: pd.DataFrame) -> SeriesOfFactors:
    """Return the grid series by factor set and zone, as they were when the runs were estimated."""
    found = {}
    for made_by in rows["factor_set"].unique():
        factor_set = ledger.factor_set(made_by)
        if factor_set is not None:
            found[str(made_by)] = {series.zone: series for series in factor_set.series}
    return found


def slices_of(
    rows: pd.DataFrame, period: Period, series_of: SeriesOfFactors, bands: CarbonBands
) -> pd.DataFrame:
    """Cut runs to a period, each with the series of its own factor set."""
    return _cut_with(cut_to_period, rows, period, series_of, bands)


def day_slices_of(
    rows: pd.DataFrame, period: Period, series_of: SeriesOfFactors, bands: CarbonBands
) -> pd.DataFrame:
    """Cut runs of a period at its midnights too."""
    return _cut_with(cut_by_day, rows, period, series_of, bands)


def _cut_with(
    cut: _Cut,
    rows: pd.DataFrame,
    period: Period,
    series_of: SeriesOfFactors,
    bands: CarbonBands,
) -> pd.DataFrame:
    if rows.empty:
        return cut(rows, period, {}, bands)
    parts = [
        cut(part, period, series_of[str(made_by)], bands)
        for made_by, part in rows.groupby("factor_set", observed=True)
    ]
    return parts[0] if len(parts) == 1 else pd.concat(parts)
