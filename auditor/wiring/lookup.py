"""Devices and places by name, for the calculator on the command line."""

import math
from dataclasses import dataclass

from auditor.domain.hardware import Accelerator, Cpu
from auditor.errors import CatalogueError
from auditor.hardware.catalogue import Catalogue
from auditor.intensity.annual import AnnualIntensity, AnnualTable, CloudRegion, CloudRegions
from auditor.resources import resource

CALCULATOR = "ML Emissions Calculator (Lacoste et al., 2019), table of hardware"

FactorRow = Accelerator | Cpu | AnnualIntensity | CloudRegion


@dataclass(frozen=True)
class Device:
    """A device with two readings of its power [W]: the calculator's, and the data sheet's.

    `w` is the calculator's where it lists the device, else the data sheet's. `doubt` says that
    the word fitted several.
    """

    name: str
    w: float
    source: str
    datasheet_w: float
    datasheet_source: str
    note: str
    doubt: str


@dataclass(frozen=True)
class Place:
    """Where electricity comes from, and its carbon intensity. [gCO2e/kWh]."""

    name: str
    g_per_kwh: float
    source: str
    note: str


def device(name: str) -> Device:
    """Find an accelerator or a processor by its name here or in the ML Emissions Calculator.

    Raises
    ------
    CatalogueError
        Nothing is called so; the hint names the closest.
    """
    catalogue = Catalogue.load(resource("data", "hardware"))
    row = _row(catalogue, name)
    datasheet_w = row.max_w if isinstance(row, Accelerator) else row.tdp_w
    is_listed = not math.isnan(row.calculator_w)
    return Device(
        name=row.name,
        w=row.calculator_w if is_listed else datasheet_w,
        source=CALCULATOR if is_listed else row.source,
        datasheet_w=datasheet_w,
        datasheet_source=row.source,
        note=row.note,
        doubt=_doubt(catalogue, name),
    )


def _doubt(catalogue: Catalogue, name: str) -> str:
    found = catalogue.find_accelerator(name) or catalogue.find_cpu(name)
    if found is None or not found.is_ambiguous:
        return ""
    names = ", ".join(row.name for row in found.candidates)
    return f"{name!r} fits {len(found.candidates)} models, the commonest is taken: {names}"


def _row(catalogue: Catalogue, name: str) -> Accelerator | Cpu:
    try:
        return catalogue.calculator_device(name)
    except CatalogueError:
        found = catalogue.find_cpu(name)
        if found is not None and catalogue.find_accelerator(name) is None:
            return found.candidates[0]
        return catalogue.accelerator(name)


def zone_place(zone: str) -> Place:
    """Find a grid zone's annual value.

    Raises
    ------
    CatalogueError
        The table has no such zone.
    """
    row = AnnualTable.load(resource("data")).lookup(zone)
    return Place(f"{row.zone} ({row.name}, {row.year})", row.g_per_kwh, row.source, "")


def region_place(region: str) -> Place:
    """Find a cloud region of the ML Emissions Calculator, written PROVIDER:REGION.

    Raises
    ------
    CatalogueError
        There is no such region.
    """
    row = CloudRegions.load(resource("data")).lookup(region)
    return Place(f"{row.key} ({row.name})", row.g_per_kwh, row.source, row.note)


_TABLES_OF_KIND = {"hardware": ("accelerators", "cpus"), "grid": ("zones", "regions")}


def tables(kind: str | None) -> dict[str, tuple[FactorRow, ...]]:
    """Return the shipped tables by name: one of them, those of hardware or of grid, or all."""
    catalogue = Catalogue.load(resource("data", "hardware"))
    found: dict[str, tuple[FactorRow, ...]] = {
        "accelerators": catalogue.accelerators,
        "cpus": catalogue.cpus,
        "zones": tuple(AnnualTable.load(resource("data")).rows.values()),
        "regions": tuple(CloudRegions.load(resource("data")).rows.values()),
    }
    wanted = tuple(found) if kind is None else _TABLES_OF_KIND.get(kind, (kind,))
    return {name: found[name] for name in wanted}
