"""Try every part that the configuration names, and say what is wrong and what was found."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

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


def file_problems(settings: Settings, config_file: Path | None) -> list[str]:
    """Return which files that the settings name cannot be read by this user.

    Grid series and node listings are tried by `problems`. The mail password may be where systemd
    puts it, if it is named without a folder: then it is not missed beside `config_file`.
    """
    found = []
    for where, file in _named_files(settings):
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            folder = None if config_file is None else config_file.absolute().parent
            is_elsewhere = where == _MAIL_PASSWORD and file.parent == folder and not file.exists()
            if not is_elsewhere:
                found.append(f"{where}: {file} cannot be read: {error.strerror}")
    return found


_MAIL_PASSWORD = "mail.smtp.password_file"  # noqa: S105  (the name of a key)


def _named_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    mail = settings.mail
    of_cluster = (
        ("kubernetes", "kubeconfig"), ("prometheus", "bearer_token_file"),
        ("prometheus", "password_file"), ("prometheus", "ca_file"),
    )  # fmt: skip
    stated = [
        (f"clusters[{cluster.name}].{table}.{key}", getattr(getattr(cluster, table), key, None))
        for cluster in settings.clusters
        for table, key in of_cluster
    ]
    stated += [
        (f"clusters[{cluster.name}].slurm_conf", cluster.slurm_conf)
        for cluster in settings.clusters
    ]
    stated += [
        (_MAIL_PASSWORD, mail.smtp.password_file),
        ("mail.smtp.ca_file", mail.smtp.ca_file),
        ("mail.addresses.file", mail.addresses.file),
        ("mail.projects.file", mail.projects.file),
    ]
    yield from ((where, file) for where, file in stated if file is not None)


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
    lines = list(_default_lines(settings, table))
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


def _default_lines(settings: Settings, table: AnnualTable) -> Iterator[str]:
    """Say which clusters have no grid zone or PUE of their own, and what holds for them."""
    defaults = settings.defaults
    for cluster in settings.clusters:
        if cluster.zone is None:
            series = zone_reading(defaults.zone, settings, table).series
            what = "" if len(series.edges_s) else f", {series.fallback_g_per_kwh:.0f} g/kWh"
            yield (
                f"cluster {cluster.name}: no zone is stated: it counts on the grid of"
                f" {defaults.zone}{what}"
            )
        if cluster.pue is None:
            yield (
                f"cluster {cluster.name}: no pue is stated: {defaults.pue:g} is taken"
                f" ({defaults.pue_low:g} to {max(defaults.pue_high, defaults.pue):g})"
            )
