"""One collection of one cluster: window by window, each loaded and remembered before the next."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from auditor.collect.sacct import (
    SacctAnswer,
    SacctFields,
    Window,
    ask_fields,
    asking,
    jobs_options,
    window_options,
)
from auditor.collect.slurm_errors import CollectError
from auditor.collect.slurm_lag import Controller, ask_controller, ask_unsent, settled_jobs
from auditor.collect.slurm_rights import (
    Rights,
    ask_rights,
    confirm_everybody,
    require_cluster,
    require_everybody,
)
from auditor.domain.incident import Incident, SourceState
from auditor.domain.period import Period
from auditor.ledger.interface import LoadBatch, LoadReceipt, LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_batches import batches_of
from auditor.pipeline.collect_incidents import (
    MENDED_BY_A_WHOLE_COLLECTION,
    blocking_incident,
    controller_incident,
    lag_incidents,
    standing_incidents,
)
from auditor.pipeline.collect_parts import CollectProgress, CollectReceipt, Run, Source
from auditor.pipeline.collect_plan import advanced, plan_windows
from auditor.pipeline.collect_views import SeenRuns, known_views, lifted_ranks, runs_out_of_reach
from auditor.pipeline.factors import Factors

__all__ = ("CollectProgress", "CollectReceipt", "collect")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_N_JOBS_AT_ONCE = 500


def collect(source: Source, factors: Factors, ledger: Ledger, run: Run) -> CollectReceipt:
    """Collect what is due from one cluster.

    Each window is one call of sacct and one load, and the cursor follows it, so that a collection
    that is stopped or killed goes on where it was. A shortfall becomes an incident in the ledger
    and is in the receipt; nothing is raised for it.
    """
    ledger.record_factor_set(factors.factor_set)
    cycle = _Cycle(source, factors, ledger, run)
    failure = None
    try:
        cycle.ask()
    except CollectError as error:
        # Whoever stops us may have ended the command too: that is no shortfall of Slurm.
        if not run.should_stop():
            failure = error
            cycle.raise_(blocking_incident(source.name, cycle.state, error, cycle.began_utc))
    receipt = cycle.close(failure)
    run.progress.finished(receipt)
    return receipt


class _Cycle:
    """One collection under way."""

    def __init__(self, source: Source, factors: Factors, ledger: Ledger, run: Run) -> None:
        self.source, self.factors, self.ledger, self.run = source, factors, ledger, run
        self.began_utc = run.now_utc().astimezone(UTC).replace(microsecond=0)
        since = min(source.since_utc, self.began_utc)
        known = ledger.sources.state(source.cluster)
        self.state = known or SourceState(source.cluster, since, since, None)
        self.known_to_utc = self.state.collected_to_utc
        self.plan = plan_windows(self.state, source.since_utc, source.reach, self.began_utc)
        self.incidents: dict[str, Incident] = {}
        self.counts: Counter[str] = Counter()
        self.notes: dict[Note, None] = {}
        self.n_windows = 0
        self.is_whole = False
        self.rights: Rights

    def ask(self) -> None:
        """Ask for the windows, then for open runs that they do not reach.

        Raises
        ------
        CollectError
            Slurm cannot be asked, or does not show everybody.
        """
        host = self.source.host
        require_cluster(host)
        self.rights = require_everybody(ask_rights(host, self.source.caller))
        fields = self._fields()
        before = self._controller()
        ceiling_utc = self._ceiling(before)
        seen = SeenRuns(frozenset(before.running if before else ()))
        self.raise_(*standing_incidents(self.source, self.state, self.rights, self.began_utc))
        self.run.progress.started(self.source.cluster, len(self.plan.windows))
        for window in self.plan.windows[:-1]:
            if self.run.should_stop():
                return
            self._take(window, fields, seen)
            self._advance(window, ceiling_utc)
        if self.run.should_stop():
            return
        for window in self.plan.windows[-1:]:
            self._take(window, fields, seen)
        lag = self._lag(before, seen)
        for window in self.plan.windows[-1:]:
            self._advance(window, self.state.collected_to_utc if lag else ceiling_utc)
        if self._take_out_of_reach(fields, seen):
            self._finish()

    def raise_(self, *incidents: Incident) -> None:
        """Remember incidents at once: the next moment may be our last."""
        for incident in incidents:
            self.incidents.setdefault(incident.code, incident)
            self.ledger.sources.raise_incident(incident)

    def close(self, failure: CollectError | None) -> CollectReceipt:
        """Resolve what is over, and say what it came to."""
        sources = self.ledger.sources
        mended = MENDED_BY_A_WHOLE_COLLECTION - set(self.incidents) if self.is_whole else ()
        n_resolved = sources.resolve(self.source.name, mended, self.began_utc)
        state = sources.state(self.source.cluster)
        return CollectReceipt(
            cluster=self.source.cluster,
            is_whole=self.is_whole,
            n_windows=self.n_windows,
            n_windows_due=len(self.plan.windows),
            collected_to_utc=None if state is None else state.collected_to_utc,
            n_resolved=n_resolved,
            incidents=tuple(self.incidents.values()),
            notes=tuple(self.notes),
            failure=failure,
            **self.counts,
        )

    def _fields(self) -> SacctFields:
        fields = ask_fields(self.source.host)
        if fields.missing:
            text = f"This sacct has no {', '.join(fields.missing)}: what they say is not known."
            self.notes[Note("fields_missing", text, "")] = None
        return fields

    def _controller(self) -> Controller | None:
        try:
            return ask_controller(self.source.host)
        except CollectError as error:
            self.raise_(controller_incident(self.source.name, self.state, error, self.began_utc))
            return None

    def _unsent(self) -> int | None:
        try:
            return ask_unsent(self.source.host)
        except CollectError as error:
            self.raise_(controller_incident(self.source.name, self.state, error, self.began_utc))
            return None

    def _ceiling(self, before: Controller | None) -> datetime | None:
        """Say how far the cursor may go while records are on their way to slurmdbd."""
        if before is None or not before.n_unsent:
            return None
        return self.began_utc - self.source.reach.deep_lookback

    def _take(self, window: Window, fields: SacctFields, seen: SeenRuns) -> None:
        """Ask for a window, make sure that the answer is everybody's, and load it."""
        period = Period(*window, "UTC", self.source.name)
        known = known_views(self.ledger, self.source.cluster, period, self.source.name)
        with asking(self.source.host, fields, window_options(window)) as answer:
            confirm_everybody(self.source.host, self.source.caller, self.rights)
            batches = self._batches(answer, seen, known)
            load = self._load_source(answer, self.source.name, window)
            receipt = self.ledger.load(batches, load)
        self.n_windows += 1
        self._count(receipt)
        self.run.progress.advanced(self.source.cluster, window, receipt)

    def _advance(self, window: Window, ceiling_utc: datetime | None) -> None:
        self.state = advanced(self.state, window, ceiling_utc)
        self.ledger.sources.advance(self.state)

    def _lag(self, before: Controller | None, seen: SeenRuns) -> bool:
        """Tell whether accounting is behind slurmctld; find incidents of it."""
        if before is None:
            return False
        settled = settled_jobs(before, self.began_utc)
        missing = {job: start for job, start in settled.items() if job not in seen.found}
        n_unsent = (before.n_unsent, self._unsent() if before.n_unsent else 0)
        found = lag_incidents(self.source, self.state, (n_unsent, missing), self.began_utc)
        self.raise_(*found)
        return bool(found)

    def _take_out_of_reach(self, fields: SacctFields, seen: SeenRuns) -> bool:
        """Ask by id for runs that the book calls open and that no window told of.

        Tells whether all were asked for.
        """
        start_utc = min(self.known_to_utc, self.began_utc) - self.source.reach.deep_lookback
        recent = Period(start_utc, self.began_utc, "UTC", self.source.name)
        ids, since = runs_out_of_reach(self.ledger, self.source.cluster, recent, seen)
        for begin in range(0, len(ids), _N_JOBS_AT_ONCE):
            if self.run.should_stop():
                return False
            some = ids[begin : begin + _N_JOBS_AT_ONCE]
            with asking(self.source.host, fields, jobs_options(some, since)) as answer:
                confirm_everybody(self.source.host, self.source.caller, self.rights)
                load = self._load_source(answer, f"{self.source.name} by id {begin}", None)
                self._count(self.ledger.load(self._batches(answer, seen, None), load))
            self.counts["n_asked_by_id"] += len(some)
        return True

    def _finish(self) -> None:
        state = replace(self.state, since_utc=min(self.source.since_utc, self.state.since_utc))
        if self.plan.is_deep:
            state = replace(state, deep_utc=self.began_utc)
        self.state = state
        self.ledger.sources.advance(state)
        self.is_whole = True

    def _load_source(self, answer: SacctAnswer, name: str, window: Window | None) -> LoadSource:
        # What is asked by id may lie anywhere: each such answer stands for the one before it.
        window = window or (_EPOCH, self.began_utc)
        return LoadSource(name, answer.name_content, self.run.now_utc().isoformat(), window)

    def _batches(
        self, answer: SacctAnswer, seen: SeenRuns, known: pd.DataFrame | None
    ) -> Iterator[LoadBatch]:
        def look(jobs: pd.DataFrame) -> pd.DataFrame:
            seen.take(jobs)
            return jobs if known is None else jobs.assign(rank=lifted_ranks(jobs, known))

        for batch in batches_of(answer, self.source.context, self.factors, look):
            self.notes.update(dict.fromkeys(batch.notes))
            yield batch

    def _count(self, receipt: LoadReceipt) -> None:
        for name in (
            "n_rows", "n_jobs", "n_steps", "n_rejects", "n_new", "n_superseded", "n_unchanged",
        ):  # fmt: skip
            self.counts[name] += getattr(receipt, name)
