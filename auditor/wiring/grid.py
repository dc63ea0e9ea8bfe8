"""Grid sources of the configuration, as series of each cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from auditor.domain.intensity import IntensitySeries
from auditor.intensity.annual import AnnualTable
from auditor.intensity.constant import ConstantSource, FallbackSource
from auditor.intensity.csv_file import CsvFileSource
from auditor.intensity.interface import (
    Fallback,
    IntensityNote,
    IntensityReading,
    IntensityRequest,
    IntensitySource,
)
from auditor.resources import resource
from auditor.settings.models import ConstantIntensity, CsvIntensity, IntensityEntry, Settings
from auditor.wiring.naming import named


class SeriesOfCluster(dict[str, IntensitySeries]):
    """The grid of each cluster that is configured, and the default's for any other."""

    def __init__(self, known: Mapping[str, IntensitySeries], default: IntensitySeries) -> None:
        super().__init__(known)
        self.default = default

    def __missing__(self, cluster: str) -> IntensitySeries:
        """Return the default's grid for a cluster nobody configured."""
        return self.default


def _source(entry: IntensityEntry) -> IntensitySource:
    match entry:
        case ConstantIntensity():
            return ConstantSource(entry.g_per_kwh)
        case CsvIntensity():
            return CsvFileSource(entry.path, column=entry.column)
        case _:
            assert_never(entry)


def _fallback(entry: IntensityEntry, table: AnnualTable) -> Fallback:
    match entry:
        case ConstantIntensity():
            return Fallback(entry.g_per_kwh, "stated in the configuration")
        case CsvIntensity():
            if entry.fallback_g_per_kwh is not None:
                return Fallback(entry.fallback_g_per_kwh, "stated in the configuration")
            return table.lookup(entry.zone).as_fallback()
        case _:
            assert_never(entry)


def read_zone(entry: IntensityEntry, table: AnnualTable) -> IntensityReading:
    """Read one grid source of the configuration."""
    where = f"intensity[{entry.zone}]"
    kind = entry.kind if isinstance(entry, CsvIntensity) else "unknown"
    fallback = named(where, lambda: _fallback(entry, table))
    request = IntensityRequest(entry.zone, fallback, kind)
    return named(where, lambda: _source(entry).read(request))


def zone_reading(zone: str, settings: Settings, table: AnnualTable) -> IntensityReading:
    """Return the series of a zone: its configured source, else its annual value."""
    for entry in settings.intensity:
        if entry.zone == zone:
            return read_zone(entry, table)
    fallback = named(f"zone {zone}", lambda: table.lookup(zone)).as_fallback()
    return FallbackSource().read(IntensityRequest(zone, fallback, "life_cycle"))


@dataclass(frozen=True)
class Grid:
    """The series of every cluster, and what must be said of their sources, by zone."""

    series_of: SeriesOfCluster
    notes: tuple[tuple[str, IntensityNote], ...]


def grid_of_clusters(settings: Settings) -> Grid:
    """Read the grid of every cluster."""
    table = AnnualTable.load(resource("data"))
    zone_of = {c.name: c.zone or settings.defaults.zone for c in settings.clusters}
    zones = dict.fromkeys((*zone_of.values(), settings.defaults.zone))
    readings = {zone: zone_reading(zone, settings, table) for zone in zones}
    known = {cluster: readings[zone].series for cluster, zone in zone_of.items()}
    notes = tuple((zone, note) for zone, reading in readings.items() for note in reading.notes)
    return Grid(SeriesOfCluster(known, readings[settings.defaults.zone].series), notes)
