"""What mail servers do to mail, and that each mail arrives once all the same."""

import base64
import json
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from auditor.cli.app import main
from auditor.domain.mail import Mail, MailState
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.ledger import Ledger
from auditor.settings.load import load_settings
from auditor.wiring.sending import send_due
from tests.fakes.certificates import make_certificate
from tests.fakes.scripted_smtp import DROP, STALL, Script, scripted_server

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE = [f"{name}@example.org" for name in ("alice", "bob", "carol", "dave")]
CANARY = "canary-7f3"
TOKEN = base64.b64encode(f"\0auditor\0{CANARY}".encode()).decode()
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
security = "{security}"
{more}
timeout_s = {timeout_s}
"""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificates"), "IP:127.0.0.1")


@pytest.fixture(scope="module")
def other_certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificates"), "DNS:other.example.org")


def mail(recipient):
    content = f"To: {recipient}\r\n\r\nx\r\n".encode()
    return Mail(f"<{recipient}>", recipient, "user", recipient, "2026-W47", 1, content, NOW)


class Site:
    """A ledger with four mails, and rounds of sending them."""

    def __init__(self, folder):
        self.folder = folder
        self.security, self.more = "none", ""
        record = WeekRecord("2026-W47", WeekState.CLOSED, 1, 1, NOW, NOW, is_mailed=True)
        with Ledger.open(folder / "ledger", create=True) as ledger:
            ledger.weeks.publish(record, [mail(recipient) for recipient in PEOPLE])

    def configure(self, port, timeout_s=20):
        text = CONFIGURATION.format(
            port=port, security=self.security, more=self.more, timeout_s=timeout_s
        )
        (self.folder / "auditor.toml").write_text(text)
        return load_settings(self.folder / "auditor.toml").settings

    def encrypt(self, certificate, security="starttls"):
        self.security, self.more = security, f'ca_file = "{certificate.certificate}"'

    def send(self, script, now_utc=NOW, timeout_s=20):
        with scripted_server(script) as server:
            settings = self.configure(server.port, timeout_s)
            receipt = send_due(settings, now_utc=lambda: now_utc)
        return receipt, Counter(recipient for recipient, _ in server.received)

    def states(self):
        with Ledger.open(self.folder / "ledger", create=False) as ledger:
            return {queued.mail.recipient: queued.state for queued in ledger.outbox.list()}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


REFUSED_HALF = dict.fromkeys(PEOPLE[::2], "550 5.1.1 no such user")
# What the server does, how many mails it is given before the trouble ends, who is refused for ever,
# and whether the round ended early.
TROUBLES = [
    pytest.param(Script({"greeting": DROP}), 0, (), True, id="gone-at-once"),
    pytest.param(Script({"greeting": "421 4.3.2 busy"}), 0, (), True, id="greeted-421"),
    pytest.param(Script({"greeting": "554 5.7.1 go away"}), 0, (), True, id="greeted-554"),
    pytest.param(Script({"MAIL": "550 5.7.1 who are you"}), 0, (), True, id="sender-refused"),
    pytest.param(Script({"MAIL": "452 4.3.1 disk full"}), 0, (), True, id="no-room"),
    pytest.param(Script({"RCPT": "450 4.2.0 greylisted"}), 0, (), False, id="greylisted"),
    pytest.param(Script({"RCPT": "421 4.7.0 slow down"}), 0, (), False, id="421-at-rcpt"),
    pytest.param(Script(to=REFUSED_HALF), 2, PEOPLE[::2], False, id="half-refused"),
    pytest.param(Script({"RCPT": "550 5.1.1 no"}), 0, PEOPLE, False, id="all-refused"),
    pytest.param(Script({"DATA": "554 5.7.1 spam"}), 0, PEOPLE, False, id="refused-at-data"),
    pytest.param(Script({".": "451 4.3.0 later"}), 4, (), False, id="451-after-mail"),
    pytest.param(Script({"DATA": (DROP, "354 go")}), 3, (), False, id="drop-before-mail"),
    pytest.param(Script({".": (DROP, "250 ok")}), 4, (), False, id="drop-after-mail"),
    pytest.param(Script({"RCPT": (STALL, "250 ok")}), 3, (), False, id="stall"),
    pytest.param(Script(n_mails_per_connection=1), 4, (), False, id="one-per-connection"),
]


@pytest.mark.parametrize(("script", "n_given", "refused", "is_trouble"), TROUBLES)
def test_after_the_trouble_every_mail_has_arrived(site, script, n_given, refused, is_trouble):
    timeout_s = 1 if STALL in str(script.replies) else 20
    receipt, before = site.send(script, timeout_s=timeout_s)
    assert before.total() == n_given
    assert (receipt.trouble is not None) is is_trouble
    assert receipt.n_parked == len(refused)
    n_heard = receipt.n_sent
    _, after = site.send(Script(), NOW + timedelta(hours=1))
    assert site.states() == {
        one: MailState.PARKED if one in refused else MailState.SENT for one in PEOPLE
    }
    # None twice but those whose acceptance was not heard.
    assert after.total() == len(PEOPLE) - len(refused) - n_heard
    _, again = site.send(Script(), NOW + timedelta(days=30))
    assert again.total() == 0


@pytest.mark.parametrize("case", ["stripped", "unknown-authority", "other-name", "plain-for-tls"])
def test_without_proven_encryption_nothing_is_sent(site, certificate, other_certificate, case):
    shown = {"stripped": None, "plain-for-tls": None, "other-name": other_certificate}
    trusted = {"other-name": other_certificate}.get(case, certificate)
    offered = shown.get(case, other_certificate)
    site.encrypt(trusted, "tls" if case == "plain-for-tls" else "starttls")
    receipt, received = site.send(Script(certificate=offered), timeout_s=5)
    assert receipt.trouble is not None
    assert received.total() == 0
    assert set(site.states().values()) == {MailState.QUEUED}
    site.encrypt(certificate)
    receipt, received = site.send(Script(certificate=certificate))
    assert (receipt.n_sent, received.total()) == (4, 4)


def test_a_server_that_is_down_costs_no_attempt(site):
    with scripted_server(Script()) as server:
        port = server.port
    receipt = send_due(site.configure(port), now_utc=lambda: NOW)
    assert "refused" in receipt.trouble
    assert receipt.n_waiting == 4


def test_a_password_is_shown_nowhere(site, certificate, monkeypatch, capfd):
    secret = site.folder / "smtp"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    site.encrypt(certificate)
    site.more += f'\nusername = "auditor"\npassword_file = "{secret}"'
    monkeypatch.setenv("AUDITOR_NOW", "2026-11-23T09:00:00Z")
    scripts = [
        Script({"AUTH": f"535 {CANARY} {TOKEN} is wrong"}, login=TOKEN, certificate=certificate),
        Script({"RCPT": f"450 {CANARY} {TOKEN}"}, login=TOKEN, certificate=certificate),
        Script({"greeting": f"554 {CANARY}"}, certificate=certificate),
    ]
    said = ""
    for script in scripts:
        with scripted_server(script) as server:
            site.configure(server.port)
            words = ["auditor", "--config", str(site.folder / "auditor.toml"), "send", "--json"]
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit):
                main()
        printed = capfd.readouterr()
        json.loads(printed.out)
        said += printed.out + printed.err
    assert "***" in said
    kept = b"".join(path.read_bytes() for path in site.folder.glob("ledger/desk*"))
    for word in (CANARY, TOKEN):
        assert word not in said
        assert word.encode() not in kept
