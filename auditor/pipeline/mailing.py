"""From pages to addressed mails: who gets which, what is attached, and who cannot be reached."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from auditor.deliver.message import Envelope, build_message, list_id, message_id
from auditor.deliver.recipients import AddressBook, AddressesUnavailableError
from auditor.domain.job import PLATFORM
from auditor.domain.mail import Attachment, Mail, RenderedMail, Told
from auditor.report.filters import count_text
from auditor.report.mail import MailStyle, render_mail
from auditor.report.page import PageInput, Subject, to_html

WEEKLY, MONTHLY = "weekly", "monthly"
N_NAMED = 20


@dataclass(frozen=True)
class Postbox:
    """From whom mail is, who gets it, and how often those who did not choose.

    `leads_of` gives the addresses of an account's leads, `unled_of` its leads without one.
    `frequency_of` gives what users chose, if the site `reaches_users` at all; `operators` get the
    site's report. Mails link the page under `pages_url`, else attach it.
    """

    site: str
    sender: str
    book: AddressBook
    reply_to: str | None = None
    operators: tuple[str, ...] = ()
    leads_of: Callable[[str], Sequence[str]] = lambda _account: ()
    unled_of: Callable[[str], Sequence[str]] = lambda _account: ()
    reaches_users: bool = True
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
    """One revision of one week or month, to be mailed; `date_utc` is when it was drawn.

    `told` is what the last mails about it said, by kind and name. If it `gives_up`, who cannot be
    asked for counts as without address.
    """

    label: str
    revision: int
    date_utc: datetime
    frequency: str = WEEKLY
    told: Mapping[tuple[str, str], Told] = field(default_factory=dict)
    gives_up: bool = False

    def told_of(self, subject: Subject) -> Told | None:
        """Return what the last mail about somebody said; None if there was none."""
        return self.told.get((subject.kind, subject.name))


@dataclass(frozen=True)
class Post:
    """Mails ready to be queued, what they tell, and users and leads who have no address."""

    mails: tuple[Mail, ...] = ()
    told: tuple[Told, ...] = ()
    unreached: tuple[str, ...] = ()
    unled: tuple[str, ...] = ()


def post_of(
    pages: Iterable[PageInput],
    issue: Issue,
    postbox: Postbox,
    should_stop: Callable[[], bool],
) -> Post | None:
    """Turn pages into mails; None if told to stop meanwhile.

    Users and leads come first and operators last, who are told of those without an address. A
    restated page goes to those only whose carbon differs by `restated_ratio` or more from what
    they were told last.

    Raises
    ------
    AddressesUnavailableError
        Addresses cannot be asked for, and the issue does not give up yet.
    """
    done = Post()
    chosen = [page for page in pages if issue.revision == 1 or _moved(page, issue, postbox)]
    for page in sorted(chosen, key=lambda page: page.subject.kind == "site"):
        if should_stop():
            return None
        recipients, unreached, unled = _reached(page.subject, issue, postbox)
        done = replace(done, unreached=(*done.unreached, *unreached), unled=(*done.unled, *unled))
        if recipients:
            done = _with_mails(done, page, recipients, (issue, postbox))
    return done


def _with_mails(
    done: Post, page: PageInput, recipients: Sequence[str], about: tuple[Issue, Postbox]
) -> Post:
    subject = page.subject
    lines = unreached_lines(done) if subject.kind == "site" else ()
    told = Told(subject.kind, subject.name, about[0].revision, page.report.totals.carbon_g)
    mails = _mails(page, recipients, about, lines)
    return replace(done, mails=(*done.mails, *mails), told=(*done.told, told))


def unreached_lines(post: Post) -> tuple[str, ...]:
    """Say which users and leads have no address."""
    lines = []
    for names, word in ((post.unreached, "user"), (post.unled, "project lead")):
        if names:
            named = ", ".join(names[:N_NAMED])
            more = f" and {len(names) - N_NAMED:,} more" if len(names) > N_NAMED else ""
            who = count_text(len(names), word)
            lines.append(f"{who} without a mail address got nothing: {named}{more}")
    return tuple(lines)


def _moved(page: PageInput, issue: Issue, postbox: Postbox) -> bool:
    """Tell whether a restated page differs enough from what was told last, or published before."""
    restated, now_g = page.report.restated, page.report.totals.carbon_g
    told = issue.told_of(page.subject)
    if restated is None:
        return False
    if told is not None:
        before_g = told.carbon_g
    elif restated.revision != issue.revision or not page.report.totals.n_jobs:
        return False
    else:
        before_g = 0.0 if restated.previous is None else restated.previous.carbon_g
    return abs(now_g - before_g) >= postbox.restated_ratio * before_g and now_g != before_g


Names = Sequence[str]


def _reached(subject: Subject, issue: Issue, postbox: Postbox) -> tuple[Names, Names, Names]:
    """Return who gets a page, and the user and the leads who should and have no address."""
    kind, name = subject.kind, subject.name
    if name == PLATFORM and kind in {"user", "account"}:
        return (), (), ()
    if kind == "site" and issue.frequency == WEEKLY:
        return postbox.operators, (), ()
    try:
        if kind == "user" and postbox.reaches_users and postbox.wants(name, issue.frequency):
            address = postbox.book.address_of(name)
            return ((), (name,), ()) if address is None else ((address,), (), ())
        if kind == "account" and issue.frequency == WEEKLY:
            unled = tuple(f"{lead} ({name})" for lead in postbox.unled_of(name))
            return postbox.leads_of(name), (), unled
    except AddressesUnavailableError:
        if not issue.gives_up:
            raise
        return ((), (name,), ()) if kind == "user" else ((), (), (f"those of {name}",))
    return (), (), ()


def _mails(
    page: PageInput,
    recipients: Sequence[str],
    about: tuple[Issue, Postbox],
    unreached: Sequence[str],
) -> list[Mail]:
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
        notes=tuple(f"{line}." for line in unreached),
        told=issue.told_of(page.subject),
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
        to_whom = postbox.unsubscribe_mailto or postbox.reply_to or postbox.sender
        return (
            f"You get this because you ran jobs on {postbox.site} in this {span}. "
            f"To get it {other} instead, or no more, write to {to_whom}."
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
