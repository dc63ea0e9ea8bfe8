"""The ledger itself: readable, of this program's schema, whole, and free to be written."""

from collections.abc import Iterator
from pathlib import Path

from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.desk_file import DeskFacts, LockFacts
from auditor.ledger.interface import Finding
from auditor.ledger.migrations import MIGRATIONS

BOOKS = Topic(Group.LEDGER, "ledger_books", "book and desk")
SCHEMA = Topic(Group.LEDGER, "ledger_schema", "schema")
LOCK = Topic(Group.LEDGER, "ledger_lock", "writer's lock")
INTEGRITY = Topic(Group.LEDGER, "ledger_integrity", "integrity")

_STOPPED_STATES = {"T": "is stopped", "t": "is traced", "D": "waits for a disk"}
_LONGEST_COMMAND = 60
_RESTORE = "`auditor check` says what is wrong; restore the folder from its backup."


def books_check(folder: Path) -> Check:
    """Tell whether there is a ledger at all, or half of one."""
    there = [name for name in ("book", "desk.sqlite") if (folder / name).exists()]
    if not there:
        return BOOKS.warning("there is no ledger yet", "`auditor collect` or `auditor ingest FILE`")
    if len(there) == 1:
        return BOOKS.fault(f"there is only {there[0]}: half of the ledger is gone", _RESTORE)
    return BOOKS.ok("both there")


def schema_check(desk: DeskFacts) -> Check:
    """Compare the desk's schema with what this program knows."""
    known = len(MIGRATIONS)
    if desk.schema is None:
        return INTEGRITY.fault(f"the desk cannot be read: {desk.trouble}", _RESTORE)
    if desk.schema > known:
        text = f"{desk.schema}, and this program knows up to {known}: a newer one wrote it"
        return SCHEMA.fault(text, "Install the version of auditor that wrote it, or a newer one.")
    if desk.schema < known:
        text = f"{desk.schema}, this program writes {known}: it is brought up to date when opened"
        return SCHEMA.warning(text, "`auditor collect`, after a backup of the folder")
    if not desk.has_log:
        text = "its desk has no write-ahead log, as a restored copy: it gets one when opened"
        return SCHEMA.warning(text, "`auditor check`, which opens it")
    return SCHEMA.ok(str(known))


def lock_check(lock: LockFacts) -> Check:
    """Judge a lock that was held as long as the doctor waited."""
    if not lock.is_held:
        return LOCK.ok("free")
    holder = "another process" if lock.pid is None else f"process {lock.pid}"
    command = f" ({lock.command[:_LONGEST_COMMAND]})" if lock.command else ""
    hint = "`auditor check`" if lock.pid is None else f"`ps -o pid,user,stat,etime,args {lock.pid}`"
    if lock.state in _STOPPED_STATES:
        text = f"{holder}{command} holds it and {_STOPPED_STATES[lock.state]}"
        return LOCK.fault(text, hint)
    return LOCK.warning(f"{holder}{command} holds it: a load is under way, or hangs", hint)


def integrity_checks(
    findings: tuple[Finding, ...], version: int, *, is_quick: bool
) -> Iterator[Check]:
    """Put what is wrong with the ledger into checks."""
    for finding in findings:
        yield INTEGRITY.fault(f"{finding.code}: {finding.text} ({finding.n})", _RESTORE)
    if not findings:
        depth = "the desk is sound" if is_quick else "files, rows and sums hold"
        yield INTEGRITY.ok(f"{depth}; book version {version}")
