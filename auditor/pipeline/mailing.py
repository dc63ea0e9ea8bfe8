"""From pages to addressed mails: who gets which, what is attached, and who cannot be reached."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from auditor.deliver.message import Envelope, build_message, list_id, message_id
from auditor.deliver.recipients import AddressBook
from auditor.domain.mail import Attachment, Mail, RenderedMail
from auditor.report.filters import count_text
from auditor.report.mail import MailStyle, render_mail
from auditor.report.page import PageInput, Subject, to_html

WEEKLY, MONTHLY = "weekly", "monthly"
N_NAMED = 20
_STOP_HINT = "`auditor unsubscribe` on the login node stops it"


@dataclass(frozen=True)
class Postbox:
    """From whom mail is, who gets it, and how often those who did not choose.

    `leads_of` gives the addresses of an account's leads. `frequency_of` gives what users chose;
    `operators` get the site's report. Mails link the page under `pages_url`, else attach it.
    """

    site: str
    sender: str
    book: AddressBook
    reply_to: str | None = None
    operators: tuple[str, ...] = ()
    leads_of: Callable[[str], Sequence[str]] = lambda _account: ()
    frequency: str = WEEKLY
    frequency_of: Mapping[str, str] = field(default_factory=dict)
    restated_ratio: float = 0.1
    pages_url: str | None = None
    unsubscribe_mailto: str | None = None
    unsubscribe_url: str | None = None

    @property
    def domain(self) -> str:
        """What Message-IDs and lists end with."""
        return self.sender.rpartition("@")[2]

    def wants(self, user: str, frequency: str) -> bool:
        """Tell whether a user gets reports this often."""
        return self.frequency_of.get(user, self.frequency) == frequency

    @property
    def has_monthly(self) -> bool:
        """Tell whether anybody gets reports of months."""
        return MONTHLY in {self.frequency, *self.frequency_of.values()}


@dataclass(frozen=True)
class Issue:
    """One revision of one week or month, to be mailed; `date_utc` is when it was drawn."""

    label: str
    revision: int
    date_utc: datetime
    frequency: str = WEEKLY


@dataclass(frozen=True)
class Post:
    """Mails ready to be queued, and users who have no address."""

    mails: tuple[Mail, ...]
    unreached: tuple[str, ...]


def post_of(
    pages: Iterable[PageInput],
    issue: Issue,
    postbox: Postbox,
    should_stop: Callable[[], bool],
) -> Post | None:
    """Turn pages into mails; None if told to stop meanwhile.

    Users and leads come first and operators last, who are told of users without an address. A
    restated page goes to those only whose carbon changed by `restated_ratio` or more.
    """
    mails: list[Mail] = []
    unreached: list[str] = []
    chosen = [page for page in pages if issue.revision == 1 or _moved(page, issue, postbox)]
    for page in sorted(chosen, key=lambda page: page.subject.kind == "site"):
        if should_stop():
            return None
        recipients = _recipients(page.subject, issue, postbox)
        if recipients is None:
            unreached.append(page.subject.name)
            continue
        told = tuple(unreached) if page.subject.kind == "site" else ()
        mails += _mails(page, recipients, (issue, postbox), told)
    return Post(tuple(mails), tuple(unreached))


def unreached_text(unreached: Sequence[str]) -> str:
    """Say who has no address."""
    named = ", ".join(unreached[:N_NAMED])
    more = f" and {len(unreached) - N_NAMED:,} more" if len(unreached) > N_NAMED else ""
    return f"{count_text(len(unreached), 'user')} without a mail address got nothing: {named}{more}"


def _moved(page: PageInput, issue: Issue, postbox: Postbox) -> bool:
    restated, now_g = page.report.restated, page.report.totals.carbon_g
    if restated is None or restated.revision != issue.revision:
        return False
    before_g = 0.0 if restated.previous is None else restated.previous.carbon_g
    return abs(now_g - before_g) >= postbox.restated_ratio * before_g and now_g != before_g


def _recipients(subject: Subject, issue: Issue, postbox: Postbox) -> Sequence[str] | None:
    """Return who gets a page; None where its user wants it and has no address."""
    if subject.kind == "user":
        if not postbox.wants(subject.name, issue.frequency):
            return ()
        address = postbox.book.address_of(subject.name)
        return None if address is None else (address,)
    if issue.frequency != WEEKLY:
        return ()
    if subject.kind == "account":
        return postbox.leads_of(subject.name)
    return postbox.operators if subject.kind == "site" else ()


def _mails(
    page: PageInput,
    recipients: Sequence[str],
    about: tuple[Issue, Postbox],
    unreached: Sequence[str],
) -> list[Mail]:
    if not recipients:
        return []
    issue, subject = about[0], page.subject
    rendered = _rendered(page, about, unreached)
    mails = []
    for recipient in recipients:
        envelope = _envelope(subject, recipient, about)
        mails.append(
            Mail(
                message_id=envelope.message_id,
                recipient=recipient,
                kind=subject.kind,
                name=subject.name,
                period=issue.label,
                revision=issue.revision,
                content=build_message(rendered, envelope),
                created_utc=issue.date_utc,
            )
        )
    return mails


def _rendered(
    page: PageInput, about: tuple[Issue, Postbox], unreached: Sequence[str]
) -> RenderedMail:
    """Draw a mail; the page is linked where it is served, else it is attached."""
    issue, postbox = about
    page_url = None
    if postbox.pages_url is not None and issue.frequency == WEEKLY:
        page_url = f"{postbox.pages_url.rstrip('/')}/{issue.label}/{page.subject.file_name}"
    style = MailStyle(
        page_url=page_url,
        attaches_page=page_url is None,
        why=_why(page.subject, about),
        contact=postbox.reply_to,
        notes=(f"{unreached_text(unreached)}.",) if unreached else (),
    )
    rendered = render_mail(page, style)
    if page_url is not None:
        return rendered
    content = to_html(page.report, page.subject).encode()
    attachment = Attachment(page.subject.file_name, "text/html", content)
    return replace(rendered, attachments=(*rendered.attachments, attachment))


def _why(subject: Subject, about: tuple[Issue, Postbox]) -> str:
    issue, postbox = about
    if subject.kind == "user":
        span, other = ("month", "weekly") if issue.frequency == MONTHLY else ("week", "monthly")
        return (
            f"You get this because you ran jobs on {postbox.site} in this {span}. {_STOP_HINT}, "
            f"`auditor subscribe --{other}` makes it {other}."
        )
    if subject.kind == "account":
        return (
            f"You get this because you lead the project {subject.name} on {postbox.site}. "
            "The operators can take you off the list."
        )
    return f"You get this as an operator of {postbox.site} ([mail] operators)."


def _envelope(subject: Subject, recipient: str, about: tuple[Issue, Postbox]) -> Envelope:
    issue, postbox = about
    parts = (postbox.site, subject.kind, subject.name, issue.label, str(issue.revision), recipient)
    return Envelope(
        message_id=message_id(parts, postbox.domain),
        sender=postbox.sender,
        sender_name=f"{postbox.site} carbon report",
        recipient=recipient,
        date_utc=issue.date_utc,
        list_id=list_id((subject.kind, "carbon"), postbox.domain),
        reply_to=postbox.reply_to,
        unsubscribe_mailto=postbox.unsubscribe_mailto,
        unsubscribe_url=postbox.unsubscribe_url,
    )
