import json
from datetime import UTC, datetime

import pytest

from auditor.domain.mail import Mail, MailState
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.ledger import Ledger

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MAIL_SECTION = """
[mail]
sender = "carbon@example.org"
operators = ["hpc-team@example.org"]
transport = "sendmail"
sendmail = "sendmail"
"""


@pytest.fixture
def outbox(site):
    """Three mails: alice's and bob's wait, carol's was refused."""
    program = site / "sendmail"
    program.write_text("#!/bin/sh\ncat >/dev/null\ncase $5 in bob*) exit 75;; *) exit 0;; esac\n")
    program.chmod(0o755)
    with (site / "auditor.toml").open("a") as file:
        file.write(MAIL_SECTION)
    mails = [
        Mail(f"<{one}@x>", f"{one}@example.org", "user", one, "2026-W47", 1, b"mail", NOW)
        for one in ("carol", "alice", "bob")
    ]
    record = WeekRecord("2026-W47", WeekState.CLOSED, 1, 1, NOW, NOW, is_mailed=True)
    with Ledger.open(site / "ledger", create=True) as ledger:
        ledger.weeks.publish(record, mails[:1])
        claimed = ledger.outbox.claim(NOW, 60)
        ledger.outbox.settle(claimed.mail.message_id, MailState.PARKED, "550 \x1b[31mno", NOW, None)
        ledger.weeks.publish(record, mails)
    return site


def test_what_is_due_is_sent_and_told(run, outbox):
    answer = run("send")
    assert answer.code == 0
    assert answer.out == "1 mail sent, 1 to be tried again, 0 refused for good; 1 waiting\n"
    assert "1 mail refused" in answer.err
    assert "carol@example.org" in answer.err
    assert "550 ?[31mno" in answer.err
    assert run("send").out.startswith("0 mails sent")


def test_a_round_in_which_everything_is_refused_says_so(run, outbox):
    (outbox / "sendmail").write_text("#!/bin/sh\ncat >/dev/null\nexit 67\n")
    answer = run("send")
    assert answer.code == 0
    assert "0 mails sent, 0 to be tried again, 2 refused for good" in answer.out
    assert "every mail of this round was refused, none was sent" in answer.err
    assert "every mail" not in run("send").err


def test_a_user_who_unsubscribes_gets_what_was_queued_no_more(run, outbox):
    assert run("unsubscribe", "--user", "alice").code == 0
    assert run("send").out.startswith("0 mails sent, 1 to be tried again")
    assert "alice" not in run("send", "--dry-run").out
    assert run("send", "--retry-parked").code == 0
    with Ledger.open(outbox / "ledger", create=False) as ledger:
        state_of = {one.mail.name: one.state for one in ledger.outbox.list()}
    assert state_of == {"alice": "cancelled", "bob": "queued", "carol": "sent"}


def test_a_dry_run_lists_and_sends_nothing(run, outbox):
    answer = run("send", "--dry-run")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["queued", "alice@example.org"],
        ["queued", "bob@example.org"],
        ["parked", "carol@example.org"],
    ]
    assert "550 ?[31mno" in lines[2]
    assert run("send", "--dry-run").out == answer.out


def test_json_has_every_mail_that_was_not_sent(run, outbox):
    told = json.loads(run("send", "--json").out)
    assert (told["n_sent"], told["n_later"], told["n_parked"], told["n_waiting"]) == (1, 1, 0, 1)
    assert told["trouble"] is None
    rows = {row["recipient"]: row for row in told["mails"]}
    assert set(rows) == {"bob@example.org", "carol@example.org"}
    assert rows["bob@example.org"]["state"] == "queued"
    assert rows["bob@example.org"]["next_attempt"] == "2026-11-23T09:01:00Z"
    assert rows["bob@example.org"]["n_attempts"] == 1
    assert rows["carol@example.org"]["last_reply"] == "550 \x1b[31mno"


def test_refused_mails_are_tried_again_when_asked(run, outbox):
    answer = run("send", "--retry-parked")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        "1 mail queued again",
        "2 mails sent, 1 to be tried again, 0 refused for good; 1 waiting",
    ]


def test_a_mail_system_that_does_not_work_is_exit_75(run, outbox):
    (outbox / "sendmail").unlink()
    answer = run("send")
    assert answer.code == 75
    assert "sendmail is not a program" in answer.err
    assert answer.out.endswith("2 waiting\n")


def test_mail_that_is_off_while_some_waits_is_told(run, outbox):
    text = (outbox / "auditor.toml").read_text()
    (outbox / "auditor.toml").write_text(text.replace(MAIL_SECTION, ""))
    answer = run("send")
    assert answer.code == 75
    assert "mail is off" in answer.err


def test_nothing_to_send_is_no_trouble(run, site):
    Ledger.open(site / "ledger", create=True).close()
    assert run("send").code == 0
    assert run("send", "--dry-run").out == "no mail is waiting\n"


def test_a_dry_run_retries_nothing(run, outbox):
    assert run("send", "--dry-run", "--retry-parked").code == 2


def test_mail_in_the_open_to_another_host_is_refused(run, outbox):
    file = outbox / "auditor.toml"
    text = file.read_text().replace('transport = "sendmail"', 'transport = "smtp"')
    file.write_text(f'{text}[mail.smtp]\nhost = "mail.example.org"\nsecurity = "none"\n')
    answer = run("send")
    assert answer.code == 6
    assert "without encryption" in answer.err
