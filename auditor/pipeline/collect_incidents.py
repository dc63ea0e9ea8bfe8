"""What keeps a collection from being whole, as incidents of the ledger."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from auditor.collect.errors import CollectError
from auditor.collect.slurm_lag import is_stuck
from auditor.collect.slurm_nodes import has_gpus
from auditor.collect.slurm_rights import Rights, tracks_gpus
from auditor.domain.incident import Incident, MissingJob, SourceState
from auditor.pipeline.collect_parts import Source

# Found to be over when all that was due was asked for again, of an accounting that was known to be
# up to date. What slurmdbd never recorded (gpus_untracked, jobs_lost) or has deleted (purged) is
# not among them.
MENDED_BY_A_WHOLE_COLLECTION = frozenset(
    {
        "clock_set_back",
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
# A queue that is short but never empty is one from so many collections on.
_N_UNCLEAR = 2
GPUS_UNTRACKED = "The nodes have GPUs, and accounting does not record who used them."
GPUS_HINT = "Add gres/gpu and its types to AccountingStorageTRES in slurm.conf."


def controller_incident(
    source: str, state: SourceState, error: CollectError, now_utc: datetime
) -> Incident:
    """Return the incident of a slurmctld that does not answer: accounting may be late, or not."""
    text = (
        "Slurm's controller cannot be asked whether accounting is up to date, so nothing since"
        f" then is taken to be whole: {error}"
    )
    hint = "Is slurmctld running? `squeue` and `sdiag` must answer on this host."
    return _incident((source, state, now_utc), "slurmctld_down", text, hint)


def blocking_incident(
    source: str, state: SourceState, error: CollectError, now_utc: datetime
) -> Incident:
    """Return the incident of a collection that could not go on; it begins at the cursor."""
    return _incident((source, state, now_utc), error.code, str(error), error.hint or "")


def queue_incident(
    source: str, state: SourceState, lengths: Sequence[int], now_utc: datetime
) -> Incident | None:
    """Return the incident of records that do not get from slurmctld to accounting, if they do not.

    Parameters
    ----------
    state
        With the counts of this collection: a short queue is none at once.
    lengths
        What `watch_queue` saw, not empty in the end.
    """
    hint = "`sdiag` shows the queue (DBD Agent queue size); slurmctld's log says why."
    text = "sdiag does not say how many records wait for accounting."
    if lengths:
        if not is_stuck(lengths[0], lengths[-1]) and state.n_unclear < _N_UNCLEAR:
            return None
        text = f"{lengths[-1]:,} records wait in slurmctld and have not reached accounting."
    return _incident((source, state, now_utc), "dbd_queue", text, hint)


def missing_incident(
    source: str, state: SourceState, missing: Sequence[MissingJob], now_utc: datetime
) -> Incident:
    """Return the incident of jobs that slurmctld ran and that accounting does not know."""
    text = f"Accounting does not know jobs that run or ran: {_listed(missing)}."
    hint = "Does slurmctld reach slurmdbd? Its log and `sdiag` tell."
    incident = _incident((source, state, now_utc), "running_jobs_missing", text, hint)
    return _since(incident, min(job.start_utc for job in missing))


def lost_incident(
    source: str, state: SourceState, lost: Sequence[MissingJob], now_utc: datetime
) -> Incident:
    """Return the incident of jobs that accounting will not get to know any more."""
    text = f"Accounting never came to know jobs that ran: {_listed(lost)}."
    hint = "slurmctld's log of that time says what became of their records."
    incident = _incident((source, state, now_utc), "jobs_lost", text, hint)
    return replace(
        incident,
        start_utc=min(job.start_utc for job in lost),
        end_utc=max(job.last_seen_utc for job in lost),
    )


def clock_incident(source: str, state: SourceState, now_utc: datetime) -> Incident:
    """Return the incident of a cursor that lies in the future: all since the begin is in doubt."""
    text = "This host's clock was ahead and was set back: what was collected is asked for again."
    hint = "`timedatectl status` says whether the clock is synchronised."
    incident = _incident((source, state, now_utc), "clock_set_back", text, hint)
    return _until(incident, now_utc)


def _listed(jobs: Sequence[MissingJob]) -> str:
    ids = sorted((job.raw_job_id for job in jobs), key=int)
    more = f" and {len(ids) - _N_SHOWN:,} more" if len(ids) > _N_SHOWN else ""
    return f"{', '.join(ids[:_N_SHOWN])}{more}"


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
