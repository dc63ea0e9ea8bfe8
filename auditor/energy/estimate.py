"""Energy of every run, by the method that the model names."""

from typing import assert_never

import numpy as np
import pandas as pd

from auditor.domain.frames import CATEGORY, COMPONENTS, ENERGY
from auditor.energy import calibrated, green_algorithms, tdp
from auditor.energy.interface import (
    BASIS_NAMES,
    BasisArray,
    Components,
    FloatArray,
    Runs,
    runs_of,
)
from auditor.energy.model import CENTRAL, HIGH, LOW, EnergyModel

# Blocks of this many runs stay in the processor's cache from the first to the last operation.
BLOCK_RUNS = 8_192

_NUMBERS = [column.name for column in ENERGY if column.dtype != CATEGORY]
_ROW_OF = {name: row for row, name in enumerate(_NUMBERS)}


def estimate_energy(jobs: pd.DataFrame, hardware: pd.DataFrame, model: EnergyModel) -> pd.DataFrame:
    """Estimate the energy of each run: components, PUE and total, each with low and high.

    Nothing is NaN in the answer: a component whose count is unknown has 0 Wh on basis '', and
    `normalize` has flagged the run. Suspended seconds draw nothing (they are not in `elapsed_s`).

    Parameters
    ----------
    jobs
        JOBS columns.
    hardware
        HARDWARE columns, on the same index in the same order.
    model
        Method and constants.

    Returns
    -------
    ENERGY columns on the index of `jobs` [Wh].

    Raises
    ------
    ValueError
        The two frames are not about the same runs.
    """
    if not jobs.index.equals(hardware.index):
        msg = "jobs and hardware are not on one index"
        raise ValueError(msg)
    n_runs = len(jobs)
    runs = runs_of(jobs, hardware)
    pue = _pue_of_runs(jobs["cluster"], model)
    numbers = np.empty((len(_NUMBERS), n_runs))
    bases = np.empty((len(COMPONENTS), n_runs), dtype=np.int8)
    for first in range(0, n_runs, BLOCK_RUNS):
        block = slice(first, min(first + BLOCK_RUNS, n_runs))
        found = _components(runs.block(block.start, block.stop), model)
        _write(found, pue[:, block], numbers[:, block])
        for row, component in enumerate(COMPONENTS):
            bases[row, block] = getattr(found, component).basis
    return _frame(numbers, bases, jobs.index)


def _components(runs: Runs, model: EnergyModel) -> Components:
    match model.method:
        case "calibrated":
            return calibrated.components(runs, model)
        case "green-algorithms":
            return green_algorithms.components(runs, model)
        case "tdp":
            return tdp.components(runs)
        case _:
            assert_never(model.method)


def _pue_of_runs(clusters: "pd.Series[str]", model: EnergyModel) -> FloatArray:
    """Return (3, n): low, central and high PUE of each run."""
    of_category = np.array([model.pue(cluster) for cluster in clusters.cat.categories])
    return of_category.reshape(-1, 3).T[:, clusters.cat.codes.to_numpy()]


def _write(found: Components, pue: FloatArray, numbers: FloatArray) -> None:
    totals = [np.zeros(numbers.shape[1]) for _ in range(3)]
    for component in COMPONENTS:
        part = getattr(found, component)
        bounds = (part.low_wh, part.central_wh, part.high_wh)
        for bound, (suffix, value_wh) in enumerate(zip(("_low", "", "_high"), bounds, strict=True)):
            numbers[_ROW_OF[f"{component}{suffix}_wh"]] = value_wh
            totals[bound] += value_wh
    numbers[_ROW_OF["gpu_measured_wh"]] = found.gpu_measured_wh
    numbers[_ROW_OF["pue"]] = pue[CENTRAL]
    numbers[_ROW_OF["it_energy_wh"]] = totals[CENTRAL]
    numbers[_ROW_OF["energy_low_wh"]] = totals[LOW] * pue[LOW]
    numbers[_ROW_OF["energy_wh"]] = totals[CENTRAL] * pue[CENTRAL]
    numbers[_ROW_OF["energy_high_wh"]] = totals[HIGH] * pue[HIGH]


def _frame(numbers: FloatArray, bases: BasisArray, index: pd.Index) -> pd.DataFrame:
    frame = pd.DataFrame(numbers.T, index=index, columns=_NUMBERS, copy=False)
    kinds = pd.CategoricalDtype(list(BASIS_NAMES))
    for row, component in enumerate(COMPONENTS):
        frame[f"{component}_basis"] = pd.Categorical.from_codes(
            bases[row], dtype=kinds, validate=False
        )
    return frame
