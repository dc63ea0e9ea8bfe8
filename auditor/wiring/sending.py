"""The outbox and the mail server, as the settings place them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address

from auditor.deliver.credential import Login, read_password
from auditor.deliver.sendmail import SendmailTransport
from auditor.deliver.smtp import SmtpTransport
from auditor.deliver.smtp_connection import SmtpServer
from auditor.domain.address import plain_address
from auditor.domain.mail import MailState, QueuedMail
from auditor.errors import ConfigError
from auditor.pipeline.sending import SendReceipt, SendTerms, Transport, n_waiting, send_round
from auditor.settings.mail import MailSection, SmtpSection
from auditor.settings.models import Settings
from auditor.wiring.store import open_ledger

# What was sent is never sent again; that it was sent stays known for ever.
_CONTENT_KEPT = timedelta(days=30)
_PORT_OF = {"starttls": 587, "tls": 465, "none": 25}
_MAIL_IS_OFF = "mail is off: [mail] sender is not stated"


def _never() -> bool:
    return False


def send_due(
    settings: Settings,
    *,
    now_utc: Callable[[], datetime],
    dry_run: bool = False,
    should_stop: Callable[[], bool] = _never,
    progress: Callable[[int], None] | None = None,
) -> SendReceipt:
    """Send what is due in the outbox; with `dry_run` only count what waits.

    `progress` is told of each mail, sent or not. Without a sender nothing is sent.

    Raises
    ------
    LedgerError
        There is no ledger, or it cannot be read.
    ConfigError, CredentialError, MailSetupError
        The way to the mail server is not configured soundly; nothing was sent.
    """
    with open_ledger(settings, create=False) as ledger:
        n_left = n_waiting(ledger.outbox)
        if settings.mail.sender is None:
            return SendReceipt(0, 0, 0, n_left, _MAIL_IS_OFF if n_left else None)
        if dry_run or n_left == 0:
            return SendReceipt(0, 0, 0, n_left, None)
        terms = SendTerms(now_utc, should_stop)
        if progress is not None:
            terms = SendTerms(now_utc, should_stop, progress)
        receipt = send_round(ledger.outbox, mail_transport(settings.mail), terms)
        ledger.outbox.forget_contents(now_utc() - _CONTENT_KEPT)
        return receipt


def unsent_mails(settings: Settings) -> tuple[QueuedMail, ...]:
    """Return the mails that were not sent, without their contents, the oldest first."""
    with open_ledger(settings, create=False) as ledger:
        unsent = {MailState.QUEUED, MailState.SENDING, MailState.PARKED}
        return ledger.outbox.list(unsent, with_content=False)


def retry_parked(settings: Settings, now_utc: datetime) -> int:
    """Queue all parked mails again as if they had never been tried; return how many."""
    with open_ledger(settings, create=False) as ledger:
        parked = ledger.outbox.list({MailState.PARKED}, with_content=False)
        return ledger.outbox.retry([one.mail.message_id for one in parked], now_utc)


def mail_transport(mail: MailSection) -> Transport:
    """Return the way that mail goes. Errors as in `send_due`."""
    sender = _sender(mail)
    if mail.transport == "sendmail":
        return SendmailTransport(mail.sendmail, sender)
    return SmtpTransport(smtp_server(mail.smtp), sender)


def smtp_server(section: SmtpSection) -> SmtpServer:
    """Return the server of the settings, with the login read from its file.

    Raises
    ------
    ConfigError
        Mail would go to another host in the open.
    CredentialError
        The file with the password cannot be used.
    """
    if section.security == "none" and not _is_this_host(section.host):
        msg = f"mail is not sent to {section.host} without encryption"
        raise ConfigError(
            msg, hint='Set [mail.smtp] security to "starttls" or "tls", or use the local sendmail.'
        )
    login = None
    if section.username is not None and section.password_file is not None:
        login = Login(section.username, read_password(section.password_file))
    return SmtpServer(
        host=section.host,
        port=section.port or _PORT_OF[section.security],
        security=section.security,
        login=login,
        ca_file=section.ca_file,
        timeout_s=section.timeout_s,
    )


def _sender(mail: MailSection) -> str:
    if mail.sender is None:
        raise ConfigError(_MAIL_IS_OFF, hint="State it to turn mail on.")
    return plain_address(mail.sender)


def _is_this_host(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
