"""From settings to everything that turns an export into numbers."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict

import auditor
from auditor.carbon.bands import CarbonBands
from auditor.carbon.embodied import EmbodiedFactors
from auditor.domain.hardware import HardwareDefaults
from auditor.energy.model import EnergyModel, Triple, rescaled
from auditor.errors import AuditorError, ConfigError
from auditor.hardware.catalogue import Catalogue
from auditor.hardware.match import HardwareMatcher
from auditor.intensity.annual import AnnualTable
from auditor.ledger.interface import FactorSet
from auditor.normalize.interface import ExportContext
from auditor.pipeline.factors import Factors
from auditor.resources import resource
from auditor.settings.models import Band, Cluster, EnergySection, Settings
from auditor.wiring.grid import read_zone, series_of_clusters, zone_series
from auditor.wiring.nodes import node_inventory, node_listing, node_rule, node_rules

_Attempt = tuple[Callable[..., object], tuple[object, ...]]


def export_context(
    settings: Settings, source: str, cluster: str | None, columns: tuple[str, ...] | None
) -> ExportContext:
    """Say how an export is to be read: its cluster where it names none, and its time zone."""
    only = settings.clusters[0].name if len(settings.clusters) == 1 else None
    return ExportContext(
        source=source,
        cluster=cluster,
        default_cluster=only,
        timezone_of={
            entry.name: entry.timezone for entry in settings.clusters if entry.timezone is not None
        },
        default_timezone=settings.site.timezone,
        columns=columns,
    )


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
    series_of = series_of_clusters(settings)
    embodied = EmbodiedFactors(settings.embodied.g_per_gpu_hour, settings.embodied.g_per_core_hour)
    bands = CarbonBands()
    text = _factor_text(
        rules=[asdict(rule) for rule in rules],
        inventory=None if inventory is None else _digest(str(inventory).encode()),
        hardware_defaults=asdict(defaults),
        energy_model=asdict(model),
        embodied=asdict(embodied),
        bands=asdict(bands),
        series={name: series.digest() for name, series in sorted(series_of.items())},
        default_series=series_of.default.digest(),
    )
    all_series = {series.digest(): series for series in (*series_of.values(), series_of.default)}
    factor_set = FactorSet(_digest(text.encode())[:12], text, tuple(all_series.values()))
    matcher = HardwareMatcher(rules, inventory, catalogue, defaults)
    return Factors(matcher, model, series_of, bands, embodied, factor_set)


def problems(settings: Settings) -> list[str]:
    """Try every part that the settings name; return what is wrong, nothing if all is well."""
    catalogue = Catalogue.load(resource("data", "hardware"))
    table = AnnualTable.load(resource("data"))
    zones = {cluster.zone or settings.defaults.zone for cluster in settings.clusters}
    attempts: list[_Attempt] = [
        *(
            (node_rule, (cluster, place, node, catalogue))
            for cluster in settings.clusters
            for place, node in enumerate(cluster.nodes)
        ),
        *((node_listing, (cluster,)) for cluster in settings.clusters),
        *((read_zone, (entry, table)) for entry in settings.intensity),
        *(
            (zone_series, (zone, settings, table))
            for zone in sorted(zones | {settings.defaults.zone})
            if zone not in {entry.zone for entry in settings.intensity}
        ),
    ]
    found = []
    for attempt, arguments in attempts:
        try:
            attempt(*arguments)
        except AuditorError as error:
            hint = f" ({error.hint})" if error.hint and error.hint != ConfigError.hint else ""
            found.append(f"{error}{hint}")
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _factor_text(**parts: object) -> str:
    tables = ("accelerators.csv", "cpus.csv", "aliases.csv")
    shipped = b"".join(resource("data", "hardware", name).read_bytes() for name in tables)
    content = {"auditor": auditor.__version__, "catalogue": _digest(shipped)[:16], **parts}
    return json.dumps(content, sort_keys=True)


def _triple(band: Band | None, default: Triple) -> Triple:
    return default if band is None else band.triple()


def _hardware_defaults(section: EnergySection) -> HardwareDefaults:
    usual = HardwareDefaults()
    return HardwareDefaults(
        unknown_gpu_max_w=_triple(section.unknown_gpu_w, usual.unknown_gpu_max_w),
        unknown_cpu_w_per_core=_triple(
            section.unknown_cpu_w_per_core, usual.unknown_cpu_w_per_core
        ),
    )


def _pue(cluster: Cluster) -> Triple | None:
    if cluster.pue is None:
        return None
    return (cluster.pue_low or cluster.pue, cluster.pue, cluster.pue_high or cluster.pue)


def _energy_model(settings: Settings) -> EnergyModel:
    section, usual = settings.energy, EnergyModel()
    low, _, high = usual.default_pue
    pue = settings.defaults.pue
    return EnergyModel(
        method=section.method,
        pue_of={c.name: triple for c in settings.clusters if (triple := _pue(c)) is not None},
        default_pue=(min(low, pue), pue, max(high, pue)),
        memory_w_per_gb=rescaled(usual.memory_w_per_gb, section.memory_w_per_gb),
        gpu_load_ratio=_triple(section.gpu_load_ratio, usual.gpu_load_ratio),
        cpu_load_ratio=_triple(section.cpu_load_ratio, usual.cpu_load_ratio),
        rest_of_node_ratio=_triple(section.rest_of_node_ratio, usual.rest_of_node_ratio),
    )
