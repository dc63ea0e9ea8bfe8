"""A mail server by SMTP (RFC 5321): one connection for many mails, every reply classified."""

import re
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from auditor.deliver.reply import reply_text
from auditor.deliver.smtp_connection import (
    MailSetupError,
    SmtpConnection,
    SmtpServer,
    Step,
    TroubleError,
    reason_of,
    tls_context,
)
from auditor.domain.address import plain_address
from auditor.domain.mail import Attempt, Outcome

_OK, _NO_MORE_OK, _GO_AHEAD = 200, 300, 354
_CLOSING, _TOO_LARGE, _NOT_NOW, _PERMANENT, _NO_REPLY = 421, 552, 400, 500, 600
# A server may work on a whole mail before it answers; giving up early would send it twice.
# RFC 5321 section 4.5.3.2.6 asks for patience here.
_N_TIMEOUTS_AFTER_MAIL = 10
# However slowly the bytes trickle in: all of one hand-over.
_N_TIMEOUTS_IN_ALL = 20
# As many mails in a row that lost their connection are the server's trouble.
_N_DROPS = 3


@dataclass(frozen=True)
class Probe:
    """What a probe found: the step that failed, None if none did; the end of the certificate."""

    attempt: Attempt
    failed_at: Step | None = None
    certificate_end_utc: datetime | None = None


class SmtpTransport:
    """Hands mails to one server, over one connection that is made anew when it is lost.

    Raises
    ------
    MailSetupError
        The certificate authorities cannot be read, or a login would go over an open line.
    AddressError
        The sender is not one plain address.
    """

    def __init__(self, server: SmtpServer, sender: str) -> None:
        if server.login is not None and server.security == "none":
            msg = "a password is not sent without starttls or tls"
            raise MailSetupError(msg)
        self._server = server
        self._sender = plain_address(sender)
        self._context = tls_context(server)
        self._connection: SmtpConnection | None = None
        self._failed_at: Step | None = None
        self._n_handed = 0
        self._n_drops = 0

    @property
    def longest_s(self) -> float:
        """How long one call of `hand_over` may take at most."""
        return self._server.timeout_s * _N_TIMEOUTS_IN_ALL

    def ready(self) -> Attempt | None:
        """Connect, or see that the connection still stands; return the trouble, None if none."""
        with self._in_time():
            return self._ready()

    def probe(self) -> Probe:
        """Go as far as for a mail, and leave again without sending one."""
        trouble = self.ready()
        if trouble is not None:
            return Probe(trouble, self._failed_at)
        found = self._connection
        end_utc = None if found is None else found.certificate_end_utc()
        self.close()
        where = f"{self._server.host}:{self._server.port}"
        return Probe(Attempt(Outcome.ACCEPTED, f"{where} is ready"), None, end_utc)

    def hand_over(self, content: bytes, recipient: str) -> Attempt:
        """Give one mail to the server for one recipient; both are ASCII."""
        with self._in_time():
            trouble = None if self._connection is not None else self._connect()
            if trouble is not None:
                return trouble
            try:
                attempt = self._transaction(content, recipient)
            except OSError as error:  # smtplib's own are among them
                self._drop()
                self._n_drops += 1
                reply = self._clean(f"the connection was lost: {reason_of(error)}")
                return Attempt(Outcome.LATER, reply, is_server=self._n_drops >= _N_DROPS)
            self._n_handed += 1
            self._n_drops = 0
            return attempt

    def close(self) -> None:
        """Say good-bye."""
        if self._connection is not None:
            with self._in_time(), suppress(OSError):
                self._connection.dialogue.quit()
        self._drop()

    def _transaction(self, content: bytes, recipient: str) -> Attempt:
        connection, refusal = self._begin(len(content))
        if refusal is not None:
            return refusal
        dialogue = connection.dialogue
        code, reply = dialogue.rcpt(recipient)
        if not _OK <= code < _NO_MORE_OK:
            return self._unwilling("RCPT", code, reply)
        code, reply = dialogue.docmd("DATA")
        if code != _GO_AHEAD:
            return self._unwilling("DATA", code, reply)
        dialogue.send(re.sub(rb"(?m)^\.", b"..", content).removesuffix(b"\r\n") + b"\r\n.\r\n")
        connection.wait_at_most(_N_TIMEOUTS_AFTER_MAIL * self._server.timeout_s)
        code, reply = dialogue.getreply()
        connection.wait_at_most(self._server.timeout_s)
        # Only here has the server taken the mail, whatever it was glad about before.
        if _OK <= code < _NO_MORE_OK:
            return Attempt(Outcome.ACCEPTED, self._said(code, reply))
        return self._unwilling("the mail", code, reply)

    def _begin(self, n_bytes: int) -> tuple[SmtpConnection, Attempt | None]:
        """Start a transaction; a server that closes after so many mails is called once more."""
        connection, code, reply = self._mail_from(n_bytes)
        if code == _CLOSING and self._n_handed > 0:
            self._drop()
            trouble = self._connect()
            if trouble is not None:
                return connection, trouble
            connection, code, reply = self._mail_from(n_bytes)
        if _OK <= code < _NO_MORE_OK:
            return connection, None
        refusal = self._unwilling("MAIL", code, reply)
        if code == _TOO_LARGE:
            return connection, refusal
        said = f"the sender was not taken: {refusal.reply}"
        return connection, Attempt(Outcome.LATER, said, is_server=True)

    def _mail_from(self, n_bytes: int) -> tuple[SmtpConnection, int, bytes]:
        connection = self._connection
        if connection is None:
            raise smtplib.SMTPServerDisconnected
        dialogue = connection.dialogue
        options = [f"size={n_bytes}"] if dialogue.has_extn("size") else []
        return connection, *dialogue.mail(self._sender, options)

    def _unwilling(self, what: str, code: int, reply: bytes) -> Attempt:
        """Judge an answer that is not the one to go on with.

        Raises
        ------
        smtplib.SMTPServerDisconnected
            It is neither a 4xx nor a 5xx: the two sides are no longer talking of the same thing.
        """
        if not _NOT_NOW <= code < _NO_REPLY:
            msg = f"an answer to {what} that is out of step: {self._said(code, reply)}"
            raise smtplib.SMTPServerDisconnected(msg)
        if code == _CLOSING:
            self._drop()
        outcome = Outcome.REFUSED if code >= _PERMANENT else Outcome.LATER
        return Attempt(outcome, self._said(code, reply))

    def _ready(self) -> Attempt | None:
        if self._connection is not None:
            try:
                code = self._connection.dialogue.rset()[0]
            except OSError:
                code = -1
            if _OK <= code < _NO_MORE_OK:
                return None
            self._drop()
        return self._connect()

    def _connect(self) -> Attempt | None:
        self._connection = SmtpConnection(self._server, self._sender, self._context)
        try:
            self._connection.open()
        except TroubleError as error:
            self._drop()
            self._failed_at = error.step
            where = f"{self._server.host}:{self._server.port}"
            return Attempt(Outcome.LATER, self._clean(f"{where}: {error}"), is_server=True)
        self._failed_at = None
        self._n_handed = 0
        return None

    def _said(self, code: int, reply: bytes) -> str:
        return self._clean(f"{code} {reply_text(reply)}" if code >= 0 else reply_text(reply))

    def _clean(self, text: str) -> str:
        login = self._server.login
        return text if login is None else login.hidden_in(text)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cut the connection when all of it takes too long: a reply may come byte by byte."""
        timer = threading.Timer(self.longest_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        line = None if self._connection is None else self._connection.socket
        if line is not None:
            with suppress(OSError):
                # Below TLS, whose own way to close would wait for the other thread.
                socket.socket.shutdown(line, socket.SHUT_RDWR)


def probe(server: SmtpServer, sender: str) -> Probe:
    """Connect, encrypt and log in as for a mail, and leave again without sending one."""
    return SmtpTransport(server, sender).probe()
