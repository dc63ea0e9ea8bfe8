"""Grid series as rows of the desk and back."""

import numpy as np

from auditor.domain.intensity import IntensityBasis, IntensitySeries


class DamagedSeriesError(ValueError):
    """A row of the desk is not the series that was written there."""


def series_row(series: IntensitySeries) -> tuple[str | bytes | float | int, ...]:
    """Return a series as its row."""
    return (
        series.digest(),
        series.zone,
        series.source,
        series.kind,
        series.edges_s.astype("<i8").tobytes(),
        series.g_per_kwh.astype("<f8").tobytes(),
        series.basis.astype("u1").tobytes(),
        series.fallback_g_per_kwh,
        series.fallback_source,
        int(series.fallback_basis),
    )


def series_of(
    row: tuple[str, str, str, str, bytes, bytes, bytes, float, str, int],
) -> IntensitySeries:
    """Return the series of a row.

    Raises
    ------
    DamagedSeriesError
        The row is not what its name, the digest of its content, says.
    """
    name, zone, source, kind, edges, values, basis, fallback, fallback_source, fallback_basis = row
    try:
        series = IntensitySeries(
            zone=zone,
            edges_s=np.frombuffer(edges, "<i8").astype(np.int64),
            g_per_kwh=np.frombuffer(values, "<f8").astype(np.float64),
            basis=np.frombuffer(basis, "u1").astype(np.uint8),
            fallback_g_per_kwh=fallback,
            fallback_source=fallback_source,
            source=source,
            kind=kind,
            fallback_basis=IntensityBasis(fallback_basis),
        )
    except ValueError as error:
        raise DamagedSeriesError(str(error)) from error
    if series.digest() != name:
        msg = f"the grid series {name} of {zone} is not what was recorded"
        raise DamagedSeriesError(msg)
    return series
