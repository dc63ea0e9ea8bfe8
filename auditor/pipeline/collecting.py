"""One collection of one cluster: window by window, each loaded and remembered before the next."""

from dataclasses import replace
from datetime import UTC, datetime

from auditor.collect.errors import CollectError
from auditor.collect.sacct import Window
from auditor.collect.slurm_lag import (
    QueueState,
    ask_controller,
    judge_queue,
    settled_jobs,
    watch_queue,
)
from auditor.collect.slurm_rights import ask_rights, require_cluster, require_everybody
from auditor.domain.incident import Incident, MissingJob, SourceState
from auditor.domain.period import Period
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_clearance import Watched, held_by, judged, still_missing
from auditor.pipeline.collect_incidents import (
    MENDED_BY_A_WHOLE_COLLECTION,
    blocking_incident,
    clock_incident,
    controller_incident,
    lost_incident,
    missing_incident,
    queue_incident,
    standing_incidents,
)
from auditor.pipeline.collect_intake import Intake
from auditor.pipeline.collect_parts import CollectProgress, CollectReceipt, Run, Source
from auditor.pipeline.collect_plan import advanced, narrowed, plan_windows
from auditor.pipeline.collect_views import SeenRuns, runs_out_of_reach
from auditor.pipeline.factors import Factors

__all__ = ("CollectProgress", "CollectReceipt", "collect")


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
        self.source, self.ledger, self.run = source, ledger, run
        self.intake = Intake(source, factors, ledger, run)
        self.began_utc = run.now_utc().astimezone(UTC).replace(microsecond=0)
        self.incidents: dict[str, Incident] = {}
        self.state = self._first_state(ledger.sources.state(source.cluster))
        self.known_to_utc = self.state.collected_to_utc
        self.plan = plan_windows(self.state, source.since_utc, source.reach, self.began_utc)
        self.is_whole = self.is_clear = False
        self.missing: tuple[MissingJob, ...] = ()

    def ask(self) -> None:
        """Ask for the windows, then for open runs that they do not reach.

        Raises
        ------
        CollectError
            Slurm cannot be asked, or does not show everybody.
        """
        host = self.source.host
        require_cluster(host)
        rights = require_everybody(ask_rights(host, self.source.caller))
        self.plan = replace(self.plan, windows=narrowed(self.plan.windows, rights.widest_window))
        self.intake.begin(rights)
        everybody = self._watched()
        self.intake.seen = SeenRuns(everybody.ids)
        clear_to_utc = self._cleared()
        watched = self._still_missed(everybody)
        if watched is None:
            return
        ceiling_utc = held_by(watched.missed, clear_to_utc)
        self.raise_(*standing_incidents(self.source, self.state, rights, self.began_utc))
        self.run.progress.started(self.source.cluster, len(self.plan.windows))
        for window in self.plan.windows:
            if self.run.should_stop():
                return
            self.intake.take(window)
            # The last step waits until it is known whether running jobs are missing.
            if window != self.plan.windows[-1]:
                self._advance(window, ceiling_utc)
        self._settle_missing(watched)
        for window in self.plan.windows[-1:]:
            self._advance(window, held_by(self.missing, ceiling_utc))
        if self._take_out_of_reach():
            self._finish()

    def raise_(self, *incidents: Incident) -> None:
        """Remember incidents at once: the next moment may be our last."""
        for incident in incidents:
            self.incidents.setdefault(incident.code, incident)
            self.ledger.sources.raise_incident(incident)

    def close(self, failure: CollectError | None) -> CollectReceipt:
        """Resolve what is over, and say what it came to."""
        sources = self.ledger.sources
        mended = MENDED_BY_A_WHOLE_COLLECTION if self.is_whole and self.is_clear else ()
        n_resolved = sources.resolve(self.source.name, mended, self.began_utc)
        state = sources.state(self.source.cluster)
        return CollectReceipt(
            cluster=self.source.cluster,
            is_whole=self.is_whole,
            n_windows=self.intake.n_windows,
            n_windows_due=len(self.plan.windows),
            collected_to_utc=None if state is None else state.collected_to_utc,
            n_resolved=n_resolved,
            incidents=tuple(self.incidents.values()),
            notes=tuple(self.intake.notes),
            failure=failure,
            is_held=self.is_whole and not self.is_clear,
            **self.intake.counts,
        )

    def _first_state(self, known: SourceState | None) -> SourceState:
        """Return where to begin: all over again where the cursor was set by a clock ahead."""
        since = min(self.source.since_utc, self.began_utc)
        if known is None:
            return SourceState(self.source.cluster, since, since, None)
        if not known.is_ahead_of(self.began_utc):
            return known
        since = min(since, known.since_utc)
        state = SourceState(self.source.cluster, since, since, None)
        self.raise_(clock_incident(self.source.name, state, self.began_utc))
        self.ledger.sources.take_back(state)
        return state

    def _watched(self) -> Watched:
        """Ask slurmctld which jobs run, and remember which were missed before."""
        missed = self.ledger.sources.missing_jobs(self.source.cluster)
        try:
            running = settled_jobs(ask_controller(self.source.host), self.began_utc)
        except CollectError as error:
            self.raise_(controller_incident(self.source.name, self.state, error, self.began_utc))
            running = {}
        return Watched(running, missed)

    def _cleared(self) -> datetime:
        """Say how far the cursor may go: before anything else is asked for, so that all is in."""
        has_doubts = any(
            one.source == self.source.name and one.code in MENDED_BY_A_WHOLE_COLLECTION
            for one in self.ledger.sources.incidents(unresolved_only=True)
        )
        lengths = self._queue()
        queue = QueueState.UNKNOWN if lengths is None else judge_queue(lengths)
        self.state, clear_to_utc = judged(self.state, queue, self.began_utc, has_doubts=has_doubts)
        self.is_clear = clear_to_utc is not None and "slurmctld_down" not in self.incidents
        if lengths is not None and clear_to_utc is None:
            found = queue_incident(self.source.name, self.state, lengths, self.began_utc)
            self.raise_(*filter(None, [found]))
        return clear_to_utc if clear_to_utc and self.is_clear else self.known_to_utc

    def _queue(self) -> tuple[int, ...] | None:
        try:
            return watch_queue(self.source.host, self.run.sleep, self.run.should_stop)
        except CollectError as error:
            self.raise_(controller_incident(self.source.name, self.state, error, self.began_utc))
            return None

    def _advance(self, window: Window, ceiling_utc: datetime) -> None:
        self.state = advanced(self.state, window, ceiling_utc)
        self.ledger.sources.advance(self.state)

    def _still_missed(self, watched: Watched) -> Watched | None:
        """Ask by id for the jobs missed before; return what is watched without those found.

        It comes before the windows, so that what came together with a job is in their answers.
        None: it was stopped.
        """
        ids = [job.raw_job_id for job in watched.missed]
        if not self.intake.look_for(ids, watched.since_utc):
            return None
        return watched.without(self.intake.seen.found)

    def _settle_missing(self, watched: Watched) -> None:
        """Remember the jobs that no answer named, and hold the cursor before them."""
        missing, lost = still_missing(watched, self.intake.seen.found, self.began_utc)
        where = (self.source.name, self.state)
        if lost:
            self.raise_(lost_incident(*where, lost, self.began_utc))
        self.ledger.sources.keep_missing(self.source.cluster, missing)
        if missing:
            self.is_clear = False
            self.raise_(missing_incident(*where, missing, self.began_utc))
            self._take_back(held_by(missing, self.state.collected_to_utc))
        self.missing = missing

    def _take_back(self, limit_utc: datetime) -> None:
        """Take the cursor back to a moment, as far as it has moved in this collection."""
        reached = max(limit_utc, self.known_to_utc)
        if reached < self.state.collected_to_utc:
            self.state = replace(self.state, collected_to_utc=reached)
            self.ledger.sources.take_back(self.state)

    def _take_out_of_reach(self) -> bool:
        """Ask by id for runs that the book calls open and that no window told of.

        Tells whether all were asked for.
        """
        start_utc = min(self.known_to_utc, self.began_utc) - self.source.reach.deep_lookback
        recent = Period(start_utc, self.began_utc, "UTC", self.source.name)
        ids, since = runs_out_of_reach(self.ledger, self.source.cluster, recent, self.intake.seen)
        return self.intake.take_by_id(ids, since, self.began_utc)

    def _finish(self) -> None:
        if self.is_clear:
            since_utc = min(self.source.since_utc, self.state.since_utc)
            self.state = replace(self.state, since_utc=since_utc)
            if self.plan.is_deep:
                self.state = replace(self.state, deep_utc=self.began_utc)
        self.ledger.sources.advance(self.state)
        self.is_whole = True
