"""One collection of a Kubernetes cluster under way: its cursor, its incidents and its receipt."""

from collections.abc import Iterable
from datetime import UTC, datetime

from auditor.collect.errors import CollectError
from auditor.domain.incident import Incident, SourceState
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_incidents import clock_incident
from auditor.pipeline.collect_parts import CollectReceipt, Run
from auditor.pipeline.collect_plan import advanced
from auditor.pipeline.collect_pod_incidents import held_since
from auditor.pipeline.collect_pod_intake import PodIntake
from auditor.pipeline.collect_pod_parts import PodSource, Window
from auditor.pipeline.collect_pod_plan import plan_slots
from auditor.pipeline.factors import Factors


class Cycle:
    """One collection under way and its ledger; `asked` names whom it asks at the moment."""

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
        self.came_to_utc = self.state.collected_to_utc
        self.heard_to_utc: datetime | None = None
        self.intake = PodIntake(source, factors, ledger, run)

    def raise_(self, *incidents: Incident) -> None:
        """Remember incidents at once: the next moment may be our last."""
        for incident in incidents:
            self.incidents[incident.source, incident.code] = incident
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

    def advance(self, window: Window) -> None:
        """Let the cursor follow."""
        self.state = advanced(self.state, window, self.began_utc)
        self.ledger.sources.advance(self.state)

    def raise_any(self, incident: Incident | None) -> None:
        """Remember an incident, if there is one."""
        if incident is not None:
            self.raise_(incident)

    def resolve(self, name: str, codes: Iterable[str]) -> None:
        """End the incidents of a source that are over."""
        self.n_resolved += self.ledger.sources.resolve(name, set(codes), self.began_utc)
