"""What keeps a collection from being whole, as incidents of the ledger."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from auditor.collect.slurm_errors import CollectError
from auditor.collect.slurm_lag import is_stuck
from auditor.collect.slurm_nodes import has_gpus
from auditor.collect.slurm_rights import Rights, tracks_gpus
from auditor.domain.incident import Incident, SourceState
from auditor.pipeline.collect_parts import Source

# Found to be over when all that was due was asked for again. What slurmdbd never recorded
# (gpus_untracked) or has deleted (purged) is not among them.
MENDED_BY_A_WHOLE_COLLECTION = frozenset(
    {
        "cluster_unknown",
        "dbd_queue",
        "not_operator",
        "running_jobs_missing",
        "sacct_cut",
        "sacct_failed",
        "slurm_missing",
        "slurmctld_down",
        "slurmdbd_down",
        "timeout",
    }
)
_N_SHOWN = 5
GPUS_UNTRACKED = "The nodes have GPUs, and accounting does not record who used them."
GPUS_HINT = "Add gres/gpu and its types to AccountingStorageTRES in slurm.conf."


def controller_incident(
    source: str, state: SourceState, error: CollectError, now_utc: datetime
) -> Incident:
    """Return the incident of a slurmctld that does not answer: accounting may be late, or not."""
    text = f"Slurm's controller cannot be asked whether accounting is up to date: {error}"
    hint = "Is slurmctld running? `squeue` and `sdiag` must answer on this host."
    return _incident((source, state, now_utc), "slurmctld_down", text, hint)


def blocking_incident(
    source: str, state: SourceState, error: CollectError, now_utc: datetime
) -> Incident:
    """Return the incident of a collection that could not go on; it begins at the cursor."""
    return _incident((source, state, now_utc), error.code, str(error), error.hint or "")


def lag_incidents(
    source: Source,
    state: SourceState,
    seen: tuple[tuple[int | None, int | None], Mapping[str, datetime]],
    now_utc: datetime,
) -> list[Incident]:
    """Return incidents of an accounting that is behind slurmctld.

    Parameters
    ----------
    seen
        How many records waited in slurmctld before and after the windows were asked for, and the
        running jobs that no answer named, with their start.
    """
    (n_before, n_after), missing = seen
    where = (source.name, state, now_utc)
    found = []
    if n_after and is_stuck(n_before, n_after):
        text = f"{n_after:,} records wait in slurmctld and have not reached accounting."
        hint = "`sdiag` shows the queue (DBD Agent queue size); slurmctld's log says why."
        found.append(_incident(where, "dbd_queue", text, hint))
    if missing:
        ids = sorted(missing, key=int)
        more = f" and {len(ids) - _N_SHOWN:,} more" if len(ids) > _N_SHOWN else ""
        text = f"Accounting does not know jobs that run: {', '.join(ids[:_N_SHOWN])}{more}."
        hint = "Does slurmctld reach slurmdbd? Its log and `sdiag` tell."
        incident = _incident(where, "running_jobs_missing", text, hint)
        found.append(_since(incident, min(missing.values())))
    return found


def standing_incidents(
    source: Source, state: SourceState, rights: Rights, now_utc: datetime
) -> list[Incident]:
    """Return incidents of what accounting has deleted, or does not record in the first place."""
    where = (source.name, state, now_utc)
    found = []
    horizon = rights.purged_before(now_utc)
    is_longer = source.since_utc < state.since_utc
    begin_utc = source.since_utc if is_longer else state.collected_to_utc
    if horizon is not None and begin_utc < horizon:
        text = f"Accounting keeps jobs since {horizon:%Y-%m-%d} only: older ones may be gone."
        hint = "PurgeJobAfter in slurmdbd.conf; export files of that time can be ingested."
        purged = _since(_incident(where, "purged", text, hint), begin_utc)
        found.append(_until(purged, horizon))
    if loses_gpus(source):
        untracked = _incident(where, "gpus_untracked", GPUS_UNTRACKED, GPUS_HINT)
        found.append(_until(untracked, now_utc))
    return found


def loses_gpus(source: Source) -> bool:
    """Tell whether the nodes have GPUs that accounting does not record."""
    if source.node_listing is None or not has_gpus(source.node_listing):
        return False
    try:
        return tracks_gpus(source.host) is False
    except CollectError:
        # slurmctld is away: that has an incident of its own.
        return False


def _incident(
    where: tuple[str, SourceState, datetime], code: str, text: str, hint: str
) -> Incident:
    source, state, now_utc = where
    return Incident(
        source=source,
        cluster=state.cluster,
        code=code,
        text=text,
        hint=hint,
        start_utc=min(state.collected_to_utc, now_utc),
        end_utc=None,
        first_seen_utc=now_utc,
        last_seen_utc=now_utc,
    )


def _since(incident: Incident, start_utc: datetime) -> Incident:
    return replace(incident, start_utc=min(start_utc, incident.start_utc))


def _until(incident: Incident, end_utc: datetime) -> Incident:
    return replace(incident, end_utc=max(end_utc, incident.start_utc))
