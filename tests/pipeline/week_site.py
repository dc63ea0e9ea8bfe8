"""A site that publishes the weeks of made-up runs, and what became of its mails."""

from collections import Counter
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

from auditor.domain.incident import SourceState
from auditor.domain.week import Week
from auditor.wiring.publishing import publish_due
from auditor.wiring.store import open_ledger
from tests.pipeline.site import Run, factors_of, load, settings_in

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = Week(2026, 47, "Europe/Berlin")
START, END = WEEK.period.start_utc, WEEK.period.end_utc
CLOSING = END + 36 * HOUR
BEFORE = START - DAY
ALICE = Run(1, "alice", START + 10 * HOUR, START + 20 * HOUR)
BOB = Run(2, "bob", START + 30 * HOUR, START + 60 * HOUR, "bio")


class Site:
    """A site on duty since the day before the week, with its runs loaded."""

    def __init__(self, folder: Path, *runs: Run, more: str = "", cluster: str = "") -> None:
        self.settings = settings_in(folder, more=more, cluster=cluster)
        self.factors = factors_of(self.settings)
        self.load(*runs, seen_utc=END)
        with open_ledger(self.settings, create=False) as ledger:
            ledger.weeks.begin_duty(BEFORE)

    def load(self, *runs: Run, seen_utc: datetime) -> None:
        load(self.settings, self.factors, runs, seen_utc)

    def publish(self, now_utc: datetime, only: str | None = None):
        return publish_due(self.settings, now_utc=now_utc, only=only)

    def record(self):
        with open_ledger(self.settings, create=False) as ledger:
            return ledger.weeks.record(WEEK.label)

    def mails(self):
        with open_ledger(self.settings, create=False) as ledger:
            return [one.mail for one in ledger.outbox.list()]

    def page(self, kind: str, name: str) -> str:
        folder = self.settings.ledger.path / "pages" / WEEK.label
        (file,) = folder.glob(f"{kind}-{name}-*.html")
        return file.read_text(encoding="utf-8")

    def collected(self, to_utc: datetime, since_utc: datetime = START) -> None:
        with open_ledger(self.settings, create=False) as ledger:
            ledger.sources.advance(SourceState("alpha", since_utc, to_utc, None))


def recipients(mails) -> Counter:
    return Counter((mail.recipient, mail.period, mail.revision) for mail in mails)


def parts_of(mail) -> tuple[str, str, list[str]]:
    """Return the text, the HTML and the attached pages of a mail."""
    message = message_from_bytes(mail.content, policy=policy.default)
    pages = [part.get_content() for part in message.iter_attachments()]
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return text, html, [page.decode() if isinstance(page, bytes) else page for page in pages]
