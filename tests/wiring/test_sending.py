from datetime import UTC, datetime

import pytest

from auditor.deliver.credential import CredentialError
from auditor.deliver.sendmail import SendmailTransport
from auditor.deliver.smtp import SmtpTransport
from auditor.errors import ConfigError
from auditor.ledger.ledger import Ledger
from auditor.settings.load import parse_settings
from auditor.wiring.sending import mail_transport, send_due, smtp_server

MAIL = '[mail]\nsender = "carbon@example.org"\noperators = ["hpc-team@example.org"]\n'


def settings_of(text, folder):
    return parse_settings(f'[ledger]\npath = "ledger"\n{text}', folder)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_follows_from_the_security(tmp_path, security, port):
    text = f'{MAIL}[mail.smtp]\nhost = "localhost"\nsecurity = "{security}"\n'
    server = smtp_server(settings_of(text, tmp_path).mail.smtp)
    assert (server.port, server.security, server.login) == (port, security, None)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1"])
def test_to_this_host_mail_may_go_in_the_open(tmp_path, host):
    text = f'{MAIL}[mail.smtp]\nhost = "{host}"\nsecurity = "none"\n'
    assert smtp_server(settings_of(text, tmp_path).mail.smtp).host == host


@pytest.mark.parametrize("host", ["mail.example.org", "192.0.2.1", "localhost.example.org"])
def test_to_another_host_it_may_not(tmp_path, host):
    text = f'{MAIL}[mail.smtp]\nhost = "{host}"\nsecurity = "none"\n'
    with pytest.raises(ConfigError, match="without encryption"):
        smtp_server(settings_of(text, tmp_path).mail.smtp)


def test_the_login_comes_from_its_file(tmp_path):
    text = f'{MAIL}[mail.smtp]\nusername = "auditor"\npassword_file = "smtp"\n'
    section = settings_of(text, tmp_path).mail.smtp
    with pytest.raises(CredentialError):
        smtp_server(section)
    (tmp_path / "smtp").write_text("canary-7f3\n")
    (tmp_path / "smtp").chmod(0o600)
    server = smtp_server(section)
    assert server.login.password == "canary-7f3"  # noqa: S105  (made up)
    assert "canary" not in repr(server)


def test_the_way_that_mail_goes_is_the_stated_one(tmp_path):
    by_sendmail = mail_transport(settings_of(f'{MAIL}transport = "sendmail"\n', tmp_path).mail)
    assert isinstance(by_sendmail, SendmailTransport)
    assert str(by_sendmail.program) == "/usr/sbin/sendmail"
    assert isinstance(mail_transport(settings_of(MAIL, tmp_path).mail), SmtpTransport)


@pytest.mark.parametrize(
    ("stated", "security"),
    [
        pytest.param("", "none", id="this-host"),
        pytest.param('host = "127.0.0.1"', "none", id="this-host-by-number"),
        pytest.param('host = "mail.example.org"', "starttls", id="another-host"),
        pytest.param('username = "a"\npassword_file = "p"', "starttls", id="a-login"),
        pytest.param('host = "mail.example.org"\nsecurity = "tls"', "tls", id="stated"),
    ],
)
def test_only_this_host_gets_mail_in_the_open_unless_stated(tmp_path, stated, security):
    section = settings_of(f"{MAIL}[mail.smtp]\n{stated}\n", tmp_path).mail.smtp
    assert section.security == security


def test_without_a_sender_there_is_no_way(tmp_path):
    with pytest.raises(ConfigError, match="mail is off"):
        mail_transport(settings_of("", tmp_path).mail)


def test_nothing_queued_needs_no_server(tmp_path):
    Ledger.open(tmp_path / "ledger", create=True).close()
    text = f'{MAIL}transport = "smtp"\n[mail.smtp]\nhost = "mail.invalid"\n'
    now_utc = datetime(2026, 11, 23, tzinfo=UTC)
    receipt = send_due(settings_of(text, tmp_path), now_utc=lambda: now_utc)
    assert (receipt.n_waiting, receipt.trouble) == (0, None)
