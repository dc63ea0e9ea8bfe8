"""Who mails whom, as the settings and the users' own choices say."""

from collections.abc import Callable, Mapping, Sequence

from auditor.deliver.recipients import AddressBook, address_book, leads_in_file, project_leads
from auditor.pipeline.mailing import Postbox
from auditor.settings.mail import MailSection
from auditor.settings.models import Settings

_NEVER = "never"


def postbox(settings: Settings, frequency_of: Mapping[str, str]) -> Postbox | None:
    """Return what mail needs; None where no sender is stated, so that nothing is mailed.

    Parameters
    ----------
    frequency_of
        What users chose themselves: weekly, monthly or never.

    Raises
    ------
    AddressBookError
        A file of addresses or of leads cannot be used.
    """
    mail = settings.mail
    if mail.sender is None:
        return None
    addresses = mail.addresses
    book = address_book(addresses.file, addresses.command, addresses.pattern)
    return Postbox(
        site=settings.site.name,
        sender=mail.sender,
        book=book,
        reply_to=mail.reply_to,
        operators=mail.operators,
        leads_of=_leads_of(settings, book, frequency_of),
        frequency=mail.frequency,
        frequency_of=frequency_of,
        restated_ratio=mail.restated_ratio,
        pages_url=mail.pages_url,
        unsubscribe_mailto=_unsubscribe_mailto(mail),
        unsubscribe_url=mail.unsubscribe_url,
    )


def _unsubscribe_mailto(mail: MailSection) -> str | None:
    return mail.unsubscribe_mailto or mail.reply_to or mail.sender


def _leads_of(
    settings: Settings, book: AddressBook, frequency_of: Mapping[str, str]
) -> Callable[[str], Sequence[str]]:
    """Return how to find the leads of a project; who chose to get no mail is left out.

    Slurm is asked for coordinators when the first project is mailed, and once.
    """
    projects = settings.mail.projects
    if projects.leads == "none":
        return _nobody
    if projects.file is not None:
        leads = leads_in_file(projects.file)
        return lambda account: leads.get(account, ())
    found: dict[str, tuple[str, ...]] | None = None

    def of(account: str) -> Sequence[str]:
        nonlocal found
        if found is None:
            found = project_leads(_coordinators(settings, frequency_of), book)
        return found.get(account, ())

    return of


def _nobody(_account: str) -> Sequence[str]:
    return ()


def _coordinators(
    settings: Settings, frequency_of: Mapping[str, str]
) -> Mapping[str, Sequence[str]]:
    """Ask Slurm for the coordinators of each account, on every cluster that is asked with sacct.

    Raises
    ------
    CollectError
        Slurm does not answer.
    """
    from auditor.collect.slurm_people import ask_people  # noqa: PLC0415  (few sites ask)
    from auditor.wiring.collecting import slurm_host  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for cluster in settings.clusters:
        if cluster.collect is None:
            continue
        for one in ask_people(slurm_host(settings, cluster)).coordinators:
            if frequency_of.get(one.user) != _NEVER:
                found.setdefault(one.account, []).append(one.user)
    return found
