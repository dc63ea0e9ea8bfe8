"""Five hundred mails through a faulty mail server, by a sender that is killed a hundred times."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.deliver.message import Envelope, build_message, message_id
from auditor.domain.mail import Mail, MailState, RenderedMail
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.ledger import Ledger

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
STEP = timedelta(minutes=10)
N_MAILS, N_KILLS, SEED = 500, 100, 20261123
N_ROUNDS = 400
# A mail leaves about 300 bytes in the server's journal.
N_JOURNAL_BYTES = 1200
CONFIGURATION = """
[ledger]
path = "ledger"
[mail]
sender = "carbon@example.org"
operators = ["hpc-team@example.org"]
transport = "smtp"
[mail.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
timeout_s = 1
"""
FAULTS = {"grey", "drop", "stall", "busy", "drop_unheard", "drop_untaken", "full"}


def address(number: int) -> str:
    kind = "refused" if number % 25 == 0 else "grey" if number % 10 == 3 else "user"
    return f"{kind}{number}@example.org"


def mail(number: int) -> Mail:
    recipient = address(number)
    name = message_id(["user", recipient, "2026-W47", "1"], "example.org")
    envelope = Envelope(name, "carbon@example.org", "Carbon", recipient, NOW, "w.example.org")
    text = f"{number} kg\n" * (1 + number % 50) + ".\n"
    content = build_message(RenderedMail(f"{number} kg", text, f"<p>{text}</p>"), envelope)
    return Mail(name, recipient, "user", recipient, "2026-W47", 1, content, NOW)


@contextmanager
def program(module: str, *arguments: str):
    """Run a program of the tests for the length of the block."""
    words = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield process
        finally:
            process.stdin.close()
            process.terminate()
            process.wait(30)


@dataclass
class Rig:
    """The sender and the journal of the server."""

    sender: subprocess.Popen
    journal: Path

    def start(self, now_utc: datetime) -> int:
        self.sender.stdin.write(now_utc.isoformat() + "\n")
        return int(self.sender.stdout.readline())

    def end(self) -> int:
        self.sender.stdin.write("end\n")
        return int(self.sender.stdout.readline())

    def run_and_kill(self, now_utc: datetime, chance: random.Random) -> bool:
        """Kill the command after a random part of its work; say if it was killed.

        The part is measured by the journal, so that it is the same on a slow machine.
        """
        n_bytes = self.journal.stat().st_size + chance.randrange(N_JOURNAL_BYTES)
        child = self.start(now_utc)
        deadline = time.monotonic() + 3
        while self.journal.stat().st_size <= n_bytes and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        return self.end() == -signal.SIGKILL


@pytest.fixture
def site(tmp_path):
    with Ledger.open(tmp_path / "ledger", create=True) as ledger:
        record = WeekRecord("2026-W47", WeekState.CLOSED, 1, 1, NOW, NOW, is_mailed=True)
        ledger.weeks.publish(record, [mail(number) for number in range(N_MAILS)])
    return tmp_path


def weather_the_storm(site: Path, journal: Path) -> int:
    """Send all mails under kills, then go on without; return the number of kills."""
    chance = random.Random(SEED)  # noqa: S311  (a seeded course of events)
    journal.touch()
    configuration = site / "auditor.toml"
    with program("tests.fakes.storm_server", str(journal), str(SEED)) as server:
        configuration.write_text(CONFIGURATION.format(port=int(server.stdout.readline())))
        with program("tests.fakes.forked_sender", str(configuration)) as sender:
            rig = Rig(sender, journal)
            n_kills, now_utc = 0, NOW
            for _ in range(N_ROUNDS):
                now_utc += STEP
                if not unfinished(site):
                    break
                if n_kills < N_KILLS:
                    n_kills += rig.run_and_kill(now_utc, chance)
                else:
                    rig.start(now_utc)
                    rig.end()
    return n_kills


def unfinished(site: Path) -> int:
    with Ledger.open(site / "ledger", create=False) as ledger:
        counts = ledger.outbox.counts()
    return counts[MailState.QUEUED] + counts[MailState.SENDING]


def excused(events: list[dict]) -> set[int]:
    """Return the places of acceptances whose word may not have arrived, or not been written down.

    That is where nothing more was heard on the connection.
    """
    last_of = {event["connection"]: place for place, event in enumerate(events)}
    return {place for place in last_of.values() if events[place]["event"] == "accepted"}


def test_no_mail_is_lost_and_repeats_are_those_that_nobody_could_know_of(site):
    journal = site / "journal"
    n_kills = weather_the_storm(site, journal)
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    mails = {address(number): mail(number) for number in range(N_MAILS)}
    with Ledger.open(site / "ledger", create=False) as ledger:
        outbox = {queued.mail.recipient: queued for queued in ledger.outbox.list()}

    assert n_kills == N_KILLS
    assert {event["event"] for event in events} >= FAULTS
    refused = {recipient for recipient in mails if recipient.startswith("refused")}
    assert {r for r, queued in outbox.items() if queued.state is MailState.PARKED} == refused
    assert {r for r, queued in outbox.items() if queued.state is MailState.SENT} == {
        *mails
    } - refused

    accepted = [event for event in events if event["event"] == "accepted"]
    assert {event["n_recipients"] for event in accepted} == {1}
    times = Counter(event["recipient"] for event in accepted)
    assert set(times) == {*mails} - refused
    for event in accepted:
        content = mails[event["recipient"]].content
        assert event["digest"] == hashlib.sha256(content).hexdigest()

    may_repeat = excused(events)
    certain = Counter(
        event["recipient"]
        for place, event in enumerate(events)
        if event["event"] == "accepted" and place not in may_repeat
    )
    assert max(certain.values()) == 1
    n_unheard = sum(event["event"] == "drop_unheard" for event in events)
    assert times.total() - len(times) <= n_kills + n_unheard
