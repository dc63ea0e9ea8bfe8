"""One collection of a Kubernetes cluster: a look at its pods, then slot by slot its meters."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from auditor.collect.errors import CollectError
from auditor.domain.incident import Incident, SourceState
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_incidents import blocking_incident, clock_incident
from auditor.pipeline.collect_parts import CollectReceipt, Run
from auditor.pipeline.collect_plan import advanced
from auditor.pipeline.collect_pod_gaps import gap_changes
from auditor.pipeline.collect_pod_incidents import (
    MENDED_BY_A_LOOK,
    MENDED_BY_ALL_SLOTS,
    OVERLAP,
    SAID_BY_A_LOOK,
    UNATTRIBUTED,
    held_since,
    looks_missed_incident,
    odd_in_look,
    overlap_incident,
    remark_incident,
    retention_incident,
    slot_name,
    unattributed_incident,
)
from auditor.pipeline.collect_pod_intake import PodIntake
from auditor.pipeline.collect_pod_parts import (
    Metering,
    PodSource,
    Window,
    api_name,
    prometheus_name,
)
from auditor.pipeline.collect_pod_plan import SLOT, plan_slots, slot_of
from auditor.pipeline.collect_pod_sights import CLOCK_SLACK
from auditor.pipeline.factors import Factors


def collect_pods(source: PodSource, factors: Factors, ledger: Ledger, run: Run) -> CollectReceipt:
    """Collect what is due from one Kubernetes cluster.

    First every pod that the API lists, with its state of now; then the slots of its Prometheus
    that are new or may have changed, each of them asked for, remembered and loaded before the
    next: so a collection that is stopped or killed goes on where it was, and repeating one changes
    nothing. A shortfall becomes an incident in the ledger and is in the receipt; nothing is raised
    for it.
    """
    ledger.record_factor_set(factors.factor_set)
    cycle = _Cycle(source, factors, ledger, run)
    failure = None
    try:
        cycle.ask()
    except CollectError as error:
        if not run.should_stop():
            failure = error
            cycle.raise_(blocking_incident(cycle.asked, cycle.state, error, cycle.began_utc))
    receipt = cycle.close(failure)
    run.progress.finished(receipt)
    return receipt


class _Cycle:
    """One collection under way; `asked` names whom it asks at the moment."""

    def __init__(self, source: PodSource, factors: Factors, ledger: Ledger, run: Run) -> None:
        self.source, self.ledger, self.run = source, ledger, run
        self.began_utc = run.now_utc().astimezone(UTC).replace(microsecond=0)
        self.incidents: dict[tuple[str, str], Incident] = {}
        self.asked = source.name
        self.n_resolved = 0
        known = ledger.sources.state(source.cluster)
        self.last_look_utc = None if known is None else known.trusted_to(self.began_utc)
        self.was_ahead = known is not None and known.is_ahead_of(self.began_utc)
        self.state = self._first_state(known)
        self.begin_utc = max(self.source.since_utc, held_since(ledger, source))
        self.plan = plan_slots(self.state, self.begin_utc, source.reach, self.began_utc)
        self.is_whole = False
        self.n_windows = 0
        self.gaps: list[Window] = []
        self.intake = PodIntake(source, factors, ledger, run)

    def ask(self) -> None:
        """Look at the API, if there is one, then ask for the slots, if there are meters.

        Raises
        ------
        CollectError
            The one or the other cannot be asked, or its answer cannot be believed.
        """
        windows = self.plan.windows if self.source.ask_meters else ()
        self.run.progress.started(self.source.cluster, len(windows))
        seen_utc = self._look()
        self._tell_overlaps()
        if self.source.ask_meters is not None:
            self.asked = prometheus_name(self.source.cluster)
            if not self._ask_slots():
                return
            self._tell_overlaps()
        if not self.intake.left_out:
            for name in {self.source.name, prometheus_name(self.source.cluster)}:
                self._resolve(name, {OVERLAP})
        self._end_vanished(seen_utc)
        self._finish(seen_utc)

    def raise_(self, *incidents: Incident) -> None:
        """Remember incidents at once: the next moment may be our last."""
        for incident in incidents:
            self.incidents.setdefault((incident.source, incident.code), incident)
            self.ledger.sources.raise_incident(incident)

    def close(self, failure: CollectError | None) -> CollectReceipt:
        """Say what it came to."""
        state = self.ledger.sources.state(self.source.cluster)
        return CollectReceipt(
            cluster=self.source.cluster,
            is_whole=self.is_whole,
            n_windows=self.n_windows,
            n_windows_due=len(self.plan.windows) if self.source.ask_meters else 0,
            collected_to_utc=None if state is None else state.collected_to_utc,
            n_resolved=self.n_resolved,
            incidents=tuple(self.incidents.values()),
            notes=tuple(self.intake.notes),
            failure=failure,
            is_held=False,
            **self.intake.counts,
        )

    def _first_state(self, known: SourceState | None) -> SourceState:
        """Return where to begin: all over again where the cursor was set by a clock ahead."""
        since = min(self.source.since_utc, self.began_utc)
        if known is None:
            return SourceState(self.source.cluster, since, since, None)
        if not known.is_ahead_of(self.began_utc):
            return known
        state = SourceState(self.source.cluster, min(since, known.since_utc), since, None)
        self.raise_(clock_incident(self.source.name, state, self.began_utc))
        self.ledger.sources.take_back(state)
        return state

    def _look(self) -> datetime | None:
        """Load what the API lists; return when it was so, None where there is no API."""
        if self.source.look is None:
            return None
        name = api_name(self.source.cluster)
        with self.source.look(self.run.should_stop) as answer:
            now_utc = self.run.now_utc()
            is_ahead = answer.seen_utc > now_utc + CLOCK_SLACK
            seen_utc = now_utc if is_ahead else answer.seen_utc
            self.intake.take_look(answer, seen_utc)
            remarks = [(one.code, one.text, one.hint) for one in answer.notes]
        n_open = len(self.intake.known.still_open) if self._is_empty else None
        remarks += odd_in_look(self.intake.refusals, self.intake.refused_ids, n_open)
        said = {code for code, _, _ in remarks}
        since_utc = self.last_look_utc or seen_utc
        for remark in remarks:
            span = (min(since_utc, seen_utc), seen_utc)
            self.raise_(remark_incident(self.source, remark, span, self.began_utc))
        self._resolve(name, (MENDED_BY_A_LOOK | SAID_BY_A_LOOK) - said)
        if self.source.ask_meters is None and self.last_look_utc is not None:
            span = (self.last_look_utc, max(seen_utc, self.last_look_utc))
            self._raise_any(looks_missed_incident(self.source, span, self.began_utc))
        return seen_utc

    @property
    def _is_empty(self) -> bool:
        """Whether a look brought nothing: rather a lost right or another cluster than an end."""
        intake = self.intake
        return self.source.look is not None and intake.listed.empty and not intake.refusals

    def _tell_overlaps(self) -> None:
        intake = self.intake
        if not intake.left_out:
            return
        found = overlap_incident(
            self.source, intake.left_out, tuple(intake.allocations), self.began_utc
        )
        self.incidents.pop((found.source, found.code), None)
        self.raise_(found)

    def _ask_slots(self) -> bool:
        """Ask for each slot and load it, and let the cursor follow; tell whether all were."""
        n_silent = 0
        for window in self.plan.windows:
            if self.run.should_stop():
                return False
            answer = self._metering(window)
            # Nothing at all before the first sample: the meters' memory does not reach so far.
            is_silent = n_silent == self.n_windows and _is_silent(window, answer)
            n_silent += is_silent
            receipt = self.intake.take_slot(window, answer, () if is_silent else answer.notes)
            self.n_windows += 1
            if not is_silent:
                self._tell(window, answer)
            self.run.progress.advanced(self.source.cluster, window, receipt)
            if window != self.plan.windows[-1]:
                self._advance(window)
        self._note_begin(n_silent)
        self._resolve(prometheus_name(self.source.cluster), MENDED_BY_ALL_SLOTS)
        return True

    def _metering(self, window: Window) -> Metering:
        ask = self.source.ask_meters
        if ask is None:
            msg = "there are no meters to ask"
            raise TypeError(msg)
        name = prometheus_name(self.source.cluster)
        context = replace(self.source.context, source=name, seen_utc=self.began_utc)
        return ask(window, self.intake.around(window), context, self.run.should_stop)

    def _tell(self, window: Window, answer: Metering) -> None:
        self.gaps += [(gap.start_utc, gap.end_utc) for gap in answer.gaps]
        changes = gap_changes(self.ledger, self.source, window, answer.gaps, self.began_utc)
        self.n_resolved += changes.resolve(self.ledger, self.began_utc)
        self.raise_(*changes.found)
        found = unattributed_incident(self.source, window, answer.unattributed_wh, self.began_utc)
        self._raise_any(found)
        if found is None:
            self._resolve(slot_name(self.source, window), {UNATTRIBUTED})

    def _note_begin(self, n_silent: int) -> None:
        """Say that the meters' memory begins later than the collection, where it does."""
        is_first = self.plan.windows and self.plan.windows[0][0] <= slot_of(self.begin_utc)
        if not n_silent or not is_first:
            return
        begin_utc = self.plan.windows[n_silent - 1][1]
        self.raise_(retention_incident(self.source, begin_utc, self.began_utc))
        self.begin_utc = max(self.begin_utc, begin_utc)
        if self.state.since_utc < begin_utc:
            self.state = replace(self.state, since_utc=begin_utc)

    def _end_vanished(self, seen_utc: datetime | None) -> None:
        """End the runs that nobody tells of any more; what was told of and refused goes on."""
        refused = self.intake.refused_ids
        if None in refused:
            return
        opened = self.intake.known.still_open
        opened = opened[~opened["raw_job_id"].isin(refused)]
        if seen_utc is not None:
            if self.intake.listed.empty:
                return
            is_gone = ~opened["raw_job_id"].isin(self.intake.listed["raw_job_id"])
            is_gone &= opened["submit_utc"] < pd.Timestamp(seen_utc)
        else:
            is_gone = self.intake.are_silent(opened, self.gaps, self.began_utc)
        last_look_utc = self.began_utc
        if self.last_look_utc is not None and not self.was_ahead:
            last_look_utc = self.last_look_utc
        ended_utc = seen_utc or self.began_utc
        window = (slot_of(ended_utc), slot_of(ended_utc) + SLOT)
        self.intake.end_vanished(opened[is_gone], last_look_utc, window)

    def _finish(self, seen_utc: datetime | None) -> None:
        self.is_whole = True
        if self._is_empty and self.source.ask_meters is None:
            return
        reached = min(self.began_utc, seen_utc or self.began_utc)
        since_utc = self.state.since_utc
        if self.source.ask_meters is None:
            # What was gone before the first look is not known.
            since_utc = reached if self.last_look_utc is None else since_utc
        else:
            since_utc = min(self.begin_utc, since_utc)
        self.state = replace(self.state, since_utc=min(since_utc, reached))
        if self.plan.is_deep:
            self.state = replace(self.state, deep_utc=self.began_utc)
            self._forget()
        self._advance((self.state.collected_to_utc, reached))
        self._resolve(self.source.name, {"clock_set_back"})

    def _forget(self) -> None:
        """Forget the meters of pods that ended before anything that is still asked for."""
        reach = self.source.reach
        before_utc = slot_of(self.began_utc - max(reach.lookback, reach.deep_lookback)) - SLOT
        opened = set(self.intake.known.still_open["raw_job_id"])
        listed = set(self.intake.listed["raw_job_id"])
        self.ledger.meters.forget(self.source.cluster, before_utc, but=opened | listed)

    def _advance(self, window: Window) -> None:
        self.state = advanced(self.state, window, self.began_utc)
        self.ledger.sources.advance(self.state)

    def _raise_any(self, incident: Incident | None) -> None:
        if incident is not None:
            self.raise_(incident)

    def _resolve(self, name: str, codes: Iterable[str]) -> None:
        self.n_resolved += self.ledger.sources.resolve(name, set(codes), self.began_utc)


def _is_silent(window: Window, answer: Metering) -> bool:
    """Tell whether meters say nothing of a slot, as something was missing all the time."""
    is_dark = any(gap.start_utc <= window[0] and gap.end_utc >= window[1] for gap in answer.gaps)
    return bool(answer.pods.empty and answer.meters.empty and is_dark)
