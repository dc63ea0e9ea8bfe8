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
        One cluster was stated, and the rows name several.
    """
    if context.cluster is not None:
        clusters = constant_category(context.cluster, cells.n_rows)
        notes = _rename_notes(cells, context.cluster)
    else:
        clusters = cells.category("Cluster", lambda name: name or context.default_cluster or None)
        if "Cluster" not in cells.names:
            clusters = constant_category(context.default_cluster, cells.n_rows)
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


def _rename_notes(cells: Cells, stated: str) -> tuple[SourceNote, ...]:
    encoded = cells.encoded("Cluster")
    named = sorted({name for name in encoded.distinct if name}) if encoded else []
    if len(named) > 1:
        msg = f"the export names {len(named)} clusters ({', '.join(named[:5])}), not one"
        raise UsageError(msg, hint="Leave --cluster out: every row then keeps its own cluster.")
    if not named or named == [stated]:
        return ()
    text = f"The export calls its cluster {named[0]!r}; it was loaded as {stated!r}."
    hint = "Leave --cluster out to keep the name of the export."
    return (SourceNote("cluster_renamed", text, hint),)
