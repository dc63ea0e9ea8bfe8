"""Whose runs they are: the cluster of each row, and the zone its clocks show."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.errors import UsageError
from auditor.normalize.columns import Cells, constant_category
from auditor.normalize.interface import ExportContext, SourceNote
from auditor.normalize.run_times import Fault
from auditor.normalize.slurm_times import RowZones


@dataclass(frozen=True)
class Clusters:
    """The cluster of each row, the zone of its local times, and rows that name none."""

    names: pd.Categorical
    zones: RowZones
    fault: Fault
    notes: tuple[SourceNote, ...]


def name_clusters(cells: Cells, context: ExportContext) -> Clusters:
    """Return the cluster of each row: as stated by the caller, by the row, or by default.

    Raises
    ------
    UsageError
        Nobody names a cluster.
    """
    if context.cluster is not None:
        clusters = constant_category(context.cluster, cells.n_rows)
        notes = _rename_notes(cells, context.cluster)
    elif "Cluster" not in cells.names:
        clusters, notes = _default_cluster(context, cells.n_rows)
    else:
        clusters = cells.category("Cluster", lambda name: name or context.default_cluster or None)
        notes = ()
    nameless = Fault(
        np.asarray(clusters.codes) < 0, "it names no cluster; state one with --cluster"
    )
    return Clusters(clusters, _zones(clusters, context), nameless, notes)


def _zones(clusters: pd.Categorical, context: ExportContext) -> RowZones:
    zone_of = [
        context.timezone_of.get(name, context.default_timezone) for name in clusters.categories
    ]
    names = list(dict.fromkeys(zone_of)) or [context.default_timezone]
    if len(names) == 1:
        return RowZones(np.zeros(len(clusters), dtype=np.intp), names)
    places = np.array([names.index(zone) for zone in zone_of], dtype=np.intp)
    return RowZones(places[clusters.codes], names)


def _default_cluster(
    context: ExportContext, n_rows: int
) -> tuple[pd.Categorical, tuple[SourceNote, ...]]:
    if context.default_cluster is None:
        msg = "the export names no cluster"
        raise UsageError(msg, hint="State whose it is with --cluster NAME.")
    name = context.default_cluster
    if context.is_default_stated:
        return constant_category(name, n_rows), ()
    text = f"The export names no cluster; its runs were counted as those of {name!r}."
    hint = "If they are another cluster's, load them with --cluster NAME."
    note = SourceNote("cluster_by_default", text, hint)
    return constant_category(name, n_rows), (note,)


def refuse_several(named: set[str], raw: pd.DataFrame, stated: str | None) -> None:
    """Refuse an export of several clusters that is to be loaded as one: job ids would collide.

    `named` remembers the clusters of the pieces before; it takes those of this one.

    Raises
    ------
    UsageError
        A second cluster is named.
    """
    if stated is None or "Cluster" not in raw.columns:
        return
    named.update(name for name in raw["Cluster"].unique() if name)
    if len(named) > 1:
        msg = f"the export names {len(named)} clusters ({', '.join(sorted(named)[:5])}), not one"
        raise UsageError(msg, hint="Leave --cluster out: every row then keeps its own cluster.")


def _rename_notes(cells: Cells, stated: str) -> tuple[SourceNote, ...]:
    encoded = cells.encoded("Cluster")
    named = sorted({name for name in encoded.distinct if name}) if encoded else []
    if not named or named == [stated]:
        return ()
    text = f"The export calls its cluster {named[0]!r}; it was loaded as {stated!r}."
    hint = "Leave --cluster out to keep the name of the export."
    return (SourceNote("cluster_renamed", text, hint),)
