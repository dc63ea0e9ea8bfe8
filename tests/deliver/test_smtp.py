import base64
import socket
import subprocess

import pytest

from auditor.deliver.credential import Login
from auditor.deliver.smtp import SmtpTransport, probe
from auditor.deliver.smtp_connection import MailSetupError, SmtpServer, Step
from auditor.domain.mail import Outcome
from tests.fakes.certificates import make_certificate
from tests.fakes.scripted_smtp import DRIBBLE, DROP, PAUSE, PAUSE_S, STALL, Script, scripted_server

SENDER = "carbon@example.org"
MAIL = b"Subject: x\r\n\r\nfirst\r\n.\r\n..two\r\nlast\r\n"
ACCEPTED, LATER, REFUSED = Outcome.ACCEPTED, Outcome.LATER, Outcome.REFUSED
LOGIN = Login("auditor", "canary-7f3")
TOKEN = base64.b64encode(b"\0auditor\0canary-7f3").decode()


def transport_to(server, **settings):
    terms = {"security": "none", "timeout_s": 10, **settings}
    return SmtpTransport(SmtpServer("127.0.0.1", server.port, **terms), SENDER)


def hand_over(script, *recipients, **settings):
    """Send one mail to each recipient; return the attempts and the server."""
    with scripted_server(script) as server:
        transport = transport_to(server, **settings)
        attempts = [
            transport.ready() or transport.hand_over(MAIL, recipient) for recipient in recipients
        ]
        transport.close()
    return attempts, server


def test_a_mail_arrives_as_it_was_sent():
    attempts, server = hand_over(Script(), "alice@example.org")
    assert [attempt.outcome for attempt in attempts] == [ACCEPTED]
    assert server.received == [("alice@example.org", MAIL)]
    assert f"mail FROM:<{SENDER}> size={len(MAIL)}" in server.commands
    assert server.commands[-1] == "quit"


def test_many_mails_go_over_one_connection():
    recipients = [f"user{number}@example.org" for number in range(20)]
    attempts, server = hand_over(Script(), *recipients)
    assert {attempt.outcome for attempt in attempts} == {ACCEPTED}
    assert [recipient for recipient, _ in server.received] == recipients
    assert server.n_connections == 1


@pytest.mark.parametrize(
    ("script", "outcome", "is_server", "says"),
    [
        pytest.param({"RCPT": "450 greylisted"}, LATER, False, "450 greylisted", id="greylisted"),
        pytest.param({"RCPT": "550 who?"}, REFUSED, False, "550 who?", id="recipient-unknown"),
        pytest.param({"RCPT": "251 will forward"}, ACCEPTED, False, "250 OK", id="forwarded"),
        pytest.param({"RCPT": "421 overloaded"}, LATER, False, "421 overloaded", id="421-at-rcpt"),
        pytest.param({"DATA": "451 no disk"}, LATER, False, "451 no disk", id="451-at-data"),
        pytest.param({"DATA": "554 no"}, REFUSED, False, "554 no", id="554-at-data"),
        pytest.param({".": "452 full"}, LATER, False, "452 full", id="452-after-mail"),
        pytest.param({".": "554 spam"}, REFUSED, False, "554 spam", id="554-after-mail"),
        pytest.param({"MAIL": "552 too big"}, REFUSED, False, "552 too big", id="too-big"),
        pytest.param({"MAIL": "550 no"}, LATER, True, "550 no", id="sender-refused"),
        pytest.param({"MAIL": "451 later"}, LATER, True, "451 later", id="sender-later"),
        pytest.param({"greeting": "554 go away"}, LATER, True, "554 go away", id="greeted-554"),
        pytest.param({"greeting": "421 busy"}, LATER, True, "421 busy", id="greeted-421"),
        pytest.param({"greeting": "HTTP/1.1 400"}, LATER, True, "greeting", id="no-mail-server"),
        pytest.param({"greeting": DROP}, LATER, True, "closed", id="drop-at-once"),
        pytest.param({"greeting": STALL}, LATER, True, "in time", id="silent"),
        pytest.param({"EHLO": "550 a", "HELO": "550 b"}, LATER, True, "550 b", id="helo-refused"),
        pytest.param({"RCPT": DROP}, LATER, False, "lost", id="drop-at-rcpt"),
        pytest.param({"DATA": DROP}, LATER, False, "lost", id="drop-before-mail"),
        pytest.param({".": DROP}, LATER, False, "lost", id="drop-after-mail"),
        pytest.param({"RCPT": STALL}, LATER, False, "in time", id="stall-at-rcpt"),
        pytest.param({"RCPT": "2x0 hm"}, LATER, False, "lost", id="garbage"),
        pytest.param({"RCPT": "450-a\r\n450 b\x1b]0\x07"}, LATER, False, "450 a b?]0?", id="evil"),
    ],
)  # fmt: skip
def test_every_reply_is_classified(script, outcome, is_server, says):
    timeout_s = 0.5 if STALL in script.values() else 10
    (attempt,), _ = hand_over(Script(replies=script), "alice@example.org", timeout_s=timeout_s)
    assert (attempt.outcome, attempt.is_server) == (outcome, is_server)
    assert says in attempt.reply


def test_a_server_that_works_on_a_mail_for_long_is_waited_for():
    script = Script(replies={".": PAUSE})
    (attempt,), server = hand_over(script, "a@example.org", timeout_s=PAUSE_S / 2)
    assert attempt.outcome is ACCEPTED
    assert len(server.received) == 1


def test_a_reply_that_trickles_in_for_ever_is_cut():
    script = Script(replies={"RCPT": DRIBBLE})
    (attempt,), server = hand_over(script, "alice@example.org", timeout_s=0.05)
    assert attempt.outcome is LATER
    assert server.received == []


def test_a_greeting_that_trickles_in_for_ever_is_cut():
    (attempt,), _ = hand_over(
        Script(replies={"greeting": DRIBBLE}), "a@example.org", timeout_s=0.05
    )
    assert (attempt.outcome, attempt.is_server) == (LATER, True)


def test_one_refusal_leaves_the_others_alone():
    recipients = [f"user{number}@example.org" for number in range(10)]
    script = Script(to=dict.fromkeys(recipients[::2], "550 no such user"))
    attempts, server = hand_over(script, *recipients)
    assert [attempt.outcome for attempt in attempts] == [REFUSED, ACCEPTED] * 5
    assert [recipient for recipient, _ in server.received] == recipients[1::2]
    assert server.n_connections == 1


def test_a_lost_connection_is_made_again():
    script = Script(to={"b@example.org": DROP})
    attempts, server = hand_over(script, "a@example.org", "b@example.org", "c@example.org")
    assert [attempt.outcome for attempt in attempts] == [ACCEPTED, LATER, ACCEPTED]
    assert server.n_connections == 2


def test_three_lost_connections_in_a_row_are_the_servers_trouble():
    script = Script(replies={"DATA": (DROP, DROP, "354 go", DROP, DROP, DROP)})
    attempts, _ = hand_over(script, *["a@example.org"] * 6)
    assert [attempt.is_server for attempt in attempts] == [False] * 5 + [True]


def test_a_server_that_closes_after_some_mails_is_called_again():
    attempts, server = hand_over(Script(n_mails_per_connection=2), *["a@example.org"] * 5)
    assert {attempt.outcome for attempt in attempts} == {ACCEPTED}
    assert (len(server.received), server.n_connections) == (5, 3)


def test_a_server_that_is_down_is_its_own_trouble():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        transport = SmtpTransport(
            SmtpServer("127.0.0.1", reserved.getsockname()[1], "none"), SENDER
        )
        trouble = transport.ready()
        transport.close()
    assert trouble is not None
    assert (trouble.outcome, trouble.is_server) == (LATER, True)
    assert "refused" in trouble.reply


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificates"), "IP:127.0.0.1")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_encrypted_after_a_login(certificate, security):
    script = Script(certificate=certificate, is_tls=security == "tls", login=TOKEN)
    (attempt,), server = hand_over(
        script, "a@example.org", security=security, ca_file=certificate.certificate, login=LOGIN
    )
    assert attempt.outcome is ACCEPTED
    assert f"AUTH PLAIN {TOKEN}" in server.commands
    assert ("STARTTLS" in server.commands) is (security == "starttls")


def test_starttls_that_was_stripped_is_no_reason_to_go_on_without(certificate):
    (attempt,), server = hand_over(
        Script(), "a@example.org", security="starttls", ca_file=certificate.certificate
    )
    assert (attempt.outcome, attempt.is_server) == (LATER, True)
    assert "STARTTLS" in attempt.reply
    assert {command.split()[0].lower() for command in server.commands} == {"ehlo"}


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("name", "is_trusted"),
    [
        pytest.param("IP:127.0.0.1", False, id="unknown-authority"),
        pytest.param("DNS:other.example.org", True, id="other-name"),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused(
    tmp_path, certificate, security, name, is_trusted
):
    shown = make_certificate(tmp_path, name)
    (attempt,), server = hand_over(
        Script(certificate=shown, is_tls=security == "tls", login=TOKEN),
        "a@example.org",
        security=security,
        ca_file=(shown if is_trusted else certificate).certificate,
        login=LOGIN,
    )  # fmt: skip
    assert (attempt.outcome, attempt.is_server) == (LATER, True)
    assert "certificate" in attempt.reply
    assert not any(command.startswith(("AUTH", "mail")) for command in server.commands)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"login": "another"}, id="refused-with-echo"),
        pytest.param({"login": TOKEN, "replies": {"AUTH": "535 canary-7f3?"}}, id="echo-in-clear"),
        pytest.param({"login": TOKEN, "replies": {"AUTH": "454 later"}}, id="later"),
        pytest.param({"login": None}, id="not-offered"),
    ],
)
def test_a_login_that_fails_is_the_servers_trouble_and_shows_no_password(certificate, script):
    (attempt,), server = hand_over(
        Script(certificate=certificate, **script), "a@example.org",
        security="starttls", ca_file=certificate.certificate, login=LOGIN,
    )  # fmt: skip
    assert (attempt.outcome, attempt.is_server) == (LATER, True)
    assert "canary" not in attempt.reply
    assert TOKEN not in attempt.reply
    assert server.received == []


def test_a_password_never_goes_in_the_open():
    with pytest.raises(MailSetupError) as refused:
        SmtpTransport(SmtpServer("127.0.0.1", 25, "none", login=LOGIN), SENDER)
    assert "canary" not in str(refused.value)
    assert "canary" not in repr(LOGIN)


def test_authorities_that_cannot_be_read_are_a_clear_error(tmp_path):
    with pytest.raises(MailSetupError, match=r"ca\.pem cannot be read"):
        SmtpTransport(SmtpServer("127.0.0.1", 25, ca_file=tmp_path / "ca.pem"), SENDER)


def test_a_probe_goes_all_the_way_but_sends_nothing(certificate):
    with scripted_server(Script(certificate=certificate, login=TOKEN)) as server:
        terms = {"login": LOGIN, "ca_file": certificate.certificate, "timeout_s": 2}
        found = probe(SmtpServer("127.0.0.1", server.port, "starttls", **terms), SENDER)
    assert (found.attempt.outcome, found.failed_at) == (ACCEPTED, None)
    verbs = [command.split()[0].lower() for command in server.commands]
    assert verbs == ["ehlo", "starttls", "ehlo", "auth", "quit"]


@pytest.mark.parametrize(
    ("script", "outcome", "n_received"),
    [
        pytest.param({"DATA": "250 OK"}, LATER, 0, id="250-for-data"),
        pytest.param({"DATA": "251 OK"}, LATER, 0, id="251-for-data"),
        pytest.param({"DATA": "334 dGVsbCBtZQ=="}, LATER, 0, id="334-for-data"),
        pytest.param({"RCPT": "354 go ahead"}, LATER, 0, id="354-for-recipient"),
        pytest.param({".": "354 go on"}, LATER, 1, id="354-after-mail"),
        pytest.param({".": "150 hm"}, LATER, 1, id="150-after-mail"),
        pytest.param({".": "251 forwarded"}, ACCEPTED, 1, id="251-after-mail"),
        pytest.param({".": "299 fine"}, ACCEPTED, 1, id="299-after-mail"),
        pytest.param({"MAIL": "251 fine", "RCPT": "252 fine"}, ACCEPTED, 1, id="other-2xx"),
    ],
)
def test_only_the_word_after_the_mail_is_an_acceptance(script, outcome, n_received):
    (attempt,), server = hand_over(Script(replies=script), "alice@example.org")
    assert (attempt.outcome, attempt.is_server) == (outcome, False)
    assert len(server.received) == n_received


def test_a_dialogue_out_of_step_is_begun_anew():
    script = Script(replies={"DATA": ("250 OK", "354 go ahead")})
    attempts, server = hand_over(script, "a@example.org", "b@example.org")
    assert [attempt.outcome for attempt in attempts] == [LATER, ACCEPTED]
    assert server.n_connections == 2
    assert server.received == [("b@example.org", MAIL)]


ENDLESS = "250-more of the same\r\n" * 5_000 + "250 OK"


@pytest.mark.parametrize(
    ("script", "is_server"),
    [
        pytest.param({"EHLO": ENDLESS, "HELO": ENDLESS}, True, id="ehlo"),
        pytest.param({"RCPT": ENDLESS}, False, id="recipient"),
        pytest.param({"greeting": ENDLESS.replace("250", "220")}, True, id="greeting"),
    ],
)
def test_a_reply_without_an_end_is_given_up(script, is_server):
    (attempt,), server = hand_over(Script(replies=script), "alice@example.org")
    assert (attempt.outcome, attempt.is_server) == (LATER, is_server)
    assert "without an end" in attempt.reply
    assert server.received == []


@pytest.mark.parametrize("reply", ["334 !", "334 =a", "334 dGVsbCBtZQ==", "354 \xfc"])
def test_a_login_that_is_answered_with_nonsense_is_the_servers_trouble(certificate, reply):
    script = Script(
        replies={"EHLO": "250-mail.test\r\n250 AUTH LOGIN CRAM-MD5", "AUTH": reply},
        certificate=certificate, is_tls=True,
    )  # fmt: skip
    terms = {"security": "tls", "ca_file": certificate.certificate, "login": LOGIN}
    with scripted_server(script) as server:
        found = probe(SmtpServer("127.0.0.1", server.port, timeout_s=5, **terms), SENDER)
    assert (found.attempt.outcome, found.attempt.is_server) == (LATER, True)
    assert found.failed_at is Step.LOGIN
    assert "canary" not in found.attempt.reply


@pytest.mark.parametrize(
    ("host_name", "greeted_as"),
    [("node7.example.com", "node7.example.com"), ("node7", "example.org"), ("::1", "example.org")],
)
def test_we_greet_by_a_name_that_servers_take(monkeypatch, host_name, greeted_as):
    monkeypatch.setattr(socket, "getfqdn", lambda: host_name)
    _, server = hand_over(Script(), "alice@example.org")
    assert server.commands[0] == f"ehlo {greeted_as}"


@pytest.mark.parametrize(
    ("script", "terms", "step"),
    [
        pytest.param({"replies": {"greeting": "554 no login here"}}, {}, Step.CONNECT, id="words"),
        pytest.param({"replies": {"EHLO": DROP}}, {}, Step.CONNECT, id="hello"),
        pytest.param({}, {}, Step.STARTTLS, id="stripped"),
        pytest.param(
            {"replies": {"STARTTLS": "454 no certificate"}}, {}, Step.STARTTLS, id="no-tls"
        ),
        pytest.param({}, {"ca_file": None}, Step.CERTIFICATE, id="unknown-authority"),
        pytest.param({"login": "another"}, {"login": LOGIN}, Step.LOGIN, id="wrong-password"),
        pytest.param({"login": None}, {"login": LOGIN}, Step.LOGIN, id="no-login"),
    ],
)
def test_a_probe_names_the_step_that_failed(certificate, script, terms, step, request):
    shown = None if request.node.callspec.id == "stripped" else certificate
    settings = {"ca_file": certificate.certificate, "timeout_s": 5, **terms}
    with scripted_server(Script(certificate=shown, **script)) as server:
        found = probe(SmtpServer("127.0.0.1", server.port, "starttls", **settings), SENDER)
    assert (found.attempt.outcome, found.failed_at) == (LATER, step)
    assert found.certificate_end_utc is None


def test_a_probe_says_when_the_certificate_ends(certificate):
    terms = {"ca_file": certificate.certificate, "timeout_s": 5}
    with scripted_server(Script(certificate=certificate)) as server:
        found = probe(SmtpServer("127.0.0.1", server.port, "starttls", **terms), SENDER)
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate", "-in", certificate.certificate],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    said = told.stdout.strip().removeprefix("notAfter=")
    assert f"{found.certificate_end_utc:%b %e %H:%M:%S %Y} GMT" == said
