"""Maximum power times time: the number of the ML Emissions Calculator."""

import numpy as np

from auditor.energy.interface import Components, EnergyBasis, Runs, everywhere, nothing, part


def components(runs: Runs) -> Components:
    """Give accelerators their maximum draw for the whole run, and count nothing else.

    E = n_gpu x P_max x t, with PUE 1. There is no band: low and high equal the central value,
    because the number stands for a convention and not for a measurement.

    References
    ----------
    Lacoste, Luccioni, Schmidt, Dandres, "Quantifying the Carbon Emissions of Machine Learning",
    2019, arXiv:1910.09700.
    """
    n_runs = len(runs.hours)
    gpu_wh = runs.n_gpu * runs.gpu_max_w * runs.hours
    return Components(
        gpu=part(gpu_wh, gpu_wh, gpu_wh, everywhere(n_runs, EnergyBasis.ASSUMED)),
        cpu=nothing(n_runs),
        memory=nothing(n_runs),
        node=nothing(n_runs),
        gpu_measured_wh=np.zeros(n_runs),
    )
