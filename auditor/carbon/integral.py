"""Exact integrals of a step function between any two instants, in constant time per pair."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.domain.intensity import IntensitySeries

Seconds = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Spans:
    """Spans of time, each as the rest of its first step, whole steps and the begun last one.

    All arrays are (n,). Step 0 is the time before the first edge and the last step the time after
    the last one, where a series falls back. A span inside one step is its `first_part_s` alone.
    `from_edge` and `to_edge` are the edges that the whole steps lie between.
    """

    length_s: Seconds
    first_step: NDArray[np.intp]
    last_step: NDArray[np.intp]
    first_part_s: Seconds
    last_part_s: Seconds
    from_edge: NDArray[np.intp]
    to_edge: NDArray[np.intp]
    step_length_s: Seconds


def locate(start_s: Seconds, end_s: Seconds, series: IntensitySeries) -> Spans:
    """Lay spans `[start_s, end_s)` over the steps of a series.

    Parameters
    ----------
    start_s, end_s
        (n,) seconds since 1970; no span ends before it starts. [s]
    series
        Whose edges to use.
    """
    edges_s = series.edges_s
    length_s = end_s - start_s
    first = np.searchsorted(edges_s, start_s, side="right")
    last = np.searchsorted(edges_s, end_s, side="right")
    if len(edges_s) == 0:
        nothing = np.zeros_like(length_s)
        return Spans(length_s, first, last, length_s, nothing, first, first, np.diff(edges_s))
    crosses = first < last
    from_edge = np.where(crosses, first, 0)
    to_edge = np.where(crosses, last - 1, 0)
    first_part_s = np.where(crosses, edges_s[from_edge] - start_s, length_s)
    last_part_s = np.where(crosses, end_s - edges_s[to_edge], 0)
    return Spans(
        length_s, first, last, first_part_s, last_part_s, from_edge, to_edge, np.diff(edges_s)
    )


def with_fallback(inside: Values, outside: float) -> Values:
    """Put the value that holds outside the edges before and after those inside. (n+2,)."""
    if len(inside) == 0:
        return np.array([outside])
    return np.concatenate(([outside], inside, [outside]))


def integrate(spans: Spans, value_of_step: Values) -> Values:
    """Integrate a step function over each span.

    The parts of begun steps are counted by themselves, so that a second of a run is weighed
    against that run and not against years of the series. The prefix sum over whole steps is kept
    with its rounding errors, as the sum of two doubles.

    Parameters
    ----------
    spans
        From `locate`.
    value_of_step
        Value of each step, those outside included (see `with_fallback`).

    Returns
    -------
    (n,) [unit of the value x s], exact to some units in the last place.

    References
    ----------
    Ogita, Rump and Oishi, "Accurate Sum and Dot Product", SIAM J. Sci. Comput. 26(6), 2005.
    """
    parts: Values = value_of_step[spans.first_step] * spans.first_part_s
    if len(value_of_step) == 1:
        return parts
    high, low = _prefix_sums(value_of_step[1:-1] * spans.step_length_s)
    parts += high[spans.to_edge] - high[spans.from_edge]
    parts += low[spans.to_edge] - low[spans.from_edge]
    parts += value_of_step[spans.last_step] * spans.last_part_s
    return parts


def value_at(spans: Spans, value_of_step: Values) -> Values:
    """Return the value that holds at the start of each span. (n,)."""
    value: Values = value_of_step[spans.first_step]
    return value


def _prefix_sums(terms: Values) -> tuple[Values, Values]:
    """Sum up to each term, and what rounding took from each sum. Both (n+1,)."""
    high = np.concatenate(([0.0], np.cumsum(terms)))
    before, after = high[:-1], high[1:]
    added = after - before
    lost = (before - (after - added)) + (terms - added)
    return high, np.concatenate(([0.0], np.cumsum(lost)))
