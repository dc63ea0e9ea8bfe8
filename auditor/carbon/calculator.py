"""The arithmetic of the ML Emissions Calculator, without its roundings."""

from dataclasses import dataclass

from auditor.units import WH_PER_KWH


@dataclass(frozen=True)
class Estimate:
    """What accelerators draw and emit over some hours. Energy [Wh], carbon [gCO2e]."""

    it_energy_wh: float
    energy_wh: float
    carbon_g: float


def estimate(
    gpu_w: float, n_gpu: int, hours: float, g_per_kwh: float, pue: float = 1.0
) -> Estimate:
    """Multiply power, time and carbon intensity.

    The calculator itself rounds energy, intensity and carbon to two decimals on its way, and knows
    no PUE; the default of 1 is its number.

    Parameters
    ----------
    gpu_w
        Power of one accelerator. [W]
    n_gpu
        Number of accelerators.
    hours
        Running time. [h]
    g_per_kwh
        Carbon intensity of the grid. [gCO2e/kWh]
    pue
        Power usage effectiveness, at least 1.

    Raises
    ------
    ValueError
        A quantity is negative or not finite, or the PUE is below 1.

    References
    ----------
    Lacoste, Luccioni, Schmidt and Dandres, "Quantifying the Carbon Emissions of Machine Learning",
    arXiv:1910.09700, 2019.
    """
    for name, value, least in (
        ("power", gpu_w, 0.0),
        ("number of accelerators", n_gpu, 0.0),
        ("running time", hours, 0.0),
        ("carbon intensity", g_per_kwh, 0.0),
        ("PUE", pue, 1.0),
    ):
        if not least <= value < float("inf"):
            msg = f"the {name} is finite and at least {least:g}, not {value}"
            raise ValueError(msg)
    it_energy_wh = gpu_w * n_gpu * hours
    energy_wh = it_energy_wh * pue
    return Estimate(it_energy_wh, energy_wh, energy_wh / WH_PER_KWH * g_per_kwh)
