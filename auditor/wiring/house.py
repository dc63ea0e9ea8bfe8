"""What every report of a site says alike, from the settings and the shipped tables."""

import csv

from auditor.domain.identity import Identity
from auditor.pipeline.reports import House
from auditor.report.model import EquivalenceFactor
from auditor.resources import resource
from auditor.settings.models import Settings
from auditor.wiring.digest import settings_digest


def house(settings: Settings) -> House:
    """Return the site's name, equivalences, limits of advice and who is who."""
    return House(
        settings.site.name,
        settings_digest(settings),
        equivalences(),
        tuple(cluster.name for cluster in settings.clusters if cluster.collect is not None),
        identity=identity(settings),
        user_rules=tuple(
            (one.name, one.kubernetes.user)
            for one in settings.clusters
            if one.scheduler == "kubernetes"
        ),
    )


def identity(settings: Settings) -> Identity:
    """Return who is who across clusters."""
    clusters = frozenset(cluster.name for cluster in settings.clusters)
    return Identity(settings.identity.users, settings.identity.projects, clusters)


def equivalences() -> tuple[EquivalenceFactor, ...]:
    """Read the shipped everyday equivalences, in the order in which they are preferred."""
    text = resource("data", "equivalences.csv").read_text(encoding="utf-8")
    return tuple(
        EquivalenceFactor(
            unit=row["unit"],
            factor_g=float(row["factor_g"]),
            factor_text=row["factor_text"],
            source=row["source"],
            year=int(row["year"]),
        )
        for row in csv.DictReader(text.splitlines())
    )
