import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.deliver.smtp import Probe
from auditor.deliver.smtp_connection import SmtpServer, Step
from auditor.doctor.check import Status
from auditor.doctor.mail import may_read
from auditor.doctor.mail_outbox import outbox_checks
from auditor.doctor.mail_people import Lookup, lookup_checks
from auditor.doctor.mail_server import certificate_check, sandbox_check, server_check
from auditor.doctor.service_unit import (
    forbids_new_privileges,
    given_credential,
    needs_new_privileges,
    unit_text,
)
from auditor.domain.mail import Attempt, Mail, MailState, Outcome, QueuedMail
from tests.doctor.house import NOW

OK, WARNING, FAULT = Status
SERVER = SmtpServer("mail.example.org", 587)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Step.CONNECT, "mail_server"),
        (Step.STARTTLS, "mail_starttls"),
        (Step.CERTIFICATE, "mail_certificate"),
        (Step.LOGIN, "mail_login"),
    ],
)
def test_the_step_that_failed_is_named_whatever_the_words(step: Step, code: str) -> None:
    reply = "login.example.org:587: STARTTLS certificate login: 535 no"
    check = server_check(SERVER, Probe(Attempt(Outcome.LATER, reply, is_server=True), step))
    assert (check.code, check.status, check.found) == (code, FAULT, reply)


def test_a_server_that_is_ready_is_ok() -> None:
    check = server_check(SERVER, Probe(Attempt(Outcome.ACCEPTED, "mail.example.org:587 is ready")))
    assert (check.code, check.status) == ("mail_server", OK)


@pytest.mark.parametrize(("left_d", "expected"), [(60, OK), (14, OK), (13, WARNING), (0, WARNING)])
def test_a_certificate_that_ends_soon_is_said(left_d: int, expected: Status) -> None:
    check = certificate_check(SERVER, NOW + timedelta(days=left_d), NOW)
    assert (check.code, check.status) == ("mail_certificate", expected)


def waiting(age: timedelta, reply: str = "") -> QueuedMail:
    created_utc = NOW - age
    mail = Mail("<1@x>", "alice@example.org", "user", "alice", "2026-W47", 1, b"", created_utc)
    return QueuedMail(mail, MailState.QUEUED, 1, created_utc, NOW, reply)


@pytest.mark.parametrize(
    ("ages_h", "expected"),
    [((), OK), ((1,), OK), ((1, 8), WARNING), ((1, 30, 2), FAULT)],
    ids=["none", "an hour", "eight hours", "more than a day"],
)
def test_the_oldest_mail_that_waits_counts(ages_h, expected) -> None:
    queued = [waiting(age * HOUR, "450 later") for age in ages_h]
    parked, waits = outbox_checks((), queued, NOW)
    assert (parked.status, waits.status) == (OK, expected)


def test_a_mail_that_was_given_up_is_shown_with_its_reply() -> None:
    parked, _ = outbox_checks([waiting(HOUR, "550 no such user")], (), NOW)
    assert parked.status == WARNING
    assert "550 no such user" in parked.found


@pytest.mark.parametrize(
    ("n_known", "missing", "expected"),
    [
        (3, {}, {"mail_addresses": OK}),
        (2, {"bob": "gone"}, {"mail_addresses": OK, "mail_without_address": WARNING}),
        (0, {"bob": "gone"}, {"mail_addresses": FAULT}),
    ],
    ids=["all", "not all", "none"],
)
def test_an_address_book_is_judged_by_its_answers(n_known, missing, expected) -> None:
    checks = lookup_checks(Lookup(n_known, missing))
    assert {check.code: check.status for check in checks} == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("[Service]\nUser=auditor\n", False),
        ("[Service]\nUser=auditor\nNoNewPrivileges=yes\n", True),
        ("[Service]\nNoNewPrivileges=true\n", True),
        ("[Service]\nNoNewPrivileges=yes\n[Service]\nNoNewPrivileges=no\n", False),
        ("[Unit]\nNoNewPrivileges=yes\n", False),
        ("[Service]\n# NoNewPrivileges=yes\n", False),
        ("[Service]\nUser=auditor\nMemoryDenyWriteExecute=yes\n", True),
        ("[Service]\nUser=auditor\nSystemCallFilter=@system-service\n", True),
        ("[Service]\nUser=auditor\nPrivateDevices=no\n", False),
        ("[Service]\nSystemCallFilter=@system-service\n", False),
    ],
)
def test_what_takes_new_privileges_away_is_found(unit: str, expected: bool) -> None:
    assert forbids_new_privileges(unit) == expected


def test_drop_ins_stand_behind_the_unit_and_the_first_folder_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "etc", tmp_path / "usr"
    for folder, value in ((first, "no"), (second, "yes")):
        (folder / "auditor.service.d").mkdir(parents=True)
        (folder / "auditor.service").write_text(f"[Service]\nNoNewPrivileges={value}\n")
    path = {"SYSTEMD_UNIT_PATH": f"{first}:{second}"}
    assert not forbids_new_privileges(unit_text(path) or "")
    (second / "auditor.service.d" / "mail.conf").write_text("[Service]\nNoNewPrivileges=yes\n")
    assert forbids_new_privileges(unit_text(path) or "")
    (first / "auditor.service.d" / "mail.conf").write_text("[Service]\n")
    assert not forbids_new_privileges(unit_text(path) or "")
    assert unit_text({"SYSTEMD_UNIT_PATH": str(tmp_path)}) is None
    (tmp_path / "auditor-once.service").write_text("of the timer")
    assert unit_text({"SYSTEMD_UNIT_PATH": str(tmp_path)}) == "of the timer"


def test_a_sendmail_with_a_helper_of_its_own_group_needs_privileges(tmp_path: Path) -> None:
    sendmail = tmp_path / "sendmail"
    sendmail.touch(0o755)
    assert not needs_new_privileges(sendmail)
    link = tmp_path / "elsewhere"
    link.symlink_to(sendmail)
    (tmp_path / "postdrop").touch()
    (tmp_path / "postdrop").chmod(0o2755)
    assert needs_new_privileges(link)
    assert not needs_new_privileges(tmp_path / "gone" / "sendmail")


@pytest.mark.parametrize(
    ("is_forbidden", "is_needed", "expected"),
    [(True, True, FAULT), (True, False, OK), (False, True, OK)],
)
def test_a_sandbox_is_a_fault_only_where_it_hinders(is_forbidden, is_needed, expected) -> None:
    check = sandbox_check(is_forbidden=is_forbidden, is_needed=is_needed)
    assert check.status == expected


UNIT = """\
[Unit]
LoadCredential=smtp:/wrong/section
[Service]
LoadCredential=smtp:/etc/auditor/credentials/smtp
LoadCredential=inherited
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("smtp", Path("/etc/auditor/credentials/smtp")), ("inherited", None), ("other", None)],
)
def test_the_file_behind_a_credential_is_found(name: str, expected: Path | None) -> None:
    assert given_credential(UNIT, name) == expected


if os.geteuid() == 0:

    def test_a_credential_of_root_is_not_asked_for_as_somebody_else() -> None:
        with tempfile.TemporaryDirectory() as name:
            hidden = Path(name) / "smtp"
            hidden.touch(0o600)
            assert may_read(hidden)
            os.seteuid(65534)
            try:
                assert not may_read(hidden)
            finally:
                os.seteuid(0)
