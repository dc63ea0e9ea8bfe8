"""The unit in a column's name, and what turns its values into g/kWh."""

import re
from dataclasses import dataclass

from auditor.errors import IntensityError

# Grams of one unit of mass; kWh of one unit of energy. Pounds are international pounds.
_MASS_G = {
    "g": 1.0, "gram": 1.0, "grams": 1.0, "gco": 1.0,
    "kg": 1e3, "kgs": 1e3, "kilogram": 1e3, "kilograms": 1e3,
    "t": 1e6, "ton": 1e6, "tons": 1e6, "tonne": 1e6, "tonnes": 1e6, "mt": 1e6,
    "lb": 453.59237, "lbs": 453.59237, "pound": 453.59237, "pounds": 453.59237,
}  # fmt: skip
_ENERGY_KWH = {
    "wh": 1e-3, "kwh": 1.0, "mwh": 1e3, "gwh": 1e6, "twh": 1e9,
    "mj": 1 / 3.6, "gj": 1e3 / 3.6, "kj": 1e-3 / 3.6, "tj": 1e6 / 3.6,
}  # fmt: skip
# What is weighed, not how: gCO2eq, kg CO2, tCO₂e.
_GAS = re.compile(r"c[o0](?:2|₂)[-_ ]?(?:equivalents?|eq|e)?")
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Unit:
    """What the name says: `scale` turns a value into g/kWh; `text` is '' where it says nothing."""

    scale: float
    text: str


def unit_of(name: str) -> Unit:
    """Read the unit in a column's name; a name without any unit is taken as g/kWh.

    Raises
    ------
    IntensityError
        It names a unit of mass other than gram without one of energy, or the reverse.
    """
    words = _WORD.findall(_GAS.sub(" ", name.lower()))
    masses = [word for word in words if word in _MASS_G]
    energies = [word for word in words if word in _ENERGY_KWH]
    if not masses and not energies:
        return Unit(1.0, "")
    mass, energy = (masses or ["g"])[-1], (energies or ["kwh"])[-1]
    is_half_told = (not energies and _MASS_G[mass] != 1.0) or (not masses and energy != "kwh")
    if is_half_told:
        msg = f"the unit of column {name!r} is not understood"
        raise IntensityError(msg, hint="Name the column as in g_per_kwh, kg_per_kwh or lb/MWh.")
    return Unit(_MASS_G[mass] / _ENERGY_KWH[energy], f"{mass}/{energy}")
