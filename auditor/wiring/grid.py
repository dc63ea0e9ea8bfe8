"""Grid sources of the configuration, as series of each cluster."""

from collections.abc import Mapping
from typing import assert_never

from auditor.domain.intensity import IntensitySeries
from auditor.intensity.annual import AnnualTable
from auditor.intensity.constant import ConstantSource, FallbackSource
from auditor.intensity.csv_file import CsvFileSource
from auditor.intensity.interface import (
    Fallback,
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


def zone_series(zone: str, settings: Settings, table: AnnualTable) -> IntensitySeries:
    """Return the series of a zone: its configured source, else its annual value."""
    for entry in settings.intensity:
        if entry.zone == zone:
            return read_zone(entry, table).series
    fallback = named(f"zone {zone}", lambda: table.lookup(zone)).as_fallback()
    return FallbackSource().read(IntensityRequest(zone, fallback, "life_cycle")).series


def series_of_clusters(settings: Settings) -> SeriesOfCluster:
    """Return the grid of every cluster."""
    table = AnnualTable.load(resource("data"))
    of_zone: dict[str, IntensitySeries] = {}
    zone_of = {c.name: c.zone or settings.defaults.zone for c in settings.clusters}
    for zone in (*zone_of.values(), settings.defaults.zone):
        if zone not in of_zone:
            of_zone[zone] = zone_series(zone, settings, table)
    known = {cluster: of_zone[zone] for cluster, zone in zone_of.items()}
    return SeriesOfCluster(known, of_zone[settings.defaults.zone])
