"""Ask sacct for one period, as whoever asks, for a report without a ledger of the site."""

from dataclasses import dataclass, replace

from auditor.collect.sacct import ask_fields, asking, window_options, windows_between
from auditor.collect.slurm_rights import Rights, ask_rights, require_cluster
from auditor.domain.incident import Incident
from auditor.domain.period import Period
from auditor.ledger.interface import LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_batches import batches_of
from auditor.pipeline.collect_incidents import GPUS_HINT, GPUS_UNTRACKED, loses_gpus
from auditor.pipeline.collect_parts import Run, Source
from auditor.pipeline.collect_plan import narrowed
from auditor.pipeline.factors import Factors

OWN_RUNS_ONLY = "own_runs_only"


@dataclass(frozen=True)
class SacctQuestion:
    """What Slurm is asked for: a period, a cluster (None for all known), users (all if empty)."""

    period: Period
    cluster: str | None = None
    users: tuple[str, ...] = ()


def ask_period(
    source: Source, question: SacctQuestion, factors: Factors, ledger: Ledger, run: Run
) -> Rights:
    """Load the runs of a period into a ledger: those that the caller may see.

    What Slurm hides is an incident in the ledger, unless only the caller's own runs are asked for.

    Raises
    ------
    CollectError
        Slurm cannot be asked, or its answer cannot be believed.
    """
    if source.cluster:
        require_cluster(source.host)
    rights = ask_rights(source.host, source.caller)
    fields = ask_fields(source.host)
    period = question.period
    if not rights.sees_everybody and question.users != (rights.caller,):
        ledger.sources.raise_incident(_own_runs_only(source, rights, period, run))
    notes: tuple[Note, ...] = ()
    if loses_gpus(source):
        notes = (Note("gpus_untracked", GPUS_UNTRACKED, GPUS_HINT),)
    until_utc = min(period.end_utc, run.now_utc().replace(microsecond=0))
    windows = narrowed(windows_between(period.start_utc, until_utc), rights.widest_window)
    run.progress.started(source.cluster or "sacct", len(windows))
    ledger.record_factor_set(factors.factor_set)
    for window in windows:
        with asking(source.host, fields, window_options(window)) as answer:
            batches = (
                replace(batch, notes=(*batch.notes, *notes))
                for batch in batches_of(answer, source.context, factors)
            )
            told_utc = run.now_utc().isoformat()
            load = LoadSource(source.context.source, answer.name_content, told_utc, window)
            receipt = ledger.load(batches, load)
        run.progress.advanced(source.cluster, window, receipt)
    return rights


def _own_runs_only(source: Source, rights: Rights, period: Period, run: Run) -> Incident:
    text = (
        f"Slurm shows {rights.caller} only the runs that they may see, and hides those of others"
        f" ({rights.reason})."
    )
    now_utc = run.now_utc()
    return Incident(
        source=source.context.source,
        cluster=source.cluster or "this cluster",
        code=OWN_RUNS_ONLY,
        text=text,
        hint="Operators of Slurm see the runs of everybody.",
        start_utc=period.start_utc,
        end_utc=period.end_utc,
        first_seen_utc=now_utc,
        last_seen_utc=now_utc,
    )
