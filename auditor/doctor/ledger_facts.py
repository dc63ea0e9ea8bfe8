"""Facts from an open ledger, read once and then judged elsewhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.domain.identity import Identity
from auditor.domain.incident import Incident, SourceState
from auditor.domain.job import PLATFORM
from auditor.domain.mail import MailState, QueuedMail
from auditor.domain.period import Period
from auditor.domain.week import WeekRecord
from auditor.ledger.extent import book_stamp
from auditor.ledger.interface import Finding
from auditor.ledger.ledger import Ledger
from auditor.pipeline.named_runs import Wanted, read_named
from auditor.pipeline.week_calendar import WeekRules, accounting_gaps, unpublished
from auditor.settings.models import Settings
from auditor.wiring.house import identity
from auditor.wiring.publishing import rules

_LOCK_TIMEOUT_S = 1.0
# A daemon looks every few minutes, and pages take their time.
_SLACK = timedelta(hours=2)
_RECENT = timedelta(days=28)


@dataclass(frozen=True)
class LedgerFacts:
    """What the ledger says of itself and of the work that was done.

    `overdue` are the weeks whose pages should be there by now; one that waits for accounting is
    none of them. `users` are those of the runs of the last four weeks who did not opt out of mail.
    """

    version: int
    findings: tuple[Finding, ...]
    states: dict[str, SourceState | None]
    incidents: tuple[Incident, ...]
    records: tuple[WeekRecord, ...]
    duty_began_utc: datetime | None
    overdue: tuple[str, ...]
    users: frozenset[str]
    parked: tuple[QueuedMail, ...]
    waiting: tuple[QueuedMail, ...]


def ledger_facts(settings: Settings, now_utc: datetime, *, is_whole: bool) -> LedgerFacts:
    """Read the ledger of the settings; `is_whole` goes over all its files and rows too.

    Raises
    ------
    LedgerError
        It cannot be read.
    """
    with Ledger.open(settings.ledger.path, create=False, lock_timeout_s=_LOCK_TIMEOUT_S) as ledger:
        findings = ledger.check() if is_whole else ()
        is_readable = not any(finding.code in {"files", "desk"} for finding in findings)
        records = ledger.weeks.records()
        return LedgerFacts(
            version=ledger.version,
            findings=findings,
            states={c.name: ledger.sources.state(c.name) for c in settings.clusters if c.collect},
            incidents=ledger.sources.incidents(unresolved_only=True),
            records=records,
            duty_began_utc=ledger.weeks.duty_began_utc(),
            overdue=_overdue(ledger, rules(settings), now_utc) if is_readable else (),
            users=_users(ledger, identity(settings), now_utc) if is_readable else frozenset(),
            parked=ledger.outbox.list({MailState.PARKED}, with_content=False),
            waiting=ledger.outbox.list({MailState.QUEUED, MailState.SENDING}, with_content=False),
        )


def _overdue(ledger: Ledger, when: WeekRules, now_utc: datetime) -> tuple[str, ...]:
    due = unpublished(ledger, book_stamp(ledger), when, now_utc - _SLACK)
    return tuple(week.label for week in due if not accounting_gaps(ledger, week, when, now_utc))


def _users(ledger: Ledger, who: Identity, now_utc: datetime) -> frozenset[str]:
    """Return who gets mail, by the names in reports; the platform never does."""
    recent = Period(now_utc - _RECENT, now_utc, "UTC", "the last four weeks")
    wanted = Wanted(recent, columns=["cluster", "user", "account"])
    found = read_named(ledger, who, wanted)["user"].dropna().unique()
    chosen = ledger.preferences.all().items()
    silent = {who.user(user) for user, often in chosen if often == "never"}
    return frozenset(map(str, found)) - silent - {PLATFORM}


def newest_instant(facts: LedgerFacts) -> datetime | None:
    """Return the latest moment at which something was written down; None if nothing was."""
    moments = [
        *(state.collected_to_utc for state in facts.states.values() if state is not None),
        *(incident.last_seen_utc for incident in facts.incidents),
        *(record.changed_utc for record in facts.records),
        *(queued.mail.created_utc for queued in (*facts.parked, *facts.waiting)),
        *([] if facts.duty_began_utc is None else [facts.duty_began_utc]),
    ]
    return max(moments, default=None)
