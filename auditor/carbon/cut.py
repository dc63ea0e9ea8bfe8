"""Cut runs at the edges of a period and at local midnights, so that the pieces add up to the run.

Energy goes with time over `[start_utc, end_utc)`, carbon hour by hour with the intensity. A piece
can be cut again: it carries its own span in `slice_start_utc` and `slice_end_utc`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.carbon.bands import CarbonBands
from auditor.carbon.integral import Seconds, Values, integrate, locate
from auditor.carbon.operational import seconds, step_values
from auditor.domain.frames import CATEGORY, COMPONENTS
from auditor.domain.intensity import IntensitySeries
from auditor.domain.period import Period
from auditor.errors import IntensityError

ENERGY_COLUMNS = (
    *(f"{component}{bound}_wh" for component in COMPONENTS for bound in ("_low", "", "_high")),
    "gpu_measured_wh",
    "it_energy_wh",
    "energy_low_wh",
    "energy_wh",
    "energy_high_wh",
)
CARBON_COLUMNS = ("carbon_low_g", "carbon_g", "carbon_high_g")
# Everything else that grows with time, and so is divided by it.
TIME_COLUMNS = (
    "elapsed_s",
    "suspended_s",
    "total_cpu_s",
    "consumed_energy_j",
    "gpu_energy_j",
    "embodied_g",
)


@dataclass(frozen=True)
class _Pieces:
    """Pieces of rows: which row, its own span, and the span of the piece. Arrays (n_pieces,) [s].

    `is_cut` marks pieces that are not their whole row.
    """

    row: NDArray[np.intp]
    row_start_s: Seconds
    row_end_s: Seconds
    start_s: Seconds
    end_s: Seconds

    @property
    def is_cut(self) -> NDArray[np.bool_]:
        cut: NDArray[np.bool_] = (self.start_s != self.row_start_s) | (self.end_s != self.row_end_s)
        return cut

    @property
    def time_ratio(self) -> Values:
        """Share of the row's time; 1 for a row without length."""
        length_s = self.row_end_s - self.row_start_s
        part_s = self.end_s - self.start_s
        return np.where(length_s > 0, part_s / np.maximum(length_s, 1), 1.0)


def cut_to_period(
    rows: pd.DataFrame,
    period: Period,
    series_of_zone: Mapping[str, IntensitySeries],
    bands: CarbonBands,
) -> pd.DataFrame:
    """Keep what of each run lies in the period.

    Parameters
    ----------
    rows
        Runs with the columns of `BOOK`, or pieces of runs from this module.
    period
        Half-open span of time.
    series_of_zone
        The grid of each zone; only those of runs that cross an edge are used.
    bands
        How far each basis of the intensity may be off.

    Returns
    -------
    The columns of `rows`, one row per run that overlaps the period or, without length, lies in it;
    one that never started lies where it was given up. Times, energies and carbon are cut;
    `elapsed_s` and `suspended_s` become float64. New columns: `core_s`, `gpu_s` (allocation x
    `elapsed_s` [s]), `active_ratio` (share of the run not suspended), `slice_start_utc` and
    `slice_end_utc`.

    Raises
    ------
    IntensityError
        A run that emitted something crosses an edge in a zone without series.
    """
    pieces = _pieces(rows, np.array([period.start_s, period.end_s]))[0]
    return _cut(rows, pieces, series_of_zone, bands)


def cut_by_day(
    rows: pd.DataFrame,
    period: Period,
    series_of_zone: Mapping[str, IntensitySeries],
    bands: CarbonBands,
) -> pd.DataFrame:
    """Cut to the period and at the midnights of its time zone: one row per run and day.

    Parameters, columns and errors as for `cut_to_period`; column `day` names the local day, such
    as '2026-11-16'. A day of 23 or 25 hours is one day.
    """
    edges_s, days = _midnights(period)
    pieces, interval = _pieces(rows, edges_s)
    cut = _cut(rows, pieces, series_of_zone, bands)
    day = pd.Categorical.from_codes(interval, categories=pd.Index(days, dtype="str"))
    return cut.assign(day=pd.Series(day, index=cut.index, dtype=CATEGORY))


def _midnights(period: Period) -> tuple[Seconds, list[str]]:
    """Return the edges of the days that the period touches, cut to it, and their names."""
    zone = ZoneInfo(period.timezone)
    day: date = period.start_utc.astimezone(zone).date()
    edges_s, days = [period.start_s], []
    while True:
        days.append(day.isoformat())
        day += timedelta(days=1)
        midnight_s = int(datetime.combine(day, time(), tzinfo=zone).timestamp())
        if midnight_s <= edges_s[-1]:
            days.pop()  # a date that the zone left out, as Samoa did in 2011
            continue
        if midnight_s >= period.end_s:
            edges_s.append(period.end_s)
            return np.array(edges_s), days
        edges_s.append(midnight_s)


def _row_spans(rows: pd.DataFrame) -> tuple[Seconds, Seconds, NDArray[np.bool_]]:
    """Return start and end of each row and whether it has a place in time at all. (n,) [s]."""
    is_piece = "slice_start_utc" in rows.columns
    start = rows["slice_start_utc" if is_piece else "start_utc"]
    end = rows["slice_end_utc" if is_piece else "end_utc"]
    end_s = seconds(end)
    start_s = np.where(start.isna().to_numpy(), end_s, seconds(start))
    return start_s, end_s, end.notna().to_numpy()


def _pieces(rows: pd.DataFrame, edges_s: Seconds) -> tuple[_Pieces, NDArray[np.intp]]:
    """Cut the rows at the edges; also return the interval that each piece lies in."""
    start_s, end_s, placed = _row_spans(rows)
    touches = np.where(end_s > start_s, end_s > edges_s[0], start_s >= edges_s[0])
    inside = placed & touches & (start_s < edges_s[-1]) & (edges_s[0] < edges_s[-1])
    kept = np.flatnonzero(inside)
    start_s, end_s = start_s[kept], end_s[kept]
    last_interval = len(edges_s) - 2
    first = np.maximum(np.searchsorted(edges_s, start_s, side="right") - 1, 0)
    last = np.minimum(np.searchsorted(edges_s, end_s, side="left") - 1, last_interval)
    n_pieces = np.maximum(last - first, 0) + 1
    row = np.repeat(np.arange(len(kept)), n_pieces)
    begun = np.cumsum(n_pieces) - n_pieces
    interval = first[row] + np.arange(len(row)) - begun[row]
    piece_start_s = np.maximum(start_s[row], edges_s[interval])
    piece_end_s = np.minimum(end_s[row], edges_s[interval + 1])
    return _Pieces(kept[row], start_s[row], end_s[row], piece_start_s, piece_end_s), interval


def _cut(
    rows: pd.DataFrame,
    pieces: _Pieces,
    series_of_zone: Mapping[str, IntensitySeries],
    bands: CarbonBands,
) -> pd.DataFrame:
    taken = _take(rows, pieces.row)
    ratio = pieces.time_ratio
    columns: dict[str, Values | pd.Series] = {
        name: taken[name].to_numpy(np.float64) * ratio for name in (*TIME_COLUMNS, *ENERGY_COLUMNS)
    }
    elapsed_s = columns["elapsed_s"]
    for name, count in (("core_s", "n_cpus"), ("gpu_s", "n_gpu")):
        held = taken[count].to_numpy(np.float64)
        columns[name] = np.where(elapsed_s == 0, 0.0, held * elapsed_s)
    columns["active_ratio"] = _active_ratio(taken)
    columns |= _carbon(taken, pieces, series_of_zone, bands)
    columns["slice_start_utc"] = _instants(pieces.start_s, taken.index)
    columns["slice_end_utc"] = _instants(pieces.end_s, taken.index)
    return taken.assign(**columns)


def _take(rows: pd.DataFrame, row: NDArray[np.intp]) -> pd.DataFrame:
    """Take rows by position; all of them once is the common case and copies nothing."""
    if len(row) == len(rows) and (row == np.arange(len(rows))).all():
        return rows
    return rows.take(row)


def _active_ratio(taken: pd.DataFrame) -> Values:
    """Return the share of the run that was not suspended; 1 for a run without length."""
    elapsed_s = taken["elapsed_s"].to_numpy(np.float64)
    span_s = elapsed_s + taken["suspended_s"].to_numpy(np.float64)
    ratio = np.ones(len(taken))
    np.divide(elapsed_s, span_s, out=ratio, where=span_s > 0)
    return ratio


def _instants(instant_s: Seconds, index: pd.Index) -> pd.Series:
    instants = pd.to_datetime(pd.Series(instant_s, index=index), unit="s", utc=True)
    return instants.dt.as_unit("us")


def _carbon(
    taken: pd.DataFrame,
    pieces: _Pieces,
    series_of_zone: Mapping[str, IntensitySeries],
    bands: CarbonBands,
) -> dict[str, Values]:
    """Divide the carbon of each row among its pieces as the intensity of their hours does.

    The rows' own figures are divided, not computed anew: pieces add up to the row even where the
    series has changed since it was estimated.
    """
    names = ("intensity_g_per_kwh", "intensity_measured_ratio", *CARBON_COLUMNS)
    columns = {name: taken[name].to_numpy(np.float64, copy=True) for name in names}
    emitted = np.nan_to_num(columns["carbon_high_g"]) != 0
    is_cut = pieces.is_cut
    codes = taken["zone"].cat.codes.to_numpy()
    time_ratio = pieces.time_ratio
    for code in np.unique(codes[is_cut]):
        zone = taken["zone"].cat.categories[code] if code >= 0 else None
        chosen = np.flatnonzero(is_cut & (codes == code))
        series = series_of_zone.get(zone) if zone is not None else None
        if series is None:
            _refuse_unknown(zone, emitted[chosen])
            continue
        shares, measured = _shares(pieces, chosen, series, bands)
        for name, share in zip(CARBON_COLUMNS, shares, strict=True):
            columns[name][chosen] *= share
        columns["intensity_g_per_kwh"][chosen] *= shares[1] / time_ratio[chosen]
        columns["intensity_measured_ratio"][chosen] = measured
    return columns


def _refuse_unknown(zone: str | None, emitted: NDArray[np.bool_]) -> None:
    if emitted.any():
        msg = f"no grid series for zone {zone}: a run of that zone crosses the period's edge"
        raise IntensityError(msg, hint="Keep the zone in the configuration while its runs matter.")


def _shares(
    pieces: _Pieces, chosen: NDArray[np.intp], series: IntensitySeries, bands: CarbonBands
) -> tuple[tuple[Values, Values, Values], Values]:
    """Return each piece's share of its row's low, central and high carbon, and of measured time."""
    part = locate(pieces.start_s[chosen], pieces.end_s[chosen], series)
    whole = locate(pieces.row_start_s[chosen], pieces.row_end_s[chosen], series)
    g_per_kwh, measured, half_width = step_values(series, bands)
    weights = (g_per_kwh - half_width, g_per_kwh, g_per_kwh + half_width)
    time_ratio = pieces.time_ratio[chosen]
    low, central, high = (
        _ratio(integrate(part, weight), integrate(whole, weight), time_ratio) for weight in weights
    )
    return (low, central, high), integrate(part, measured) / part.length_s


def _ratio(part: Values, whole: Values, otherwise: Values) -> Values:
    """Divide; a row over which nothing was emitted is divided by time."""
    ratio = otherwise.copy()
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
