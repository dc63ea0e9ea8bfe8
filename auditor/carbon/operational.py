"""Energy x intensity over time: the operational, location-based carbon of each run."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.carbon.bands import DEFAULT_BANDS, CarbonBands
from auditor.carbon.embodied import NO_FACTORS, EmbodiedFactors, embodied_g
from auditor.carbon.integral import Spans, Values, integrate, locate, value_at, with_fallback
from auditor.domain.frames import CARBON
from auditor.domain.intensity import IntensityBasis, IntensitySeries
from auditor.errors import IntensityError
from auditor.units import WH_PER_KWH

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Exposure:
    """What each run saw of a grid. Arrays are (n,).

    `measured_ratio` is the share of the run on measured hours, `half_width_ratio` the relative
    half-width of the mean.
    """

    mean_g_per_kwh: NDArray[np.float64]
    measured_ratio: NDArray[np.float64]
    half_width_ratio: NDArray[np.float64]


def exposure(
    start_s: NDArray[np.int64],
    end_s: NDArray[np.int64],
    series: IntensitySeries,
    bands: CarbonBands = DEFAULT_BANDS,
) -> Exposure:
    """Average the carbon intensity over each run `[start_s, end_s)`.

    The power of a run is taken as constant, so its carbon is its energy times the time-weighted
    mean. A run without length takes the value of its instant. Outside the edges of the series its
    fallback holds.

    Parameters
    ----------
    start_s, end_s
        (n,) seconds since 1970; no run ends before it starts. [s]
    series
        The grid.
    bands
        How far each basis may be off.

    Returns
    -------
    Means [gCO2e/kWh] and shares of the (n,) runs.
    """
    g_per_kwh, measured, uncertain_g_per_kwh = step_values(series, bands)
    spans = locate(start_s, end_s, series)
    mean = _mean(spans, g_per_kwh)
    with np.errstate(invalid="ignore", divide="ignore"):
        half_width = _mean(spans, uncertain_g_per_kwh) / mean
    half_width = np.where(mean > 0, half_width, 0.0)
    return Exposure(mean, _mean(spans, measured), half_width)


def step_values(series: IntensitySeries, bands: CarbonBands) -> tuple[Values, Values, Values]:
    """Return intensity, 'is measured' (0 or 1) and half-width of each step, outside included.

    Intensity and half-width [gCO2e/kWh]; all (n_steps + 2,), or (1,) for a constant.
    """
    outside = series.fallback_basis
    g_per_kwh = with_fallback(series.g_per_kwh, series.fallback_g_per_kwh)
    basis = with_fallback(series.basis.astype(np.float64), float(outside)).astype(np.intp)
    measured = (basis == IntensityBasis.MEASURED).astype(np.float64)
    return g_per_kwh, measured, g_per_kwh * bands.by_basis()[basis]


def seconds(instants: pd.Series) -> NDArray[np.int64]:
    """Return whole seconds since 1970 of `datetime64[us, UTC]`; 0 where missing. (n,) [s]."""
    microseconds = np.asarray(instants.astype("int64"), dtype=np.int64)
    whole: NDArray[np.int64] = microseconds // np.int64(MICROSECONDS)
    whole[instants.isna().to_numpy()] = 0
    return whole


def estimate_carbon(
    jobs: pd.DataFrame,
    energy: pd.DataFrame,
    series_of: Mapping[str, IntensitySeries],
    bands: CarbonBands = DEFAULT_BANDS,
    factors: EmbodiedFactors = NO_FACTORS,
) -> pd.DataFrame:
    """Work out what each run emitted.

    Parameters
    ----------
    jobs
        (n,) runs with the columns of `JOBS`.
    energy
        Their energy with the columns of `ENERGY`, on the same index. [Wh]
    series_of
        The grid of every cluster.
    bands
        How far each basis of the intensity may be off.
    factors
        Embodied carbon, where the site states it.

    Returns
    -------
    (n,) rows with the columns of `CARBON` without `factor_set`, on the index of `jobs`. A run that
    never started emitted 0 g at no intensity (NaN).

    Raises
    ------
    IntensityError
        A cluster has no series.
    """
    mean, measured, half_width = _exposures(jobs, series_of, bands)
    low_wh, central_wh, high_wh = (
        energy[name].to_numpy() for name in ("energy_low_wh", "energy_wh", "energy_high_wh")
    )
    g_per_wh = mean / WH_PER_KWH
    columns = {
        "zone": _zones(jobs["cluster"], series_of),
        "intensity_g_per_kwh": mean,
        "intensity_measured_ratio": measured,
        "carbon_low_g": _product(low_wh, g_per_wh * (1 - half_width)),
        "carbon_g": _product(central_wh, g_per_wh),
        "carbon_high_g": _product(high_wh, g_per_wh * (1 + half_width)),
        "embodied_g": embodied_g(jobs, factors),
    }
    order = [column.name for column in CARBON if column.name in columns]
    return pd.DataFrame({name: columns[name] for name in order}, index=jobs.index)


def _mean(spans: Spans, value_of_step: Values) -> Values:
    if (value_of_step == value_of_step[0]).all():
        return np.full(len(spans.length_s), value_of_step[0])
    length_s = spans.length_s
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = integrate(spans, value_of_step) / length_s
    return np.where(length_s > 0, mean, value_at(spans, value_of_step))


def _product(energy_wh: Values, g_per_wh: Values) -> Values:
    """Multiply; nothing drawn is nothing emitted, whatever the intensity."""
    return np.where(energy_wh == 0, 0.0, energy_wh * g_per_wh)


def _exposures(
    jobs: pd.DataFrame, series_of: Mapping[str, IntensitySeries], bands: CarbonBands
) -> tuple[Values, Values, Values]:
    """Return mean, measured share and half-width of each run; NaN if it never started."""
    found = tuple(np.full(len(jobs), np.nan) for _ in range(3))
    started = jobs["start_utc"].notna().to_numpy()
    start_s, end_s = seconds(jobs["start_utc"]), seconds(jobs["end_utc"])
    codes = jobs["cluster"].cat.codes.to_numpy()
    for code, cluster in enumerate(jobs["cluster"].cat.categories):
        chosen = started & (codes == code)
        if not chosen.any():
            continue
        seen = exposure(start_s[chosen], end_s[chosen], _series(series_of, cluster), bands)
        parts = (seen.mean_g_per_kwh, seen.measured_ratio, seen.half_width_ratio)
        for column, part in zip(found, parts, strict=True):
            column[chosen] = part
    return found[0], found[1], found[2]


def _zones(clusters: pd.Series, series_of: Mapping[str, IntensitySeries]) -> pd.Categorical:
    """Translate the category of clusters to that of their zones, category by category."""
    zone_of_code = [_zone(series_of, name) for name in clusters.cat.categories]
    zones = sorted({zone for zone in zone_of_code if zone is not None})
    code_of = {zone: code for code, zone in enumerate(zones)}
    new_code = np.array([*(-1 if zone is None else code_of[zone] for zone in zone_of_code), -1])
    return pd.Categorical.from_codes(
        new_code[clusters.cat.codes.to_numpy()], categories=pd.Index(zones, dtype="str")
    )


def _zone(series_of: Mapping[str, IntensitySeries], cluster: str) -> str | None:
    # By item and not by `in`: a mapping may have a default for clusters that nobody configured.
    try:
        return series_of[cluster].zone
    except KeyError:
        return None


def _series(series_of: Mapping[str, IntensitySeries], cluster: str) -> IntensitySeries:
    try:
        return series_of[cluster]
    except KeyError as error:
        msg = f"no grid series for cluster {cluster}"
        raise IntensityError(msg, hint="State its `zone` in the configuration.") from error
