"""How mail leaves this host: the local sendmail, or a mail server that is tried out."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from auditor.deliver.smtp import Probe, probe
from auditor.deliver.smtp_connection import MailSetupError, SmtpServer, Step
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.service_unit import forbids_new_privileges, needs_new_privileges, unit_text
from auditor.domain.mail import Outcome

SENDMAIL = Topic(Group.MAIL, "mail_sendmail", "sendmail")
SANDBOX = Topic(Group.MAIL, "mail_sandbox", "sandbox")
SERVER = Topic(Group.MAIL, "mail_server", "mail server")
CREDENTIAL = Topic(Group.MAIL, "mail_credential", "password file")
STARTTLS = Topic(Group.MAIL, "mail_starttls", "STARTTLS")
CERTIFICATE = Topic(Group.MAIL, "mail_certificate", "certificate")
LOGIN = Topic(Group.MAIL, "mail_login", "login")

_SOON = timedelta(days=14)
_OPENSSL = "`openssl s_client -connect {host}:{port}{starttls} -showcerts </dev/null`"


def sendmail_checks(sendmail: Path, environment: Mapping[str, str]) -> Iterator[Check]:
    """Judge the local sendmail, and whether the service's sandbox lets it work."""
    if not sendmail.is_file() or not os.access(sendmail, os.X_OK):
        text = f"{sendmail} is no program"
        yield SENDMAIL.fault(text, "Install a mail system, or set [mail] transport to smtp.")
        return
    yield SENDMAIL.ok(str(sendmail))
    unit = unit_text(environment)
    if unit is not None:
        is_forbidden = forbids_new_privileges(unit)
        yield sandbox_check(is_forbidden=is_forbidden, is_needed=needs_new_privileges(sendmail))


def sandbox_check(*, is_forbidden: bool, is_needed: bool) -> Check:
    """Judge a sandbox without new privileges: a setgid helper such as postdrop cannot work."""
    if is_forbidden and is_needed:
        text = "auditor.service has no new privileges, and this sendmail's helper needs its group"
        hint = (
            'Set [mail] transport = "smtp" and [mail.smtp] host = "localhost", security = "none".'
        )
        return SANDBOX.fault(text, hint)
    return SANDBOX.ok("of auditor.service lets sendmail work")


def server_checks(server: SmtpServer, sender: str, now_utc: datetime) -> Iterator[Check]:
    """Connect, encrypt and log in as for a mail, and say how far it went."""
    try:
        found = probe(server, sender)
    except MailSetupError as error:
        yield CERTIFICATE.fault(str(error), error.hint or "See [mail.smtp] ca_file.")
        return
    yield server_check(server, found)
    if found.certificate_end_utc is not None:
        yield certificate_check(server, found.certificate_end_utc, now_utc)


def certificate_check(server: SmtpServer, end_utc: datetime, now_utc: datetime) -> Check:
    """Judge how long a certificate that is trusted now will be."""
    text = f"good until {end_utc:%Y-%m-%d}"
    if end_utc - now_utc < _SOON:
        hint = f"Ask who runs {server.host} to renew it: after that all mail waits."
        return CERTIFICATE.warning(f"{text} only", hint)
    return CERTIFICATE.ok(text)


def server_check(server: SmtpServer, found: Probe) -> Check:
    """Put into words which step of the probe failed."""
    where = f"{server.host}:{server.port}"
    if found.attempt.outcome == Outcome.ACCEPTED:
        steps = {"none": "in the open", "starttls": "STARTTLS", "tls": "TLS"}[server.security]
        login = "" if server.login is None else ", login accepted"
        return SERVER.ok(f"{where}, {steps}{login}")
    reply = found.attempt.reply
    starttls = " -starttls smtp" if server.security == "starttls" else ""
    openssl = _OPENSSL.format(host=server.host, port=server.port, starttls=starttls)
    if found.failed_at is Step.CERTIFICATE:
        return CERTIFICATE.fault(reply, openssl)
    if found.failed_at is Step.STARTTLS:
        return STARTTLS.fault(reply, f"{openssl}; or [mail.smtp] security")
    if found.failed_at is Step.LOGIN:
        return LOGIN.fault(reply, "See [mail.smtp] username and password_file.")
    return SERVER.fault(reply, f"`nc -vz {server.host} {server.port}`; see [mail.smtp].")
