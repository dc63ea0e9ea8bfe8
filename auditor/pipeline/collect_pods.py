"""One collection of a Kubernetes cluster: a look at its pods, then slot by slot its meters."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pandas as pd

from auditor.collect.errors import CollectError
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_incidents import blocking_incident
from auditor.pipeline.collect_parts import CollectReceipt, Run
from auditor.pipeline.collect_pod_cycle import Cycle
from auditor.pipeline.collect_pod_gaps import gap_changes
from auditor.pipeline.collect_pod_incidents import (
    MENDED_BY_A_LOOK,
    MENDED_BY_ALL_SLOTS,
    OVERLAP,
    RETENTION,
    SAID_BY_A_LOOK,
    UNATTRIBUTED,
    looks_missed_incident,
    odd_in_look,
    overlap_incident,
    remark_incident,
    retention_incident,
    slot_name,
    unattributed_incident,
)
from auditor.pipeline.collect_pod_parts import (
    Metering,
    PodSource,
    Window,
    api_name,
    prometheus_name,
)
from auditor.pipeline.collect_pod_plan import SLOT, plan_slots, slot_of
from auditor.pipeline.collect_pod_sights import CLOCK_SLACK
from auditor.pipeline.collect_pod_silence import (
    Silence,
    is_dark,
    is_silent,
    is_untold,
    nothing_fits,
)
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


class _Cycle(Cycle):
    """One collection under way: a look, then slot by slot."""

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
            self._look_back()
            if not self._ask_slots():
                return
            self._tell_overlaps()
        if not self.intake.left_out:
            for name in {self.source.name, prometheus_name(self.source.cluster)}:
                self.resolve(name, {OVERLAP})
        self._end_vanished(seen_utc)
        self._finish(seen_utc)

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
        self.resolve(name, (MENDED_BY_A_LOOK | SAID_BY_A_LOOK) - said)
        if self.source.ask_meters is None and self.last_look_utc is not None:
            span = (self.last_look_utc, max(seen_utc, self.last_look_utc))
            self.raise_any(looks_missed_incident(self.source, span, self.began_utc))
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
        self.raise_(found)

    def _ask_slots(self) -> bool:
        """Ask for each slot and load it, and let the cursor follow; tell whether all were."""
        unheard: list[tuple[Window, Metering]] = []
        for window in self.plan.windows:
            if self.run.should_stop():
                return False
            answer = self._metering(window)
            # Nothing at all before the first sample: the meters' memory does not reach so far.
            silent = is_silent(window, answer)
            is_before = silent and self.heard_to_utc is None
            receipt = self.intake.take_slot(window, answer, () if is_before else answer.notes)
            self.n_windows += 1
            if is_before:
                unheard.append((window, answer))
            else:
                self._tell(window, answer)
            self.run.progress.advanced(self.source.cluster, window, receipt)
            # Nor does the cursor pass what is silent: it is asked for again until it is not.
            if not silent:
                self.heard_to_utc = window[1]
                if window != self.plan.windows[-1]:
                    self.advance(window)
        self._tell_unheard(unheard)
        self.resolve(prometheus_name(self.source.cluster), MENDED_BY_ALL_SLOTS)
        return True

    def _metering(self, window: Window) -> Metering:
        ask = self.source.ask_meters
        if ask is None:
            msg = "there are no meters to ask"
            raise TypeError(msg)
        name = prometheus_name(self.source.cluster)
        context = replace(self.source.context, source=name, seen_utc=self.began_utc)
        return ask(window, self.intake.around(window), context, self.run.should_stop)

    def _tell(self, window: Window, answer: Metering, begin_utc: datetime | None = None) -> None:
        """Say what an answer lacks, of a slot or of what is left of it from a moment on."""
        gaps = [*answer.gaps]
        if self.source.look is None and is_untold(window, answer, self.began_utc):
            gaps.append(Silence(*window))
        if begin_utc is not None:
            gaps = [
                Silence(max(gap.start_utc, begin_utc), gap.end_utc, gap.what, gap.is_bridged)
                for gap in gaps
            ]
        slot = (max(window[0], begin_utc or window[0]), window[1])
        changes = gap_changes(self.ledger, self.source, slot, gaps, self.began_utc)
        self.n_resolved += changes.resolve(self.ledger, self.began_utc)
        self.raise_(*changes.found)
        found = unattributed_incident(self.source, window, answer.unattributed_wh, self.began_utc)
        self.raise_any(found)
        if found is None:
            self.resolve(slot_name(self.source, window), {UNATTRIBUTED})

    def _tell_unheard(self, unheard: Sequence[tuple[Window, Metering]]) -> None:
        """Say what slots without a word before the first word come to.

        They are gaps, or lie before all that a Prometheus holds. A memory may be shorter than what
        is looked back for: what was heard once is not asked of it.

        Raises
        ------
        CollectError
            It never said a word.
        """
        if self.heard_to_utc is None and any(is_dark(*one, self.began_utc) for one in unheard):
            was_heard = self.source.look is None and self.came_to_utc > self.state.since_utc
            if not was_heard and self.ledger.meters.totals(self.source.cluster).empty:
                raise nothing_fits((unheard[0][0][0], unheard[-1][0][1]))
        is_first = self.plan.windows and self.plan.windows[0][0] <= slot_of(self.begin_utc)
        if unheard and is_first and self.heard_to_utc is not None:
            self._note_begin(unheard[-1][0][1])
            return
        for window, answer in unheard:
            if window[1] > self.came_to_utc:
                self._tell(window, answer, self.came_to_utc)

    def _look_back(self) -> None:
        """Ask for all again where the meters' memory was found to begin late, and no longer does.

        The address or the match of the configuration may have been mended since.
        """
        if not self.plan.is_deep or self.begin_utc <= self.source.since_utc:
            return
        edge_utc = slot_of(self.begin_utc)
        window = (edge_utc - SLOT, edge_utc)
        if is_silent(window, self._metering(window)):
            return
        self.begin_utc = self.source.since_utc
        self.plan = plan_slots(self.state, self.begin_utc, self.source.reach, self.began_utc)
        self.resolve(prometheus_name(self.source.cluster), {RETENTION})

    def _note_begin(self, begin_utc: datetime) -> None:
        """Say that the meters' memory begins later than the collection."""
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
            is_gone = self.intake.sights.are_over(opened)
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
        if self.source.ask_meters is not None and self.plan.windows:
            reached = min(reached, self.heard_to_utc or self.state.collected_to_utc)
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
        self.advance((self.state.collected_to_utc, reached))
        self.resolve(self.source.name, {"clock_set_back"})

    def _forget(self) -> None:
        """Forget the meters of pods that ended before anything that is still asked for."""
        reach = self.source.reach
        before_utc = slot_of(self.began_utc - max(reach.lookback, reach.deep_lookback)) - SLOT
        opened = set(self.intake.known.still_open["raw_job_id"])
        listed = set(self.intake.listed["raw_job_id"])
        self.ledger.meters.forget(self.source.cluster, before_utc, but=opened | listed)
