"""What a report says, as frozen values; every view draws from these and computes nothing.

Inside the model energy is Wh, carbon g CO2e, time s. A number that nobody knows is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from auditor.domain.incident import Incident
from auditor.domain.period import Period
from auditor.domain.recommendation import Recommendation
from auditor.domain.reject import Reject
from auditor.report.doubts import (
    AmbiguousGpu,
    FlagCount,
    OpenRuns,
    Runaway,
    SourceBehind,
    SourceNote,
    UnmatchedNode,
    ZoneIntensity,
)

SCHEMA = "auditor.report/1"
DIMENSIONS = ("user", "account", "cluster", "partition", "gpu", "state", "day")
BASES = ("measured", "utilisation", "modelled", "assumed")
JOB_NUMBERS = (
    "n_gpu", "n_cpus", "elapsed_s", "core_s", "gpu_s", "energy_wh", "energy_low_wh",
    "energy_high_wh", "carbon_g", "carbon_low_g", "carbon_high_g",
)  # fmt: skip


@dataclass(frozen=True)
class Totals:
    """Sums over the runs of a period. `embodied_g` is None where no run has a factor for it."""

    n_jobs: int
    core_s: float
    gpu_s: float
    it_energy_wh: float
    energy_wh: float
    energy_low_wh: float
    energy_high_wh: float
    carbon_g: float
    carbon_low_g: float
    carbon_high_g: float
    embodied_g: float | None

    @property
    def intensity_g_per_kwh(self) -> float | None:
        """Mean grid intensity, weighted by energy [gCO2e/kWh]; None without energy."""
        return self.carbon_g / self.energy_wh * 1000.0 if self.energy_wh > 0 else None


@dataclass(frozen=True)
class Components:
    """Energy by component [Wh]; `overhead_wh` is the facility's (PUE). They add up to the total."""

    gpu_wh: float
    cpu_wh: float
    memory_wh: float
    node_wh: float
    overhead_wh: float


@dataclass(frozen=True)
class Group:
    """The share of one user, account, cluster, partition, accelerator, state or day.

    `wasted_carbon_g` is the part of `carbon_g` whose runs ended without a result.
    """

    key: str
    n_jobs: int
    energy_wh: float
    carbon_g: float
    carbon_low_g: float
    carbon_high_g: float
    gpu_s: float
    core_s: float
    wasted_carbon_g: float


@dataclass(frozen=True)
class JobLine:
    """One run, its resource time, energy and carbon cut to the period; start and end are whole."""

    cluster: str
    scheduler: str | None
    job_id: str
    parent_job_id: str | None
    job_name: str | None
    user: str | None
    account: str | None
    partition: str | None
    state: str | None
    start_utc: datetime | None
    end_utc: datetime | None
    is_open: bool
    gpu: str | None
    n_gpu: float | None
    n_cpus: float | None
    elapsed_s: float
    core_s: float | None
    gpu_s: float | None
    energy_wh: float
    energy_low_wh: float
    energy_high_wh: float
    carbon_g: float
    carbon_low_g: float
    carbon_high_g: float
    basis_of: Mapping[str, str | None]


@dataclass(frozen=True)
class Waste:
    """Runs that failed, timed out, ran out of memory, were evicted or lost their node.

    Nobody knows how `n_end_unknown` others ended: they are in no other number here.
    """

    n_jobs: int
    energy_wh: float
    carbon_g: float
    core_s: float
    gpu_s: float
    n_end_unknown: int = 0


@dataclass(frozen=True)
class QualityFacts:
    """What loading said: rows read and refused, notes about the sources, and what is missing.

    `n_rejected` may exceed the number of `rejects`, which may be the first few only. `incidents`
    overlap the period; `behind` are the sources that do not reach its end yet. `user_rules` are
    what names people by cluster, where pods are to. Hints are for operators alone.
    """

    n_rows: int = 0
    n_rejected: int = 0
    rejects: tuple[Reject, ...] = ()
    notes: tuple[SourceNote, ...] = ()
    incidents: tuple[Incident, ...] = ()
    behind: tuple[SourceBehind, ...] = ()
    user_rules: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_for_operators: bool = True


@dataclass(frozen=True)
class Quality:
    """What the numbers rest on. Ratios are shares of the energy, 0..1; None without energy.

    `component_measured_ratio` is what meters said of each component. `n_meter_refused` runs had
    metered accelerators whose meters say what cannot be.
    """

    facts: QualityFacts
    intensity_measured_ratio: float | None
    energy_basis_ratio: Mapping[str, float | None]
    embodied_known_ratio: float | None
    unmatched_nodes: tuple[UnmatchedNode, ...]
    n_meter_refused: int
    n_unknown_cpu: int
    n_open: int
    open_runs: OpenRuns
    ambiguous_gpus: tuple[AmbiguousGpu, ...]
    zones: tuple[ZoneIntensity, ...]
    flags: tuple[FlagCount, ...]
    runaways: tuple[Runaway, ...]
    n_runaways: int
    n_unnamed_pods: int = 0
    unnamed_clusters: tuple[str, ...] = ()
    component_measured_ratio: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class IntensitySource:
    """Where the carbon intensity of one zone came from.

    A single value for all time has no other to fall back on: both sources are the same.
    """

    zone: str
    source: str
    fallback_source: str = ""
    kind: str = ""

    @property
    def is_constant(self) -> bool:
        """Tell whether one value holds for all time."""
        return self.source == self.fallback_source

    @property
    def is_stated(self) -> bool:
        """Tell whether that value is the site's own word."""
        return self.is_constant and self.source.startswith("stated")


@dataclass(frozen=True)
class FactorSource:
    """One factor that the numbers rest on, as text for people, with its source."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Provenance:
    """What it takes to draw the same report again."""

    auditor: str
    book_version: int | None = None
    factor_set: str | None = None
    intensity: tuple[IntensitySource, ...] = ()
    factors: tuple[FactorSource, ...] = ()
    method: str = ""


@dataclass(frozen=True)
class EquivalenceFactor:
    """An everyday thing: `factor_g` grams CO2e for one `unit` of it."""

    unit: str
    factor_g: float
    factor_text: str
    source: str
    year: int


@dataclass(frozen=True)
class Equivalence:
    """How many of an everyday thing emit as much as the total does."""

    amount: float
    factor: EquivalenceFactor


@dataclass(frozen=True)
class Restated:
    """What changed since a week was published before.

    `previous` are the totals then; None where they are not known any more. `n_late` runs are new,
    `n_changed` were recorded otherwise (or had not ended), `n_gone` are not of this week any more,
    `n_reestimated` have other estimates. `reasons` say it in sentences.
    """

    revision: int
    previous: Totals | None
    n_late: int
    n_changed: int
    n_gone: int
    n_reestimated: int
    reasons: tuple[str, ...]

    @property
    def n_runs(self) -> int:
        """How many runs changed, as far as that is known."""
        return self.n_late + self.n_changed + self.n_gone + self.n_reestimated


@dataclass(frozen=True)
class Report:
    """Everything one report says.

    `groups_of` has one tuple for each of `DIMENSIONS`; `previous` is the same span just before,
    under the same filters; `everyone` the same period without filters, where it may be shown;
    `restated` what changed where it was published before with other numbers.
    """

    site: str
    period: Period
    filters: Mapping[str, tuple[str, ...]]
    totals: Totals
    components: Components
    groups_of: Mapping[str, tuple[Group, ...]]
    jobs: tuple[JobLine, ...]
    waste: Waste
    recommendations: tuple[Recommendation, ...]
    quality: Quality
    provenance: Provenance
    previous: Totals | None = None
    everyone: Totals | None = None
    equivalences: tuple[Equivalence, ...] = field(default=())
    restated: Restated | None = None

    @property
    def change_ratio(self) -> float | None:
        """Carbon against the span before, -0.18 for 18 % less; None where that had none."""
        if self.previous is None or self.previous.carbon_g <= 0:
            return None
        return self.totals.carbon_g / self.previous.carbon_g - 1.0
