"""Claim mails in a process of its own and print each claim; settle them as sent, or die."""

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime

from auditor.domain.mail import MailState
from auditor.ledger.ledger import Ledger


def send_all(folder: str, lease_s: float, death_ratio: float, seed: int) -> None:
    """Claim until all is sent, once a line on standard input says so; print what was claimed."""
    chance = random.Random(seed)  # noqa: S311  (not a secret)
    with Ledger.open(folder, create=False) as ledger:
        sys.stdin.readline()
        while ledger.outbox.counts()[MailState.SENT] < sum(ledger.outbox.counts().values()):
            queued = ledger.outbox.claim(datetime.now(UTC), lease_s)
            if queued is None:
                time.sleep(0.01)
                continue
            print(queued.mail.message_id, flush=True)  # noqa: T201  (what it is for)
            if chance.random() < death_ratio:
                os.kill(os.getpid(), signal.SIGKILL)
            ledger.outbox.settle(
                queued.mail.message_id, MailState.SENT, "250", datetime.now(UTC), None
            )


if __name__ == "__main__":
    send_all(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
