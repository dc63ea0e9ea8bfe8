"""How far the cursor may go: no further than accounting is known to have everything."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from auditor.collect.slurm_lag import QueueState
from auditor.domain.incident import MissingJob, SourceState

# Records that are on their way at a busy site are younger than that.
_ON_THEIR_WAY = timedelta(minutes=10)
# After a doubt, so many short queues in a row stand for an empty one.
_N_SMALL = 3
# A job that accounting does not know so long after it was missed is lost to it.
_LOST_AFTER = timedelta(days=30)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Watched:
    """The jobs that accounting must know: those that run for a while, and those missed before."""

    running: Mapping[str, datetime]
    missed: tuple[MissingJob, ...]

    @property
    def ids(self) -> frozenset[str]:
        """Raw ids of all of them."""
        return frozenset(self.running) | {job.raw_job_id for job in self.missed}

    @property
    def since_utc(self) -> datetime:
        """The earliest start of a job that was missed before."""
        return min((job.start_utc for job in self.missed), default=_NEVER)

    def without(self, found: Collection[str]) -> "Watched":
        """Return the same without the jobs missed before that were found."""
        missed = tuple(job for job in self.missed if job.raw_job_id not in found)
        return replace(self, missed=missed)


def judged(
    state: SourceState, queue: QueueState, now_utc: datetime, *, has_doubts: bool
) -> tuple[SourceState, datetime | None]:
    """Return the state with its counts, and the moment up to which accounting has all that ended.

    Parameters
    ----------
    queue
        The records that waited for accounting, before it was asked for anything.
    has_doubts
        Something has kept collection from being whole and is not mended: then a short queue may
        hold what was kept back so long.

    Returns
    -------
    None where it is not known: the cursor stays.
    """
    n_small = state.n_small + 1 if queue is QueueState.MOVING else 0
    if queue is QueueState.EMPTY:
        return replace(state, n_small=0, n_unclear=0), now_utc
    if n_small and (not has_doubts or n_small >= _N_SMALL):
        return replace(state, n_small=n_small, n_unclear=0), now_utc - _ON_THEIR_WAY
    return replace(state, n_small=n_small, n_unclear=state.n_unclear + 1), None


def still_missing(
    watched: Watched, found: Collection[str], now_utc: datetime
) -> tuple[tuple[MissingJob, ...], tuple[MissingJob, ...]]:
    """Return the jobs that are missing: those that may come yet, and those that are lost.

    Parameters
    ----------
    watched
        With the jobs that were missed before and not found before the windows were asked for.
    found
        What any answer named.
    """
    earlier = {job.raw_job_id: job for job in watched.missed}
    new = {
        raw: MissingJob(raw, start, now_utc, now_utc)
        for raw, start in watched.running.items()
        if raw not in found
    }
    jobs = [
        replace(job, last_seen_utc=now_utc) if raw in watched.running else job
        for raw, job in sorted({**new, **earlier}.items())
    ]
    lost = [
        job
        for job in jobs
        if job.raw_job_id not in watched.running and now_utc - job.first_seen_utc >= _LOST_AFTER
    ]
    return tuple(job for job in jobs if job not in lost), tuple(lost)


def held_by(missing: Iterable[MissingJob], limit_utc: datetime) -> datetime:
    """Return how far the cursor may go while jobs are missing: not past the start of any."""
    return min([limit_utc, *(job.start_utc for job in missing)])
