"""The ledger's checks in their order: each only where those before it left something to try."""

import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from auditor.doctor import duty, ledger, ledger_folder
from auditor.doctor.check import Check, Status
from auditor.doctor.desk_file import desk_facts, is_locked, lock_facts
from auditor.doctor.file_systems import folder_facts, user_name
from auditor.doctor.inquiry import Inquiry
from auditor.doctor.ledger_facts import LedgerFacts, ledger_facts, newest_instant
from auditor.doctor.ledger_folder import FOLDER
from auditor.errors import LedgerError
from auditor.settings.models import Settings

_PATIENCE_S = 3.0
_SERVICE_USER = "auditor"


@dataclass(frozen=True)
class LedgerVisit:
    """What was found of the ledger; `facts` is None where it could not be opened."""

    checks: tuple[Check, ...]
    facts: LedgerFacts | None = None


def visit_ledger(settings: Settings, inquiry: Inquiry) -> LedgerVisit:
    """Look at the ledger from outside to inside."""
    outside = list(_outside(settings, inquiry))
    if any(_keeps_out(check) for check in outside):
        return LedgerVisit(tuple(outside))
    now_utc = inquiry.now_utc()
    try:
        facts = ledger_facts(settings, now_utc, is_whole=not inquiry.is_quick)
    except LedgerError as error:
        fault = ledger.INTEGRITY.fault(str(error), error.hint or "`auditor check`")
        return LedgerVisit((*outside, fault))
    return LedgerVisit((*outside, *inside_checks(settings, facts, inquiry)), facts)


def _keeps_out(check: Check) -> bool:
    """Tell whether the ledger cannot be opened as it is, or would be changed by it."""
    fatal = {topic.code for topic in (FOLDER, ledger.BOOKS, ledger.SCHEMA, ledger.INTEGRITY)}
    return check.code in fatal and check.status != Status.OK


def _outside(settings: Settings, inquiry: Inquiry) -> Iterator[Check]:
    folder = settings.ledger.path
    caller = ledger_folder.Caller(os.geteuid(), user_name(os.geteuid()) or str(os.geteuid()))
    if not folder.is_dir():
        user = caller.name if caller.uid else _service_user()
        hint = f"`install -d -m 0700 -o {user} {folder}`"
        yield FOLDER.fault(f"there is no folder {folder}", hint)
        return
    if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        yield ledger_folder.shut_check(folder, caller)
        return
    found = folder_facts(folder, ("book", "book/_delta_log"))
    yield from ledger_folder.folder_checks(found, caller)
    if settings.week.pages is not None:
        yield ledger_folder.pages_check(settings.week.pages, caller)
    books = ledger.books_check(folder)
    yield books
    if books.status != Status.OK:
        return
    yield ledger.schema_check(desk_facts(folder.absolute() / "desk.sqlite"))
    yield ledger.lock_check(lock_facts(folder / "lock", 0.0 if inquiry.is_quick else _PATIENCE_S))


def _service_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return _SERVICE_USER if _SERVICE_USER in names else "root"


def inside_checks(settings: Settings, facts: LedgerFacts, inquiry: Inquiry) -> Iterator[Check]:
    """Judge what the open ledger said."""
    now_utc = inquiry.now_utc()
    yield from ledger.integrity_checks(facts.findings, facts.version, is_quick=inquiry.is_quick)
    yield duty.clock_check(newest_instant(facts), now_utc)
    rhythm = duty.Rhythm(
        timedelta(minutes=settings.daemon.collect_every_minutes),
        has_daemon=is_locked(settings.ledger.path / "daemon.lock"),
    )
    for cluster, state in facts.states.items():
        yield duty.collected_check(cluster, state, rhythm, now_utc)
    yield from duty.incident_checks(facts.incidents)
    yield duty.weeks_check(facts.overdue, len(facts.records), facts.duty_began_utc)
