"""How the configuration says that exports are read: tables, and whose pods are."""

from datetime import UTC, datetime

from auditor.normalize.kubernetes.rules import PodRules
from auditor.normalize.table.column_map import TableColumn, TableMap
from auditor.settings.cluster import Cluster
from auditor.settings.kubernetes import KubernetesSection
from auditor.settings.models import Settings
from auditor.settings.table import UNIT_FACTORS, TableSection

_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)


def table_of(settings: Settings, cluster: str | None) -> TableMap | None:
    """Return how tables of a cluster are read, of the only one that has any where none is named.

    None where exports are no tables.
    """
    tables = [
        entry
        for entry in settings.clusters
        if entry.table is not None and cluster in (None, entry.name)
    ]
    return _table_map(tables[0]) if len(tables) == 1 else None


def pod_rules_of(settings: Settings) -> dict[str, PodRules]:
    """Return whose pods are, by cluster."""
    return {entry.name: _pod_rules(entry.kubernetes) for entry in settings.clusters}


def default_pod_rules() -> PodRules:
    """Return whose the pods of other clusters are."""
    return _pod_rules(KubernetesSection())


def _pod_rules(section: KubernetesSection) -> PodRules:
    return PodRules(section.user, section.project, section.platform_namespaces)


def _table_map(cluster: Cluster) -> TableMap | None:
    section = cluster.table
    if section is None:
        return None
    return TableMap(
        columns=_columns(section),
        delimiter=section.delimiter,
        times=section.times,
        epoch_utc=section.epoch or _EPOCH_UTC,
        states=section.states,
        cluster=cluster.name,
    )


def _columns(section: TableSection) -> dict[str, TableColumn]:
    return {
        name: TableColumn(column)
        if isinstance(column, str)
        else TableColumn(column.column, UNIT_FACTORS[column.unit])
        for name, column in section.columns.items()
    }
