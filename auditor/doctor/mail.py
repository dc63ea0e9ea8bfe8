"""Mail as a whole: how it leaves, who gets it, what became of it."""

import os
from collections.abc import Iterator
from pathlib import Path

from auditor.deliver.credential import CredentialError
from auditor.doctor import mail_server
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.inquiry import Inquiry
from auditor.doctor.ledger_facts import LedgerFacts
from auditor.doctor.mail_outbox import outbox_checks
from auditor.doctor.mail_people import people_checks
from auditor.doctor.service_unit import given_credential, unit_text
from auditor.settings.mail import MailSection
from auditor.wiring.sending import smtp_server

SENDER = Topic(Group.MAIL, "mail_sender", "sender")
_CREDENTIAL_HINT = "`chmod 0600` the file, and give it to the user of auditor."
_N_ASKED, _N_ASKED_QUICKLY = 25, 2


def mail_checks(mail: MailSection, facts: LedgerFacts | None, inquiry: Inquiry) -> Iterator[Check]:
    """Try the way of mail; the outbox and the users only where the ledger could be read."""
    if mail.sender is None:
        yield SENDER.ok("none: nothing is mailed")
    else:
        yield SENDER.ok(mail.sender)
        yield from transport_checks(mail, inquiry)
        users = frozenset[str]() if facts is None else facts.users
        n_most = _N_ASKED_QUICKLY if inquiry.is_quick else _N_ASKED
        yield from people_checks(mail, users, n_most)
    if facts is not None:
        yield from outbox_checks(facts.parked, facts.waiting, inquiry.now_utc())


def transport_checks(mail: MailSection, inquiry: Inquiry) -> Iterator[Check]:
    """Try the transport that the settings name, without sending anything."""
    if mail.transport == "sendmail":
        yield from mail_server.sendmail_checks(mail.sendmail, inquiry.environment)
        return
    yield from smtp_checks(mail, inquiry)


def smtp_checks(mail: MailSection, inquiry: Inquiry) -> Iterator[Check]:
    """Read the password as the service would, then try the server.

    Where only systemd may read the password, the server is tried without the login.
    """
    section = mail.smtp
    unit = unit_text(inquiry.environment) or ""
    given = None
    if section.password_file is not None and not is_seen(section.password_file):
        given = given_credential(unit, section.password_file.name)
    if given is not None and not may_read(given):
        text = f"systemd reads {given}; this user may not: the login is not tried"
        yield mail_server.CREDENTIAL.warning(text, "`sudo auditor doctor`")
        section = section.model_copy(update={"username": None, "password_file": None})
    elif given is not None:
        section = section.model_copy(update={"password_file": given})
    try:
        server = smtp_server(section)
    except CredentialError as error:
        yield mail_server.CREDENTIAL.fault(str(error), error.hint or _CREDENTIAL_HINT)
        return
    if section.password_file is not None:
        yield mail_server.CREDENTIAL.ok(str(section.password_file))
    yield from mail_server.server_checks(server, mail.sender or "", inquiry.now_utc())


def is_seen(path: Path) -> bool:
    """Tell whether a file is there, as far as we may look."""
    try:
        return path.exists()
    except PermissionError:
        return False


def may_read(path: Path) -> bool:
    """Tell whether we may read a file; False if we may not even see whether it is there."""
    try:
        return os.access(path, os.R_OK, effective_ids=True) or not path.exists()
    except PermissionError:
        return False
