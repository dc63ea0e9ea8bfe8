"""The way to a mail server: connect, encrypt, log in; what failed is told by its step."""

import smtplib
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import Literal

from auditor.deliver.credential import Login
from auditor.deliver.reply import reply_text
from auditor.domain.address import domain_of, is_domain
from auditor.errors import AuditorError

Security = Literal["starttls", "tls", "none"]

_READY, _SIGNED_IN = 220, 235
# RFC 5321 section 4.5.3.1.5 knows lines of 512 bytes; the longest EHLO has some dozens of them.
_N_MOST_REPLY_BYTES = 65_536


class MailSetupError(AuditorError):
    """The connection to the mail server is configured so that it cannot be made."""

    exit_code = 6


class Step(StrEnum):
    """How far it is to a mail server that takes a mail."""

    CONNECT = "connect"
    STARTTLS = "starttls"
    CERTIFICATE = "certificate"
    LOGIN = "login"


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


class TroubleError(Exception):
    """The server cannot be used now: the sentence says why, `step` what failed."""

    def __init__(self, step: Step, sentence: str) -> None:
        super().__init__(sentence)
        self.step = step


class _Replies(BufferedReader):
    """What the server says, with an end to the bytes of one reply."""

    n_left = _N_MOST_REPLY_BYTES

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return a line as any file does.

        Raises
        ------
        OSError
            The reply has had its share.
        """
        line = super().readline(size)
        self.n_left -= len(line)
        if self.n_left < 0:
            msg = "a reply without an end"
            raise OSError(msg)
        return line


class _Dialogue(smtplib.SMTP):
    """A dialogue whose replies are bounded: `250-` may go on for ever."""

    def getreply(self) -> tuple[int, bytes]:
        """Return one whole reply."""
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock.makefile("rb", buffering=0))
        if self.file is not None:
            self.file.n_left = _N_MOST_REPLY_BYTES
        return super().getreply()


class SmtpConnection:
    """One connection to a server, not open yet: `dialogue` is for the mails once it is."""

    def __init__(self, server: SmtpServer, sender: str, context: ssl.SSLContext | None) -> None:
        self._server = server
        self._context = context
        self.dialogue = _Dialogue(local_hostname=_own_name(sender), timeout=server.timeout_s)
        self.socket: socket.socket | None = None

    def open(self) -> None:
        """Connect, encrypt and log in, as far as the server wants it.

        Raises
        ------
        TroubleError
            It cannot be done now.
        """
        server = self._server
        try:
            self.socket = socket.create_connection((server.host, server.port), server.timeout_s)
            if server.security == "tls":
                self._encrypt(Step.CONNECT)
            self.dialogue.sock = self.socket
            _expect(_READY, Step.CONNECT, "greeting", *self.dialogue.getreply())
            self.dialogue.ehlo_or_helo_if_needed()
        except (OSError, UnicodeError) as error:
            raise TroubleError(Step.CONNECT, reason_of(error)) from error
        if server.security == "starttls":
            self._start_tls()
        if server.login is not None:
            self._sign_in(server.login)

    def close(self) -> None:
        """Let go of the line without a word."""
        self.dialogue.close()
        if self.socket is not None:
            self.socket.close()

    def wait_at_most(self, timeout_s: float) -> None:
        """Bear a silence of so many seconds from now on."""
        if self.socket is not None:
            self.socket.settimeout(timeout_s)

    def certificate_end_utc(self) -> datetime | None:
        """Return the end of the server's certificate; None without encryption."""
        if not isinstance(self.socket, ssl.SSLSocket):
            return None
        shown = self.socket.getpeercert() or {}
        end = shown.get("notAfter")
        if not isinstance(end, str):
            return None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC)

    def _start_tls(self) -> None:
        dialogue = self.dialogue
        if not dialogue.has_extn("starttls"):
            msg = "it does not offer STARTTLS, and nothing is sent without"
            raise TroubleError(Step.STARTTLS, msg)
        try:
            _expect(_READY, Step.STARTTLS, "STARTTLS", *dialogue.docmd("STARTTLS"))
            self._encrypt(Step.STARTTLS)
            dialogue.sock = self.socket
            # What came before the encryption may be anybody's: forget it, ask again.
            dialogue.file = None
            dialogue.ehlo_resp = dialogue.helo_resp = None
            dialogue.esmtp_features = {}
            dialogue.ehlo_or_helo_if_needed()
        except OSError as error:
            raise TroubleError(Step.STARTTLS, f"STARTTLS: {reason_of(error)}") from error

    def _encrypt(self, step: Step) -> None:
        if self._context is None or self.socket is None:
            return
        try:
            self.socket = self._context.wrap_socket(self.socket, server_hostname=self._server.host)
        except ssl.SSLCertVerificationError as error:
            msg = f"its certificate is not trusted: {error.verify_message}"
            raise TroubleError(Step.CERTIFICATE, msg) from error
        except OSError as error:
            raise TroubleError(step, f"encryption failed: {reason_of(error)}") from error

    def _sign_in(self, login: Login) -> None:
        try:
            code, reply = self.dialogue.login(login.username, login.password)
        except smtplib.SMTPNotSupportedError as error:
            msg = "it offers no login"
            raise TroubleError(Step.LOGIN, msg) from error
        except OSError as error:
            raise TroubleError(Step.LOGIN, f"login: {reason_of(error)}") from error
        except ValueError as error:  # a challenge that is no base64, a hash that is switched off
            msg = "login: its challenge cannot be answered"
            raise TroubleError(Step.LOGIN, msg) from error
        _expect(_SIGNED_IN, Step.LOGIN, "login", code, reply)


def tls_context(server: SmtpServer) -> ssl.SSLContext | None:
    """Return how the server's certificate is verified; None where nothing is encrypted.

    Raises
    ------
    MailSetupError
        The certificate authorities cannot be read.
    """
    if server.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        reason = reason_of(error)
        msg = f"the certificate authorities in {server.ca_file} cannot be read: {reason}"
        raise MailSetupError(msg, hint="See [mail.smtp] ca_file in the configuration.") from error


def reason_of(error: OSError | UnicodeError) -> str:
    """Say in a few words why a connection failed."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said if isinstance(said, bytes) else str(said).encode()
        return f"{error.smtp_code} {reply_text(text)}"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "it did not answer in time"
    sentence = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return reply_text(sentence.encode())


def _own_name(sender: str) -> str:
    """Return how we greet: by this host's full name, or else by the domain of our mails.

    Servers mistrust the bare address that is usual otherwise (RFC 5321 section 4.1.4).
    """
    name = socket.getfqdn()
    return name if "." in name and is_domain(name) else domain_of(sender)


def _expect(wanted: int, step: Step, what: str, code: int, reply: bytes) -> None:
    if code != wanted:
        raise TroubleError(step, f"{what}: {code} {reply_text(reply)}")
