"""Runs that end after the moment at which they are loaded: nobody can have seen that.

Slurm writes its ends itself, by the clock of its own host: they are kept and told, as that clock or
ours is wrong and nothing says which. What others write, or anybody's table, is refused.
"""

from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

import pandas as pd

from auditor.domain.reject import Reject
from auditor.normalize.interface import Batch, ExportContext, SourceNote

# Clocks differ by seconds; a time zone or a unit that is misread, by an hour or more.
SLACK = timedelta(hours=1)
REASON = "it ends after the moment of loading: a clock, a time zone or a unit is wrong"
_SHOWN_CHARACTERS = 200
AHEAD = SourceNote(
    "ends_ahead",
    "Some runs end after the moment of loading and count as they stand: a clock or a time zone is"
    " wrong.",
    "Compare `date -u` here and where accounting was exported; local times need `timezone`.",
)


def without_future(batch: Batch, context: ExportContext) -> Batch:
    """Return a batch whose runs that end after `now_utc` of the context, and `SLACK`, are rejects.

    Loaded again when that time has come, they count. Those of Slurm stay, with a note.
    """
    if context.now_utc is None:
        return batch
    late = (batch.jobs["end_utc"] > pd.Timestamp(context.now_utc + SLACK)).to_numpy()
    by_slurm = (batch.jobs["scheduler"] == "slurm").to_numpy()
    if (late & by_slurm).any():
        batch = replace(batch, notes=(*batch.notes, AHEAD))
    late = late & ~by_slurm
    if not late.any():
        return batch
    rejects = [*batch.rejects, *_rejects(batch.jobs[late], context.source)]
    return replace(
        batch,
        jobs=batch.jobs[~late].reset_index(drop=True),
        rejects=sorted(rejects, key=attrgetter("line")),
        n_jobs=batch.n_jobs - int(late.sum()),
        refused_ids=batch.refused_ids | frozenset(batch.jobs["raw_job_id"][late].tolist()),
    )


def _rejects(jobs: pd.DataFrame, source: str) -> list[Reject]:
    columns = ("job_id", "user", "start_utc", "end_utc")
    cells = [jobs[name].astype("str").fillna("?") for name in columns]
    texts = cells[0] + "|" + cells[1] + "|" + cells[2] + "|" + cells[3]
    return [
        Reject(source, line, REASON, text[:_SHOWN_CHARACTERS])
        for line, text in zip(jobs["line"].tolist(), texts, strict=True)
    ]
