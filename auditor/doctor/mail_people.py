"""Who gets mail: whether the address book answers for the people who ran jobs."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from auditor.deliver.recipients import AddressBook, address_book, leads_in_file
from auditor.doctor.check import Check, Group, Topic
from auditor.errors import AuditorError
from auditor.settings.mail import MailSection

ADDRESSES = Topic(Group.MAIL, "mail_addresses", "address book")
WITHOUT = Topic(Group.MAIL, "mail_without_address", "without address")
LEADS = Topic(Group.MAIL, "mail_leads", "project leads")

_SEE = "See [mail.addresses] in the configuration."
_N_SHOWN = 3


@dataclass(frozen=True)
class Lookup:
    """What the address book said of some users: how many it knows, why it has no others."""

    n_known: int
    missing: Mapping[str, str]


def people_checks(mail: MailSection, users: Collection[str], n_most: int) -> Iterator[Check]:
    """Look up the addresses of users and leads; at most `n_most` users where a command is run."""
    yield from address_checks(mail, users, n_most)
    if mail.projects.file is not None:
        yield leads_check(mail)


def address_checks(mail: MailSection, users: Collection[str], n_most: int) -> Iterator[Check]:
    """Look up users' addresses, if users get mail at all."""
    stated = mail.addresses
    if stated.file is None and stated.command is None and stated.pattern is None:
        yield ADDRESSES.ok("none: users get no mail, operators do")
        return
    chosen = sorted(users)[: n_most if stated.command is not None else None]
    try:
        book = address_book(stated.file, stated.command, stated.pattern)
        found = look_up(book, chosen or ["nobody"])
    except AuditorError as error:
        yield ADDRESSES.fault(str(error), error.hint or _SEE)
        return
    if not chosen:
        yield ADDRESSES.ok("can be asked; no user to ask for yet")
        return
    yield from lookup_checks(found)


def look_up(book: AddressBook, users: Collection[str]) -> Lookup:
    """Ask the book for users."""
    n_known = sum(book.address_of(user) is not None for user in users)
    return Lookup(n_known, dict(book.missing))


def lookup_checks(found: Lookup) -> Iterator[Check]:
    """Judge the answers: nobody having an address is a fault of the book, some is theirs."""
    n_all = found.n_known + len(found.missing)
    reason = next(iter(found.missing.values()), "")
    if found.missing and not found.n_known:
        text = f"none of {n_all} users has an address: {reason}"
        yield ADDRESSES.fault(text, _SEE)
        return
    yield ADDRESSES.ok(f"knows {found.n_known} of {n_all} users that were asked for")
    if found.missing:
        names = ", ".join(sorted(found.missing)[:_N_SHOWN])
        more = ", ..." if len(found.missing) > _N_SHOWN else ""
        text = f"{len(found.missing)} of {n_all} users: {names}{more} ({reason})"
        yield WITHOUT.warning(text, _SEE)


def leads_check(mail: MailSection) -> Check:
    """Read the file of project leads."""
    if mail.projects.file is None:
        return LEADS.ok("none")
    try:
        leads = leads_in_file(mail.projects.file)
    except AuditorError as error:
        return LEADS.fault(str(error), error.hint or "See [mail.projects] in the configuration.")
    return LEADS.ok(f"{len(leads)} projects in {mail.projects.file}")
