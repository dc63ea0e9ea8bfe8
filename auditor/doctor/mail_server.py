"""How mail leaves this host: the local sendmail, or a mail server that is tried out."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from auditor.deliver.smtp import MailSetupError, SmtpServer, probe
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.service_unit import forbids_new_privileges, needs_new_privileges, unit_text
from auditor.domain.mail import Attempt, Outcome

SENDMAIL = Topic(Group.MAIL, "mail_sendmail", "sendmail")
SANDBOX = Topic(Group.MAIL, "mail_sandbox", "sandbox")
SERVER = Topic(Group.MAIL, "mail_server", "mail server")
CREDENTIAL = Topic(Group.MAIL, "mail_credential", "password file")
STARTTLS = Topic(Group.MAIL, "mail_starttls", "STARTTLS")
CERTIFICATE = Topic(Group.MAIL, "mail_certificate", "certificate")
LOGIN = Topic(Group.MAIL, "mail_login", "login")

# RFC 4954, section 6: the replies to AUTH.
_LOGIN_REFUSED = re.compile(r"\blogin\b|: (?:432|454|500|530|534|535|538) ")
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


def server_checks(server: SmtpServer, sender: str) -> Iterator[Check]:
    """Connect, encrypt and log in as for a mail, and say how far it went."""
    try:
        attempt = probe(server, sender)
    except MailSetupError as error:
        yield CERTIFICATE.fault(str(error), error.hint or "See [mail.smtp] ca_file.")
        return
    yield server_check(server, attempt)


def server_check(server: SmtpServer, attempt: Attempt) -> Check:
    """Tell from what the probe said which step failed."""
    where = f"{server.host}:{server.port}"
    if attempt.outcome == Outcome.ACCEPTED:
        steps = {"none": "in the open", "starttls": "STARTTLS", "tls": "TLS"}[server.security]
        login = "" if server.login is None else ", login accepted"
        return SERVER.ok(f"{where}, {steps}{login}")
    reply = attempt.reply
    starttls = " -starttls smtp" if server.security == "starttls" else ""
    openssl = _OPENSSL.format(host=server.host, port=server.port, starttls=starttls)
    if "certificate" in reply:
        return CERTIFICATE.fault(reply, openssl)
    if "STARTTLS" in reply:
        return STARTTLS.fault(reply, f"{openssl}; or [mail.smtp] security")
    if _LOGIN_REFUSED.search(reply):
        return LOGIN.fault(reply, "See [mail.smtp] username and password_file.")
    return SERVER.fault(reply, f"`nc -vz {server.host} {server.port}`; see [mail.smtp].")
