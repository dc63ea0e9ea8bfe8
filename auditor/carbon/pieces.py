"""The hours behind a mean intensity, one by one, for a reader who redoes it."""

import itertools
from dataclasses import dataclass

import numpy as np

from auditor.domain.intensity import IntensityBasis, IntensitySeries


@dataclass(frozen=True)
class Piece:
    """A span of one intensity: `[start_s, end_s)` in seconds since 1970. [gCO2e/kWh]."""

    start_s: int
    end_s: int
    g_per_kwh: float
    basis: str

    @property
    def length_s(self) -> int:
        """Length of the span [s]."""
        return self.end_s - self.start_s


def pieces(start_s: int, end_s: int, series: IntensitySeries) -> list[Piece]:
    """Return the steps of a series that a run touches, in order, cut at the run's ends.

    What lies outside the series is one piece of the fallback on either side. An empty run has no
    pieces.
    """
    inside = series.edges_s[(series.edges_s > start_s) & (series.edges_s < end_s)]
    edges = [start_s, *(int(edge) for edge in inside), end_s]
    found = []
    for begin, end in itertools.pairwise(edges):
        if end > begin:
            step = int(np.searchsorted(series.edges_s, begin, side="right")) - 1
            value, basis = series.fallback_g_per_kwh, series.fallback_basis
            if 0 <= step < len(series.g_per_kwh):
                value, basis = float(series.g_per_kwh[step]), IntensityBasis(series.basis[step])
            found.append(Piece(begin, end, value, basis.name.lower()))
    return found
