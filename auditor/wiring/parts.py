"""From settings to everything that turns an export into numbers."""

import hashlib
import json
from dataclasses import asdict, dataclass

import auditor
from auditor.carbon.bands import CarbonBands
from auditor.carbon.embodied import EmbodiedFactors
from auditor.domain.hardware import HardwareDefaults
from auditor.energy.model import EnergyModel, Triple, rescaled
from auditor.hardware.catalogue import Catalogue
from auditor.hardware.match import HardwareMatcher
from auditor.ledger.interface import FactorSet
from auditor.normalize.interface import ExportContext
from auditor.pipeline.factors import Factors
from auditor.resources import resource
from auditor.settings.cluster import Cluster
from auditor.settings.models import EnergySection, Settings
from auditor.wiring.digest import settings_digest
from auditor.wiring.grid import grid_of_clusters
from auditor.wiring.nodes import node_inventory, node_rules
from auditor.wiring.reading import default_pod_rules, pod_rules_of, table_of


@dataclass(frozen=True)
class ExportOptions:
    """What the command line says of an export: its cluster, that of unnamed rows, its columns."""

    cluster: str | None = None
    default_cluster: str | None = None
    columns: tuple[str, ...] | None = None


def export_context(settings: Settings, source: str, options: ExportOptions) -> ExportContext:
    """Say how an export is to be read: its cluster where it names none, its zone, whose pods are.

    An export of a cluster with a table is one; so is one that has all of its columns where no
    cluster is named and no other has a table.
    """
    only = settings.clusters[0].name if len(settings.clusters) == 1 else None
    return ExportContext(
        source=source,
        cluster=options.cluster,
        default_cluster=options.default_cluster or only,
        timezone_of={
            entry.name: entry.timezone for entry in settings.clusters if entry.timezone is not None
        },
        default_timezone=settings.site.timezone,
        columns=options.columns,
        pod_rules_of=pod_rules_of(settings),
        default_pod_rules=default_pod_rules(),
        table=table_of(settings, options.cluster),
        is_default_stated=options.default_cluster is not None,
        scheduler=_scheduler(settings, options.cluster or options.default_cluster),
    )


def _scheduler(settings: Settings, name: str | None) -> str:
    """Return the scheduler of a cluster, of all clusters where none is named; else Slurm."""
    found = {entry.scheduler for entry in settings.clusters if name in (None, entry.name)}
    return found.pop() if len(found) == 1 else "slurm"


def build_factors(settings: Settings) -> Factors:
    """Build everything that turns a job into a number.

    Raises
    ------
    ConfigError
        A name the configuration uses leads nowhere, or a file it names cannot be read.
    """
    catalogue = Catalogue.load(resource("data", "hardware"))
    rules = node_rules(settings, catalogue)
    inventory = node_inventory(settings)
    defaults = _hardware_defaults(settings.energy)
    model = _energy_model(settings)
    grid = grid_of_clusters(settings)
    series_of = grid.series_of
    embodied = EmbodiedFactors(settings.embodied.g_per_gpu_hour, settings.embodied.g_per_core_hour)
    bands = CarbonBands()
    text = _factor_text(
        settings=settings_digest(settings),
        rules=[asdict(rule) for rule in rules],
        inventory=None if inventory is None else _digest(str(inventory).encode()),
        hardware_defaults=asdict(defaults),
        energy_model=asdict(model),
        embodied=asdict(embodied),
        bands=asdict(bands),
        series={name: series.digest() for name, series in sorted(series_of.items())},
        default_series=series_of.default.digest(),
        grid_notes=[{"zone": zone, **asdict(note)} for zone, note in grid.notes],
    )
    all_series = {series.digest(): series for series in (*series_of.values(), series_of.default)}
    factor_set = FactorSet(_digest(text.encode())[:12], text, tuple(all_series.values()))
    matcher = HardwareMatcher(rules, inventory, catalogue, defaults)
    return Factors(matcher, model, series_of, bands, embodied, factor_set)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _factor_text(**parts: object) -> str:
    tables = ("accelerators.csv", "cpus.csv", "aliases.csv")
    shipped = b"".join(resource("data", "hardware", name).read_bytes() for name in tables)
    content = {"auditor": auditor.__version__, "catalogue": _digest(shipped)[:16], **parts}
    return json.dumps(content, sort_keys=True)


def _hardware_defaults(section: EnergySection) -> HardwareDefaults:
    return HardwareDefaults(
        unknown_gpu_max_w=section.unknown_gpu_w.triple(),
        unknown_cpu_w_per_core=section.unknown_cpu_w_per_core.triple(),
    )


def _pue(cluster: Cluster) -> Triple | None:
    if cluster.pue is None:
        return None
    return (cluster.pue_low or cluster.pue, cluster.pue, cluster.pue_high or cluster.pue)


def _energy_model(settings: Settings) -> EnergyModel:
    section, defaults, pue = settings.energy, settings.defaults, settings.defaults.pue
    return EnergyModel(
        method=section.method,
        pue_of={c.name: triple for c in settings.clusters if (triple := _pue(c)) is not None},
        default_pue=(min(defaults.pue_low, pue), pue, max(defaults.pue_high, pue)),
        memory_w_per_gb=rescaled(EnergyModel().memory_w_per_gb, section.memory_w_per_gb),
        gpu_load_ratio=section.gpu_load_ratio.triple(),
        gpu_power_per_utilisation_ratio=section.gpu_power_per_utilisation_ratio.triple(),
        cpu_load_ratio=section.cpu_load_ratio.triple(),
        cpu_idle_factor=section.cpu_idle_factor.triple(),
        rest_of_node_ratio=section.rest_of_node_ratio.triple(),
    )
