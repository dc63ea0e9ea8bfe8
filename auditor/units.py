"""Conversions and the only place where a number is scaled for a person.

Inside the program energy is Wh, carbon is g CO2e, power W, memory bytes, duration s.
"""

import math
from dataclasses import dataclass

WH_PER_KWH = 1000.0
G_PER_KG = 1000.0
S_PER_HOUR = 3600.0
BYTES_PER_GB = 1e9
BYTES_PER_GIB = float(2**30)
JOULES_PER_WH = 3600.0

_CARBON = (("g", 1.0), ("kg", 1e3), ("t", 1e6), ("kt", 1e9), ("Mt", 1e12))
_ENERGY = (("Wh", 1.0), ("kWh", 1e3), ("MWh", 1e6), ("GWh", 1e9), ("TWh", 1e12))
_SIGNIFICANT = 3


def _round_significant(value: float) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, _SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))


def _digits(value: float) -> str:
    rounded = _round_significant(value)
    if rounded == 0:
        return "0"
    decimals = max(0, _SIGNIFICANT - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def _scaled(value: float, scale: tuple[tuple[str, float], ...]) -> str:
    """Round first, then choose the unit: 999,999 g is 1.00 t and never 1,000 kg."""
    if not math.isfinite(value):
        return "unknown"
    rounded = _round_significant(value)
    unit, factor = scale[0]
    for name, size in scale:
        if abs(rounded) >= size:
            unit, factor = name, size
    return f"{_digits(rounded / factor)} {unit}"


def carbon_text(carbon_g: float) -> str:
    """Write grams CO2e for a person: three significant digits in g, kg, t, kt or Mt."""
    return _scaled(carbon_g, _CARBON)


def energy_text(energy_wh: float) -> str:
    """Write watt-hours for a person: three significant digits in Wh, kWh, MWh, GWh or TWh."""
    return _scaled(energy_wh, _ENERGY)


def hours_text(seconds: float) -> str:
    """Write resource time in hours: two decimals below 100 h, none above."""
    hours = seconds / S_PER_HOUR
    return f"{hours:,.2f} h" if abs(hours) < 100 else f"{hours:,.0f} h"  # noqa: PLR2004  (a width, not a quantity)


@dataclass(frozen=True)
class Scale:
    """One unit and one number of decimals, for values that stand together."""

    unit: str
    factor: float
    n_decimals: int

    def number_text(self, value: float) -> str:
        """Write the number without its unit, in the column's decimals; a little is '<0.1'."""
        if not math.isfinite(value):
            return "unknown"
        smallest = 10.0**-self.n_decimals
        scaled = value / self.factor
        if scaled == 0:
            return "0"
        if 0 < scaled < smallest / 2:
            return f"<{smallest:.{self.n_decimals}f}"
        return f"{scaled:,.{self.n_decimals}f}"


def carbon_scale(largest_g: float) -> Scale:
    """Choose the unit in which the largest of some values [g CO2e] has three digits or more."""
    return _scale_of(largest_g, _CARBON)


def energy_scale(largest_wh: float) -> Scale:
    """Choose the unit in which the largest of some values [Wh] has three digits or more."""
    return _scale_of(largest_wh, _ENERGY)


def _scale_of(largest: float, scale: tuple[tuple[str, float], ...]) -> Scale:
    rounded = _round_significant(abs(largest)) if math.isfinite(largest) else 0.0
    unit, factor = scale[0]
    for name, size in scale:
        if rounded >= size:
            unit, factor = name, size
    magnitude = math.floor(math.log10(rounded / factor)) if rounded > 0 else _SIGNIFICANT
    return Scale(unit, factor, max(1, _SIGNIFICANT - 1 - magnitude))
