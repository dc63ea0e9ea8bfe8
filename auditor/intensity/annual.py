"""The shipped tables of annual values: grid zones, and the regions of cloud providers."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from auditor.errors import CatalogueError
from auditor.intensity.interface import Fallback

# The European Union writes two countries otherwise than ISO 3166.
ISO_OF = {"UK": "GB", "EL": "GR"}
ZONE_COLUMNS = (
    "zone",
    "name",
    "g_per_kwh",
    "year",
    "kind",
    "source",
    "source_url",
    "source_date",
)
NUMBERS = {"g_per_kwh", "year"}
REGION_COLUMNS = (
    "provider",
    "region",
    "name",
    "g_per_kwh",
    "year",
    "zone",
    "note",
    "source",
    "source_url",
    "source_date",
)


@dataclass(frozen=True)
class AnnualIntensity:
    """One row of `data/grid/zones.csv`: mean carbon intensity of a year. [gCO2e/kWh].

    `kind` is "life_cycle" or "direct"; `source_date` the day on which the source was read.
    """

    zone: str
    name: str
    g_per_kwh: float
    year: int
    kind: str
    source: str
    source_url: str
    source_date: str

    def as_fallback(self) -> Fallback:
        """Return what holds where a series of this zone has no value."""
        return Fallback(self.g_per_kwh, f"{self.name} {self.year}, {self.source}")


@dataclass(frozen=True)
class CloudRegion:
    """One row of `data/grid/cloud_regions.csv`, as the ML Emissions Calculator has it. [gCO2e/kWh].

    `year` is "" where its source states none; `zone` is the grid zone that the region lies in, for
    a newer figure; `note` says what is weak about the value.
    """

    provider: str
    region: str
    name: str
    g_per_kwh: float
    year: str
    zone: str
    note: str
    source: str
    source_url: str
    source_date: str

    @property
    def key(self) -> str:
        """How the command line calls it: `provider:region`."""
        return f"{self.provider}:{self.region}"


@dataclass(frozen=True)
class AnnualTable:
    """Annual intensity of grid zones, by zone id in capitals."""

    rows: Mapping[str, AnnualIntensity]

    @classmethod
    def load(cls, data_folder: Traversable) -> "AnnualTable":
        """Read `grid/zones.csv` of the data folder.

        Raises
        ------
        CatalogueError
            The table is missing, or a row of it cannot be read.
        """
        rows: dict[str, AnnualIntensity] = {}
        for line, cells in _rows(data_folder / "grid" / "zones.csv", ZONE_COLUMNS):
            year = int(_number(cells["year"], "zones.csv", line))
            g_per_kwh = _number(cells["g_per_kwh"], "zones.csv", line)
            words = {name: cells[name] for name in ZONE_COLUMNS if name not in NUMBERS}
            row = AnnualIntensity(g_per_kwh=g_per_kwh, year=year, **words)
            if row.zone.upper() in rows:
                raise _twice(row.zone, "zones.csv", line)
            rows[row.zone.upper()] = row
        return cls(rows)

    def lookup(self, zone: str) -> AnnualIntensity:
        """Return the row of a zone, else that of its country (the part before the first '-').

        A bidding zone by its short name (NO2, DE_LU) leads to its country too. The row's own
        `zone` says which one it is.

        Raises
        ------
        CatalogueError
            The table has neither.
        """
        name = zone.strip().upper().replace("_", "-")
        country = name.partition("-")[0]
        country = re.sub(r"^([A-Z]{2})\d+$", r"\1", country)
        for candidate in (name, ISO_OF.get(country, country)):
            if candidate in self.rows:
                return self.rows[candidate]
        msg = f"no annual carbon intensity is known for zone {zone!r}"
        hint = "`auditor factors grid` lists the zones; state `g_per_kwh` for any other."
        raise CatalogueError(msg, hint=hint)


@dataclass(frozen=True)
class CloudRegions:
    """Regions of cloud providers, by 'provider:region' in small letters."""

    rows: Mapping[str, CloudRegion]

    @classmethod
    def load(cls, data_folder: Traversable) -> "CloudRegions":
        """Read `grid/cloud_regions.csv` of the data folder.

        Raises
        ------
        CatalogueError
            The table is missing, or a row of it cannot be read.
        """
        rows: dict[str, CloudRegion] = {}
        for line, cells in _rows(data_folder / "grid" / "cloud_regions.csv", REGION_COLUMNS):
            g_per_kwh = _number(cells["g_per_kwh"], "cloud_regions.csv", line)
            words = {name: cells[name] for name in REGION_COLUMNS if name != "g_per_kwh"}
            row = CloudRegion(g_per_kwh=g_per_kwh, **words)
            if row.key.lower() in rows:
                raise _twice(row.key, "cloud_regions.csv", line)
            rows[row.key.lower()] = row
        return cls(rows)

    def lookup(self, key: str) -> CloudRegion:
        """Return the region called `provider:region`; the region's name is understood as well.

        Raises
        ------
        CatalogueError
            There is none, or the name fits several regions of the provider.
        """
        wanted = key.strip().lower()
        if wanted in self.rows:
            return self.rows[wanted]
        named = [r for r in self.rows.values() if f"{r.provider}:{r.name}".lower() == wanted]
        if len(named) == 1:
            return named[0]
        msg = f"no cloud region is called {key!r}"
        raise CatalogueError(msg, hint=self._hint(wanted.partition(":")[0]))

    def _hint(self, provider: str) -> str:
        keys = sorted(row.key for row in self.rows.values() if row.provider == provider)
        if keys:
            return f"Regions of {provider}: {', '.join(keys)}."
        providers = sorted({row.provider for row in self.rows.values()})
        return f"Write PROVIDER:REGION; providers: {', '.join(providers)}."


def _rows(path: Traversable, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a table with their line numbers; every column must be there."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"cannot read the table {path.name}: {error.strerror}"
        raise CatalogueError(msg) from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        msg = f"{path.name} lacks the column {', '.join(missing)}"
        raise CatalogueError(msg)
    rows = []
    for row in reader:
        if any(row[name] is None for name in columns):
            msg = f"{path.name}, line {reader.line_num}: too few cells"
            raise CatalogueError(msg)
        rows.append((reader.line_num, row))
    return rows


def _number(text: str, table: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value < float("inf"):
        msg = f"{table}, line {line}: {text!r} is no value"
        raise CatalogueError(msg)
    return value


def _twice(name: str, table: str, line: int) -> CatalogueError:
    return CatalogueError(f"{table}, line {line}: {name} stands there twice")
