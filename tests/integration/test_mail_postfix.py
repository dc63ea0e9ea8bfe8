"""Mails through a real Postfix, by SMTP with STARTTLS and by its sendmail, as the command does."""

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from auditor.deliver.message import Envelope, build_message, message_id
from auditor.domain.mail import Attachment, Mail, Picture, RenderedMail
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.ledger import Ledger
from tests.fakes.certificates import make_certificate
from tests.fakes.postfix import postfix

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE = ["alice", "bob", "carol", "grey"]
CONFIGURATION = """
[ledger]
path = "ledger"
[mail]
sender = "carbon@example.org"
operators = ["hpc-team@example.org"]
transport = "{transport}"
sendmail = "{server.sendmail}"
[mail.smtp]
host = "127.0.0.1"
port = {server.port}
security = "starttls"
ca_file = "{certificate.certificate}"
timeout_s = 20
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificates"), "IP:127.0.0.1")


@pytest.fixture(scope="module")
def server(certificate):
    with postfix(certificate) as running:
        yield running


def mail(user: str, revision: int) -> Mail:
    recipient = f"{user}@example.org"
    name = message_id(["user", user, "2026-W47", str(revision)], "example.org")
    envelope = Envelope(name, "carbon@example.org", "Carbon", recipient, NOW, "weekly.example.org")
    text = "12.4 kg CO₂e\n.\n..\nFrom here on\n" + "x" * 3000 + "\n"
    page = Attachment("page.html", "text/html", b"<p>page</p>\n" * 5000)
    picture = Picture("days", b"\x89PNG" * 500)
    html = f'<p>{text}</p><img src="cid:days">'
    content = build_message(RenderedMail("12.4 kg", text, html, (picture,), (page,)), envelope)
    return Mail(name, recipient, "user", user, "2026-W47", revision, content, NOW)


def queue(ledger_folder, mails):
    record = WeekRecord("2026-W47", WeekState.CLOSED, 1, 1, NOW, NOW, is_mailed=True)
    with Ledger.open(ledger_folder, create=True) as ledger:
        ledger.weeks.publish(record, mails)


def send(folder):
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "--config", folder / "auditor.toml", "send", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"AUDITOR_NOW": "2026-11-23T09:00:00Z"},
    )
    return done, json.loads(done.stdout)


def arrived(content: bytes) -> tuple[bytes, bytes]:
    """Split a delivered mail into what the server put before it, and the mail."""
    start = content.index(b"From: Carbon")
    return content[:start], content[start:]


def test_smtp_with_starttls(tmp_path, server, certificate):
    settings = CONFIGURATION.format(transport="smtp", server=server, certificate=certificate)
    (tmp_path / "auditor.toml").write_text(settings)
    mails = [mail(user, 1) for user in PEOPLE]
    queue(tmp_path / "ledger", mails)
    done, told = send(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (told["n_sent"], told["n_later"], told["n_parked"]) == (2, 1, 1)
    for user, sent in zip(PEOPLE[:2], mails, strict=False):
        trace, content = arrived(server.delivered(user, 1)[0])
        assert content == sent.content.replace(b"\r\n", b"\n")
        assert b"Return-Path: <carbon@example.org>" in trace
        assert b"with ESMTPS" in trace
    replies = {row["recipient"]: (row["state"], row["last_reply"]) for row in told["mails"]}
    assert replies["carol@example.org"][0] == "parked"
    assert "550 5.1.1" in replies["carol@example.org"][1]
    assert replies["grey@example.org"] == (
        "queued",
        "450 4.2.0 <grey@example.org>: Recipient address rejected: come again",
    )


def test_the_local_sendmail(tmp_path, server, certificate):
    settings = CONFIGURATION.format(transport="sendmail", server=server, certificate=certificate)
    (tmp_path / "auditor.toml").write_text(settings)
    sent = mail("bob", 2)
    queue(tmp_path / "ledger", [sent])
    done, told = send(tmp_path)
    assert done.returncode == 0, done.stderr
    assert told["n_sent"] == 1
    contents = [arrived(content) for content in server.delivered("bob", 2)]
    trace, _ = next(one for one in contents if one[1] == sent.content.replace(b"\r\n", b"\n"))
    assert b"Return-Path: <carbon@example.org>" in trace
