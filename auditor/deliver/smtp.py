"""A mail server by SMTP (RFC 5321): one connection for many mails, every reply classified."""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auditor.deliver.credential import Login
from auditor.deliver.reply import reply_text
from auditor.domain.mail import Attempt, Outcome
from auditor.errors import AuditorError

Security = Literal["starttls", "tls", "none"]

_OK, _FORWARDED, _READY, _GO_AHEAD, _SIGNED_IN = 250, 251, 220, 354, 235
_CLOSING, _TOO_LARGE, _PERMANENT = 421, 552, 500
# A server may work on a whole mail before it answers; giving up early would send it twice.
# RFC 5321 section 4.5.3.2.6 asks for patience here.
_N_TIMEOUTS_AFTER_MAIL = 10
# However slowly the bytes trickle in: all of one hand-over.
_N_TIMEOUTS_IN_ALL = 20
# As many mails in a row that lost their connection are the server's trouble.
_N_DROPS = 3


class MailSetupError(AuditorError):
    """The connection to the mail server is configured so that it cannot be made."""

    exit_code = 6


@dataclass(frozen=True)
class SmtpServer:
    """Where a mail server is and how it is spoken to.

    With starttls and tls its certificate is verified, for `host`, against `ca_file` or else the
    system's authorities. `timeout_s` is how long it may be silent.
    """

    host: str
    port: int
    security: Security = "starttls"
    login: Login | None = None
    ca_file: Path | None = None
    timeout_s: float = 30.0


class _TroubleError(Exception):
    """The server cannot be used now: the sentence says why."""


class SmtpTransport:
    """Hands mails to one server, over one connection that is made anew when it is lost.

    Raises
    ------
    MailSetupError
        The certificate authorities cannot be read, or a login would go over an open line.
    """

    def __init__(self, server: SmtpServer, sender: str) -> None:
        if server.login is not None and server.security == "none":
            msg = "a password is not sent without starttls or tls"
            raise MailSetupError(msg)
        self._server = server
        self._sender = sender
        self._context = None if server.security == "none" else _tls_context(server.ca_file)
        self._connection: smtplib.SMTP | None = None
        self._socket: socket.socket | None = None
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
                reply = self._clean(f"the connection was lost: {_reason(error)}")
                return Attempt(Outcome.LATER, reply, is_server=self._n_drops >= _N_DROPS)
            self._n_handed += 1
            self._n_drops = 0
            return attempt

    def close(self) -> None:
        """Say good-bye."""
        if self._connection is not None:
            with self._in_time(), suppress(OSError):
                self._connection.quit()
        self._drop()

    def _transaction(self, content: bytes, recipient: str) -> Attempt:
        connection, refusal = self._begin(len(content))
        if refusal is not None:
            return refusal
        code, reply = connection.rcpt(recipient)
        if code not in (_OK, _FORWARDED):
            return self._judged(code, reply)
        code, reply = connection.docmd("DATA")
        if code != _GO_AHEAD:
            return self._judged(code, reply)
        connection.send(re.sub(rb"(?m)^\.", b"..", content).removesuffix(b"\r\n") + b"\r\n.\r\n")
        self._wait_at_most(_N_TIMEOUTS_AFTER_MAIL * self._server.timeout_s)
        code, reply = connection.getreply()
        self._wait_at_most(self._server.timeout_s)
        return self._judged(code, reply)

    def _begin(self, n_bytes: int) -> tuple[smtplib.SMTP, Attempt | None]:
        """Start a transaction; a server that closes after so many mails is called once more."""
        connection, code, reply = self._mail_from(n_bytes)
        if code == _CLOSING and self._n_handed > 0:
            self._drop()
            trouble = self._connect()
            if trouble is not None:
                return connection, trouble
            connection, code, reply = self._mail_from(n_bytes)
        if code == _OK:
            return connection, None
        if code == _TOO_LARGE:
            return connection, self._judged(code, reply)
        said = self._judged(code, reply).reply
        trouble = Attempt(Outcome.LATER, f"the sender was not taken: {said}", is_server=True)
        return connection, trouble

    def _mail_from(self, n_bytes: int) -> tuple[smtplib.SMTP, int, bytes]:
        connection = self._connection
        if connection is None:
            raise smtplib.SMTPServerDisconnected
        options = [f"size={n_bytes}"] if connection.has_extn("size") else []
        return connection, *connection.mail(self._sender, options)

    def _judged(self, code: int, reply: bytes) -> Attempt:
        text = self._clean(f"{code} {reply_text(reply)}")
        if code == _OK:
            return Attempt(Outcome.ACCEPTED, text)
        if code < 0:
            msg = f"an answer that is no SMTP: {reply_text(reply)}"
            raise smtplib.SMTPServerDisconnected(msg)
        if code == _CLOSING:
            self._drop()
        return Attempt(Outcome.REFUSED if code >= _PERMANENT else Outcome.LATER, text)

    def _ready(self) -> Attempt | None:
        if self._connection is not None:
            try:
                is_alive = self._connection.rset()[0] == _OK
            except OSError:
                is_alive = False
            if is_alive:
                return None
            self._drop()
        return self._connect()

    def _connect(self) -> Attempt | None:
        try:
            self._open()
        except (_TroubleError, OSError, UnicodeError) as error:
            self._drop()
            reason = _reason(error) if isinstance(error, OSError) else str(error)
            where = f"{self._server.host}:{self._server.port}"
            return Attempt(Outcome.LATER, self._clean(f"{where}: {reason}"), is_server=True)
        self._n_handed = 0
        return None

    def _open(self) -> None:
        server = self._server
        address = (server.host, server.port)
        self._socket = socket.create_connection(address, server.timeout_s)
        connection = self._connection = smtplib.SMTP(timeout=server.timeout_s)
        if server.security == "tls":
            self._encrypt()
        connection.sock = self._socket
        _expect(_READY, "greeting", *connection.getreply())
        connection.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            self._start_tls(connection)
        if server.login is not None:
            _sign_in(connection, server.login)

    def _start_tls(self, connection: smtplib.SMTP) -> None:
        if not connection.has_extn("starttls"):
            msg = "it does not offer STARTTLS, and nothing is sent without"
            raise _TroubleError(msg)
        _expect(_READY, "STARTTLS", *connection.docmd("STARTTLS"))
        self._encrypt()
        connection.sock = self._socket
        # What came before the encryption may be anybody's: forget it, ask again.
        connection.file = None
        connection.ehlo_resp = connection.helo_resp = None
        connection.esmtp_features = {}
        connection.ehlo_or_helo_if_needed()

    def _encrypt(self) -> None:
        if self._context is not None and self._socket is not None:
            self._socket = self._context.wrap_socket(
                self._socket, server_hostname=self._server.host
            )

    def _wait_at_most(self, timeout_s: float) -> None:
        if self._socket is not None:
            self._socket.settimeout(timeout_s)

    def _clean(self, text: str) -> str:
        login = self._server.login
        return text if login is None else login.hidden_in(text)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._socket is not None:
            self._socket.close()
        self._connection = self._socket = None

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
        line = self._socket
        if line is not None:
            with suppress(OSError):
                # Below TLS, whose own way to close would wait for the other thread.
                socket.socket.shutdown(line, socket.SHUT_RDWR)


def probe(server: SmtpServer, sender: str) -> Attempt:
    """Connect, encrypt and log in as for a mail, and leave again without sending one."""
    transport = SmtpTransport(server, sender)
    trouble = transport.ready()
    transport.close()
    return trouble or Attempt(Outcome.ACCEPTED, f"{server.host}:{server.port} is ready")


def _sign_in(connection: smtplib.SMTP, login: Login) -> None:
    try:
        code, reply = connection.login(login.username, login.password)
    except smtplib.SMTPNotSupportedError as error:
        msg = "it offers no login"
        raise _TroubleError(msg) from error
    _expect(_SIGNED_IN, "login", code, reply)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        msg = f"the certificate authorities in {ca_file} cannot be read: {_reason(error)}"
        raise MailSetupError(msg, hint="See [mail.smtp] ca_file in the configuration.") from error


def _expect(wanted: int, what: str, code: int, reply: bytes) -> None:
    if code != wanted:
        msg = f"{what}: {code} {reply_text(reply)}"
        raise _TroubleError(msg)


def _reason(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said if isinstance(said, bytes) else str(said).encode()
        return f"{error.smtp_code} {reply_text(text)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "it did not answer in time"
    return reply_text((error.strerror or str(error) or type(error).__name__).encode())
