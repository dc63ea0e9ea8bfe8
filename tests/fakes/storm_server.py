"""A real mail server (aiosmtpd) with random faults, in a process of its own.

It prints its port, and writes a line to its journal at each EHLO, RSET and QUIT, at each fault, and
before each word of 250 about a whole mail. Recipients called `refused...` are refused for ever
and those called `grey...` the first time.
"""

import asyncio
import hashlib
import json
import random
import signal
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

STALL_S = 3.0
# A mail takes its time, so that a fast machine is not done before it was killed often enough.
_WORK_S = 0.01
_RATIO_OF = {"drop": 0.03, "stall": 0.015, "busy": 0.02}
_RATIO_AFTER_MAIL = {"drop_unheard": 0.02, "drop_untaken": 0.02, "full": 0.02}


class Storm:
    """Answers of the server."""

    def __init__(self, journal: Path, seed: int) -> None:
        self._journal = journal.open("a", buffering=1)
        self._chance = random.Random(seed)  # noqa: S311  (a seeded course of events)
        self._known: set[str] = set()

    async def handle_EHLO(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        self._write("hello", session)
        return replies

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._write("reset", session)
        return "250 2.0.0 ok"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._write("quit", session)
        return "221 bye"

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("refused"):
            return "550 5.1.1 no such user"
        if address.startswith("grey") and address not in self._known:
            self._known.add(address)
            self._write("grey", session)
            return "450 4.2.0 greylisted"
        match self._fault(_RATIO_OF, session):
            case "drop":
                return self._hang_up(server)
            case "stall":
                await asyncio.sleep(STALL_S)
            case "busy":
                return "451 4.3.0 busy"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(_WORK_S)
        fault = self._fault(_RATIO_AFTER_MAIL, session)
        if fault == "drop_untaken":
            return self._hang_up(server)
        if fault == "full":
            return "452 4.3.1 full"
        content = envelope.original_content
        self._write(
            "accepted",
            session,
            recipient=envelope.rcpt_tos[0],
            n_recipients=len(envelope.rcpt_tos),
            digest=hashlib.sha256(content).hexdigest(),
        )
        return self._hang_up(server) if fault == "drop_unheard" else "250 2.0.0 taken"

    def _fault(self, ratios: dict[str, float], session: Session) -> str | None:
        drawn = self._chance.random()
        for name, ratio in ratios.items():
            drawn -= ratio
            if drawn < 0:
                self._write(name, session)
                return name
        return None

    def _hang_up(self, server: SMTP) -> str:
        server.transport.abort()
        return "421 4.3.2 gone"

    def _write(self, event: str, session: Session, **more: Any) -> None:
        connection = f"{session.peer[0]}:{session.peer[1]}"
        self._journal.write(json.dumps({"event": event, "connection": connection, **more}) + "\n")


async def serve(journal: Path, seed: int) -> None:
    storm = Storm(journal, seed)
    loop = asyncio.get_running_loop()
    is_over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, is_over.set)
    server = await loop.create_server(lambda: SMTP(storm, loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await is_over.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
