"""Processes over one outbox: no mail in two hands within its lease, none lost with its sender."""

import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from auditor.domain.mail import MailState

from .mails import mail, week

PLACE = Path(__file__).parents[__package__.count(".") + 1]


def start(folder, lease_s, death_ratio, seed):
    module = f"{__package__}.claiming_sender"
    words = (sys.executable, "-m", module, str(folder), str(lease_s), str(death_ratio), str(seed))
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=PLACE, stdin=pipe, stdout=pipe, text=True)


def claims_of(sender):
    """Wait for its end; return the message id of each of its claims."""
    out, _ = sender.communicate("go\n", timeout=120)
    return out.splitlines()


def test_no_mail_is_claimed_twice_within_its_lease(ledger):
    mails = [mail(number) for number in range(150)]
    ledger.weeks.publish(week(), mails)
    senders = [start(ledger.folder, 3600, 0, seed) for seed in range(2)]
    with ThreadPoolExecutor() as pool:
        claims = [*pool.map(claims_of, senders)]
    assert [sender.returncode for sender in senders] == [0, 0]
    assert Counter(chain(*claims)) == Counter(one.message_id for one in mails)
    assert all(queued.n_attempts == 1 for queued in ledger.outbox.list())


def test_a_mail_outlives_its_senders(ledger):
    mails = [mail(number) for number in range(8)]
    ledger.weeks.publish(week(), mails)
    claims, n_deaths = Counter(), 0
    for seed in range(100):
        sender = start(ledger.folder, 0.2, 0.5, seed)
        claims.update(claims_of(sender))
        n_deaths += sender.returncode == -signal.SIGKILL
        if sender.returncode == 0:
            break
    assert ledger.outbox.counts()[MailState.SENT] == len(mails)
    assert sum(claims.values()) == len(mails) + n_deaths
    assert {q.mail.message_id: q.n_attempts for q in ledger.outbox.list()} == claims
    assert n_deaths > 0
    assert ledger.check() == ()
