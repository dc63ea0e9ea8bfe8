"""Names that people are asked for by, where accounting has them on one cluster only."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from auditor.domain.identity import Identity
from auditor.ledger.interface import Filters
from auditor.ledger.ledger import Ledger
from auditor.pipeline.named_runs import Wanted, read_named

Naming = Callable[[str, str | None], str]


@dataclass(frozen=True)
class Recognised:
    """Filters with names of reports, and which name became which."""

    filters: Filters
    called: dict[str, str]


def recognised(ledger: Ledger, filters: Filters, identity: Identity) -> Recognised:
    """Return filters in which `alice-m`, an alias on one cluster, stands for the person.

    Only where that is unambiguous: one person has the alias on the clusters asked for, and no run
    of the ledger there is of somebody whom reports call so. The period does not matter: the same
    question means the same person each week.
    """
    called: dict[str, str] = {}
    for kind, naming in (("user", identity.user), ("account", identity.project)):
        for name in getattr(filters, kind):
            person = _whose(name, naming, filters.cluster or tuple(identity.clusters))
            if person is not None and not _is_anybody(ledger, identity, kind, name, filters):
                called[name] = person
    named = {
        kind: tuple(dict.fromkeys(called.get(name, name) for name in getattr(filters, kind)))
        for kind in ("user", "account")
    }
    return Recognised(replace(filters, user=named["user"], account=named["account"]), called)


def _whose(name: str, naming: Naming, clusters: tuple[str, ...]) -> str | None:
    """Return the one person who is called so on some of the clusters and has another name."""
    if naming(name, None) != name:
        return None
    people = {naming(name, cluster) for cluster in clusters} - {name}
    return people.pop() if len(people) == 1 else None


def _is_anybody(ledger: Ledger, identity: Identity, kind: str, name: str, filters: Filters) -> bool:
    wanted = Wanted(
        filters=Filters(**{kind: (name,)}, cluster=filters.cluster),
        columns=("cluster", "user", "account"),
    )
    return not read_named(ledger, identity, wanted).empty
