"""Try every part that the configuration names, and say what is wrong and what was found."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from auditor.errors import AuditorError, ConfigError
from auditor.hardware.catalogue import Catalogue
from auditor.hardware.node_names import NodeSelector
from auditor.intensity.annual import AnnualTable
from auditor.resources import resource
from auditor.settings.cluster import Cluster, Node
from auditor.settings.models import Settings
from auditor.wiring.grid import read_zone, zone_reading
from auditor.wiring.naming import named
from auditor.wiring.nodes import node_listing

_Attempt = tuple[Callable[..., object], tuple[object, ...]]


def problems(settings: Settings) -> list[str]:
    """Return what is wrong with the parts that the settings name; nothing if all is well."""
    table = AnnualTable.load(resource("data"))
    zones = {cluster.zone or settings.defaults.zone for cluster in settings.clusters}
    attempts: list[_Attempt] = [
        *_node_attempts(settings),
        *((node_listing, (cluster,)) for cluster in settings.clusters),
        *((read_zone, (entry, table)) for entry in settings.intensity),
        *(
            (zone_reading, (zone, settings, table))
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


def _node_attempts(settings: Settings) -> Iterator[_Attempt]:
    catalogue = Catalogue.load(resource("data", "hardware"))
    for cluster in settings.clusters:
        for place, node in enumerate(cluster.nodes):
            where = f"clusters[{cluster.name}].nodes[{place}]"
            for word, look_up in ((node.gpu, catalogue.accelerator), (node.cpu, catalogue.cpu)):
                if word is not None:
                    yield named, (where, look_up, word)
            yield _match_something, (where, cluster, node)


def _match_something(where: str, cluster: Cluster, node: Node) -> None:
    if node.match is None or cluster.node_listing is None or not cluster.node_listing.is_file():
        return
    listing = node_listing(cluster)
    listed = [] if listing is None else list(listing.nodes(cluster.name))
    selector = NodeSelector.read(node.match)
    if listed and not any(selector.matches(name) for name in listed):
        msg = f"{where}: match {node.match!r} fits none of the {len(listed)} nodes in the listing"
        raise ConfigError(msg, hint=f"They are called like {listed[0]}.")


def findings(settings: Settings) -> list[str]:
    """Say what the grid sources cover, for a person to see whether it is what was meant."""
    table = AnnualTable.load(resource("data"))
    lines = []
    for entry in settings.intensity:
        reading = read_zone(entry, table)
        series = reading.series
        lines += [f"zone {entry.zone}: {note.text}. {note.hint}".strip() for note in reading.notes]
        if not len(series.edges_s):
            lines.append(f"zone {entry.zone}: {series.fallback_g_per_kwh:g} g/kWh, constant")
            continue
        first, last = (
            f"{datetime.fromtimestamp(int(edge), UTC):%Y-%m-%d %H:%M}"
            for edge in (series.edges_s[0], series.edges_s[-1])
        )
        lines.append(
            f"zone {entry.zone}: {series.source} from {first} to {last} UTC,"
            f" else {series.fallback_g_per_kwh:g} g/kWh ({series.fallback_source})"
        )
    return lines
