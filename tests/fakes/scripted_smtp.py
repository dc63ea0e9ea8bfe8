"""A mail server that speaks SMTP over a real socket and misbehaves as a script says."""

import re
import socketserver
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fakes.certificates import Certificate

# Instead of a reply: hang up; say nothing more; a byte at a time for ever; 250 after a while.
DROP, STALL, DRIBBLE, PAUSE = "DROP", "STALL", "DRIBBLE", "PAUSE"
PAUSE_S = 0.6
_DRIBBLE_S = 0.05


@dataclass(frozen=True)
class Script:
    """What the server says.

    `replies` by command (`.` is the end of a mail, `greeting` the first line); a tuple is one
    reply per time, the last one from then on. `to` are replies to RCPT by recipient.
    """

    replies: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    to: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    offers: tuple[str, ...] = ("SIZE 1000000",)
    certificate: Certificate | None = None
    is_tls: bool = False
    login: str | None = None
    n_mails_per_connection: int = 1_000_000


_DEFAULTS = {"greeting": "220 mail.test ESMTP", "DATA": "354 go ahead", "QUIT": "221 bye"}


class ScriptedServer(socketserver.ThreadingTCPServer):
    """The server; `received` are the (recipient, content) that it said 250 to, or meant to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.script = script
        self.is_over = threading.Event()
        self.received: list[tuple[str, bytes]] = []
        self.commands: list[str] = []
        self.n_connections = 0
        self._n_said = Counter[str]()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def next_reply(self, key: str, told: str | tuple[str, ...]) -> str:
        if isinstance(told, str):
            return told
        self._n_said[key] += 1
        return told[min(self._n_said[key], len(told)) - 1]

    def handle_error(self, request, client_address) -> None:
        """A client that goes away in the middle is no error here."""


class _HangUpError(Exception):
    """The conversation is over."""


class _Conversation(socketserver.StreamRequestHandler):
    server: ScriptedServer
    timeout = 20

    def handle(self) -> None:
        self.server.n_connections += 1
        self._n_mails = 0
        self._is_encrypted = False
        try:
            if self.server.script.is_tls:
                self._encrypt()
            self._say("greeting")
            while line := self.rfile.readline(4096):
                self._answer(line.decode("latin-1").rstrip("\r\n"))
        except (_HangUpError, OSError, ValueError):
            return

    def _answer(self, line: str) -> None:
        self.server.commands.append(line)
        verb = line.partition(" ")[0].upper()
        script = self.server.script
        if verb == "EHLO" and "EHLO" not in script.replies:
            lines = ("mail.test", *self._offers())
            return self._send("".join(f"250-{one}\r\n" for one in lines) + "250 HELP")
        if verb == "STARTTLS" and "STARTTLS" not in script.replies:
            self._send("220 go ahead")
            return self._encrypt()
        if verb == "AUTH" and "AUTH" not in script.replies:
            sent = line.rpartition(" ")[2]
            return self._send("235 welcome" if sent == script.login else f"535 {sent} is wrong")
        if verb == "MAIL" and self._n_mails >= script.n_mails_per_connection:
            self._send("421 enough for one connection")
            raise _HangUpError
        if verb == "RCPT":
            self._recipient = re.findall("<(.*?)>", line)[0]
            if self._recipient in script.to:
                return self._speak(
                    self.server.next_reply(self._recipient, script.to[self._recipient])
                )
        said = self._say(verb)
        if verb == "DATA" and said.startswith("354"):
            self._take_mail()
        if verb == "QUIT":
            raise _HangUpError
        return None

    def _offers(self) -> tuple[str, ...]:
        script = self.server.script
        is_open = script.certificate is not None and not self._is_encrypted
        login = ("AUTH PLAIN",) if script.login is not None and not is_open else ()
        return (*script.offers, *(("STARTTLS",) if is_open else ()), *login)

    def _take_mail(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _HangUpError
            lines.append(line.removeprefix(b"."))
        self.server.received.append((self._recipient, b"".join(lines)))
        self._n_mails += 1
        self._say(".")

    def _encrypt(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = self.server.script.certificate
        context.load_cert_chain(certificate.certificate, certificate.key)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self._is_encrypted = True

    def finish(self) -> None:
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def _say(self, key: str) -> str:
        told = self.server.script.replies.get(key, _DEFAULTS.get(key, "250 OK"))
        return self._speak(self.server.next_reply(key, told))

    def _speak(self, reply: str) -> str:
        if reply == DROP:
            raise _HangUpError
        if reply == STALL:
            self.server.is_over.wait(20)
            raise _HangUpError
        while reply == DRIBBLE and not self.server.is_over.wait(_DRIBBLE_S):
            self.wfile.write(b"2")
        if reply == PAUSE:
            self.server.is_over.wait(PAUSE_S)
            reply = "250 at last"
        self._send(reply)
        return reply

    def _send(self, reply: str) -> None:
        self.wfile.write(reply.encode() + b"\r\n")


@contextmanager
def scripted_server(script: Script) -> Iterator[ScriptedServer]:
    """Run the server for the length of the block."""
    with ScriptedServer(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()
