"""How much of what no meter covers was seen at work, and so has a load of its own.

A utilisation speaks for the time in which somebody looked, and the rest has the assumed load.
"""

import numpy as np

from auditor.energy.interface import BoolArray, FloatArray


def seen_ratio(
    utilisation_ratio: FloatArray, observed_ratio: FloatArray, covered_ratio: FloatArray
) -> FloatArray:
    """Return the share of the unmetered accelerator time whose utilisation is known, 0..1, (n,).

    One exporter gives energy and use. So the time seen is taken to be metered first, and only what
    is left of it tells of the rest: doubt stays where nobody looked.

    Parameters
    ----------
    utilisation_ratio
        Mean utilisation of the time seen; NaN where nobody looked.
    observed_ratio
        Share of the accelerator time that it covers; NaN for all of it, as accounting says.
    covered_ratio
        Share of the accelerator time that counts as metered, 0..1.
    """
    observed = np.clip(np.where(np.isnan(observed_ratio), 1.0, observed_ratio), 0.0, 1.0)
    observed = np.where(np.isnan(utilisation_ratio), 0.0, observed)
    rest = 1.0 - covered_ratio
    left = np.maximum(observed - covered_ratio, 0.0)
    seen: FloatArray = np.divide(left, rest, out=np.zeros_like(left), where=rest > 0)
    return seen


def is_mostly_seen(seen: FloatArray, seen_w: FloatArray, unseen_w: FloatArray) -> BoolArray:
    """Tell where the larger part of an energy is of time that was seen, (n,).

    `seen_w` is the power while somebody looked, `unseen_w` the assumed one [W].
    """
    mostly: BoolArray = (seen > 0) & (seen * seen_w >= (1.0 - seen) * unseen_w)
    return mostly
