"""The configuration as types: strict, every key described, unknown keys refused."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from auditor.domain.hardware import HardwareDefaults
from auditor.energy.model import EnergyModel
from auditor.settings.base import (
    ConfigPath,
    Name,
    NotNegative,
    Positive,
    Pue,
    Section,
    TimeZoneName,
)
from auditor.settings.cluster import Cluster
from auditor.settings.duty import CollectSection, DaemonSection, WeekSection
from auditor.settings.identity import IdentitySection
from auditor.settings.mail import MailSection


class Site(Section):
    """The house that the numbers are for."""

    name: Name = Field("This site", description="Name on reports and pages.")
    timezone: TimeZoneName = Field(
        "UTC", description="Zone of weeks, days and times without a zone on the command line."
    )


class LedgerSection(Section):
    """Where the numbers are kept."""

    path: ConfigPath = Field(
        Path("/var/lib/auditor"), description="Folder of the ledger, on a local disk."
    )


class Band(Section):
    """A figure nobody knows exactly: what it is at least, most likely and at most."""

    low: NotNegative = Field(description="At least.")
    central: NotNegative = Field(description="Most likely.")
    high: NotNegative = Field(description="At most.")

    @model_validator(mode="after")
    def _in_order(self) -> "Band":
        if not self.low <= self.central <= self.high:
            msg = f"low {self.low:g} <= central {self.central:g} <= high {self.high:g} must hold"
            raise ValueError(msg)
        return self

    def triple(self) -> tuple[float, float, float]:
        """Return (low, central, high)."""
        return (self.low, self.central, self.high)

    @classmethod
    def of(cls, triple: tuple[float, float, float]) -> "Band":
        """Return the band of (low, central, high)."""
        low, central, high = triple
        return cls(low=low, central=central, high=high)


_MODEL = EnergyModel()
_HARDWARE = HardwareDefaults()


class EnergySection(Section):
    """How energy is worked out; docs/method.md derives the defaults."""

    method: Literal["calibrated", "green-algorithms", "tdp"] = Field(
        "calibrated",
        description="calibrated (best basis there is), green-algorithms or tdp (for comparison).",
    )
    memory_w_per_gb: Positive = Field(
        _MODEL.memory_w_per_gb[1], description="Draw of memory. [W per GB]"
    )
    gpu_load_ratio: Band = Field(
        Band.of(_MODEL.gpu_load_ratio),
        description="Load of an allocated accelerator whose utilisation nobody measured.",
    )
    gpu_power_per_utilisation_ratio: Band = Field(
        Band.of(_MODEL.gpu_power_per_utilisation_ratio),
        description="How far a reported utilisation lifts the power from idle to maximum.",
    )
    cpu_load_ratio: Band = Field(
        Band.of(_MODEL.cpu_load_ratio),
        description="Load of an allocated core whose CPU time nobody recorded.",
    )
    cpu_idle_factor: Band = Field(
        Band.of(_MODEL.cpu_idle_factor), description="Multiplies the idle draw of a core."
    )
    rest_of_node_ratio: Band = Field(
        Band.of(_MODEL.rest_of_node_ratio),
        description="Board, fans, disks, network as a share of accelerators + CPU + memory, "
        "where a node's node_base_w is not stated.",
    )
    unknown_gpu_w: Band = Field(
        Band.of(_HARDWARE.unknown_gpu_max_w),
        description="Maximum of an accelerator nobody could name. [W]",
    )
    unknown_cpu_w_per_core: Band = Field(
        Band.of(_HARDWARE.unknown_cpu_w_per_core),
        description="Full-load draw of a core whose processor nobody named. [W]",
    )


class Defaults(Section):
    """What holds for clusters that the configuration does not name; shown where it mattered."""

    zone: Name = Field("WORLD", description="Grid zone.")
    pue: Pue = Field(_MODEL.default_pue[1], description="Power usage effectiveness.")
    pue_low: Pue = Field(_MODEL.default_pue[0], description="The PUE is at least this.")
    pue_high: Pue = Field(_MODEL.default_pue[2], description="The PUE is at most this.")

    @model_validator(mode="after")
    def _pue_in_order(self) -> "Defaults":
        stated = self.model_fields_set
        low = self.pue_low if "pue_low" in stated else 1.0
        high = self.pue_high if "pue_high" in stated else self.pue
        if not low <= self.pue <= high:
            msg = f"pue {self.pue:g} is not between pue_low and pue_high"
            raise ValueError(msg)
        return self


class Embodied(Section):
    """Embodied carbon, where the site has figures; without them it is reported as unknown."""

    g_per_gpu_hour: NotNegative | None = Field(
        None, examples=[3.5], description="Embodied carbon of one accelerator for one hour. [gCO2e]"
    )
    g_per_core_hour: NotNegative | None = Field(
        None, examples=[0.3], description="Embodied carbon of one core for one hour. [gCO2e]"
    )


class ConstantIntensity(Section):
    """One stated value for a zone."""

    zone: Name = Field(description="Grid zone.")
    source: Literal["constant"] = Field(description="constant")
    g_per_kwh: NotNegative = Field(description="Carbon intensity. [gCO2e/kWh]")


class CsvIntensity(Section):
    """A file with a time column and a g/kWh column; Electricity Maps exports as they are."""

    zone: Name = Field(description="Grid zone.")
    source: Literal["csv"] = Field(description="csv")
    path: ConfigPath = Field(description="The file.", examples=["de-2026.csv"])
    kind: Literal["life_cycle", "direct"] = Field(
        "life_cycle", description="Which column to take where an export gives both."
    )
    column: Name | None = Field(
        None, examples=["g_per_kwh"], description="Name of the value column; found by looking."
    )
    fallback_g_per_kwh: NotNegative | None = Field(
        None,
        examples=[380],
        description="For hours that the file lacks; default the zone's annual value.",
    )


IntensityEntry = Annotated[ConstantIntensity | CsvIntensity, Field(discriminator="source")]


class Settings(Section):
    """The whole file."""

    site: Site = Field(default_factory=Site, description="The site.")
    ledger: LedgerSection = Field(default_factory=LedgerSection, description="The ledger.")
    energy: EnergySection = Field(default_factory=EnergySection, description="The energy model.")
    defaults: Defaults = Field(default_factory=Defaults, description="Other clusters.")
    embodied: Embodied = Field(default_factory=Embodied, description="Embodied carbon.")
    collect: CollectSection = Field(default_factory=CollectSection, description="Collection.")
    week: WeekSection = Field(default_factory=WeekSection, description="The week.")
    mail: MailSection = Field(default_factory=MailSection, description="Mail.")
    daemon: DaemonSection = Field(default_factory=DaemonSection, description="The daemon.")
    identity: IdentitySection = Field(
        default_factory=IdentitySection, description="Who is who across clusters."
    )
    clusters: tuple[Cluster, ...] = Field((), description="The clusters.")
    intensity: tuple[IntensityEntry, ...] = Field((), description="Grid sources, one per zone.")

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Settings":
        for word, found in (
            ("cluster", [cluster.name for cluster in self.clusters]),
            ("[[intensity]] zone", [entry.zone for entry in self.intensity]),
        ):
            twice = sorted({name for name in found if found.count(name) > 1})
            if twice:
                msg = f"{word} stated twice: {', '.join(twice)}"
                raise ValueError(msg)
        return self
