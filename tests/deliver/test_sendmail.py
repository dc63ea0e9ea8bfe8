import os
from pathlib import Path

import pytest

from auditor.deliver.sendmail import SendmailTransport
from auditor.domain.mail import Outcome

ACCEPTED, LATER, REFUSED = Outcome.ACCEPTED, Outcome.LATER, Outcome.REFUSED
MAIL = b"Subject: x\r\n\r\nfirst\r\n.\r\nlast\r\n"


def program(folder: Path, ending: str) -> Path:
    """Write a sendmail that keeps what it was given, and ends as told."""
    path = folder / "sendmail"
    path.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/words\ncat > {folder}/mail\n{ending}\n'
    )
    path.chmod(0o755)
    return path


def test_the_mail_comes_by_standard_input_and_the_recipient_as_a_word(tmp_path):
    transport = SendmailTransport(program(tmp_path, "exit 0"), "carbon@example.org")
    assert transport.ready() is None
    attempt = transport.hand_over(MAIL, "alice@example.org")
    assert attempt.outcome is ACCEPTED
    words = (tmp_path / "words").read_text().split()
    assert words == ["-i", "-f", "carbon@example.org", "--", "alice@example.org"]
    assert (tmp_path / "mail").read_bytes() == b"Subject: x\n\nfirst\n.\nlast\n"


@pytest.mark.parametrize(
    ("status", "outcome", "is_server"),
    [
        pytest.param(os.EX_TEMPFAIL, LATER, False, id="tempfail"),
        pytest.param(os.EX_NOUSER, REFUSED, False, id="nouser"),
        pytest.param(os.EX_NOHOST, REFUSED, False, id="nohost"),
        pytest.param(os.EX_DATAERR, REFUSED, False, id="dataerr"),
        pytest.param(os.EX_UNAVAILABLE, LATER, True, id="unavailable"),
        pytest.param(os.EX_OSERR, LATER, True, id="oserr"),
        pytest.param(os.EX_CONFIG, LATER, True, id="config"),
        pytest.param(os.EX_NOPERM, LATER, True, id="noperm"),
        pytest.param(1, LATER, True, id="other"),
    ],
)
def test_the_status_says_what_is_wrong(tmp_path, status, outcome, is_server):
    ending = f"printf 'no\\033[31m luck\\n' >&2; exit {status}"
    transport = SendmailTransport(program(tmp_path, ending), "carbon@example.org")
    attempt = transport.hand_over(MAIL, "alice@example.org")
    assert (attempt.outcome, attempt.is_server) == (outcome, is_server)
    assert attempt.reply.endswith(f"sendmail ended with status {status}: no?[31m luck")


@pytest.mark.parametrize(
    "ending", [pytest.param("kill -9 $$", id="killed"), pytest.param("exec sleep 30", id="hangs")]
)
def test_a_program_that_does_not_end_well_is_tried_again(tmp_path, ending):
    transport = SendmailTransport(program(tmp_path, ending), "carbon@example.org", timeout_s=1)
    attempt = transport.hand_over(MAIL, "alice@example.org")
    assert (attempt.outcome, attempt.is_server) == (LATER, True)


@pytest.mark.parametrize("kind", ["missing", "folder", "no-program"])
def test_a_program_that_is_not_there_is_the_servers_trouble(tmp_path, kind):
    path = tmp_path / "sendmail"
    if kind == "folder":
        path.mkdir()
    if kind == "no-program":
        path.write_text("text")
    transport = SendmailTransport(path, "carbon@example.org")
    for attempt in (transport.ready(), transport.hand_over(MAIL, "alice@example.org")):
        assert attempt is not None
        assert (attempt.outcome, attempt.is_server) == (LATER, True)
