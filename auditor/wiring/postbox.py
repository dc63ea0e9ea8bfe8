"""Who mails whom, as the settings and the users' own choices say."""

from collections.abc import Callable, Mapping, Sequence

from auditor.deliver.recipients import (
    AddressBook,
    AddressesUnavailableError,
    address_book,
    leads_in_file,
    project_leads,
)
from auditor.domain.identity import Identity
from auditor.pipeline.mailing import Postbox
from auditor.settings.mail import MailSection
from auditor.settings.models import Settings
from auditor.wiring.house import identity

_NEVER = "never"
Leads = Callable[[str], Sequence[str]]


def postbox(settings: Settings, frequency_of: Mapping[str, str]) -> Postbox | None:
    """Return what mail needs; None where no sender is stated, so that nothing is mailed.

    Parameters
    ----------
    frequency_of
        What users chose themselves: weekly, monthly or never. What was chosen under an alias holds
        for the person, unless something else was chosen under the name in reports.

    Raises
    ------
    AddressBookError
        A file of addresses or of leads cannot be used.
    """
    mail = settings.mail
    if mail.sender is None:
        return None
    addresses, who = mail.addresses, identity(settings)
    frequency_of = {
        **{who.user(name): choice for name, choice in frequency_of.items()},
        **{name: choice for name, choice in frequency_of.items() if who.user(name) == name},
    }
    book = address_book(addresses.file, addresses.command, addresses.pattern)
    leads_of, unled_of = _leads(settings, book, frequency_of)
    return Postbox(
        site=settings.site.name,
        sender=mail.sender,
        book=book,
        reply_to=mail.reply_to,
        operators=mail.operators,
        leads_of=leads_of,
        unled_of=unled_of,
        reaches_users=addresses.is_stated,
        frequency=mail.frequency,
        frequency_of=frequency_of,
        restated_ratio=mail.restated_ratio,
        pages_url=mail.pages_url,
        unsubscribe_mailto=_unsubscribe_mailto(mail),
        unsubscribe_url=mail.unsubscribe_url,
    )


def _unsubscribe_mailto(mail: MailSection) -> str | None:
    return mail.unsubscribe_mailto or mail.reply_to or mail.sender


def _leads(
    settings: Settings, book: AddressBook, frequency_of: Mapping[str, str]
) -> tuple[Leads, Leads]:
    """Return how to find the addresses of a project's leads, and its leads without one."""
    projects = settings.mail.projects
    if projects.leads == "none":
        return _nobody, _nobody
    if projects.file is not None:
        leads = _by_name(leads_in_file(projects.file), identity(settings))
        return (lambda account: leads.get(account, ())), _nobody
    found = _Coordinators(settings, book, frequency_of)
    return found.addresses, found.without_address


def _by_name(leads: Mapping[str, Sequence[str]], who: Identity) -> dict[str, tuple[str, ...]]:
    """Return leads by the name of the project in reports, each once."""
    found: dict[str, tuple[str, ...]] = {}
    for account, addresses in leads.items():
        name = who.asked_project(account)
        found[name] = tuple(dict.fromkeys((*found.get(name, ()), *addresses)))
    return found


def _nobody(_account: str) -> Sequence[str]:
    return ()


class _Coordinators:
    """The coordinators of accounts. Slurm is asked when the first project is mailed, and once.

    Who chose to get no mail is left out.
    """

    def __init__(
        self, settings: Settings, book: AddressBook, frequency_of: Mapping[str, str]
    ) -> None:
        self._settings, self._book, self._frequency_of = settings, book, frequency_of
        self._users_of: Mapping[str, Sequence[str]] | AddressesUnavailableError | None = None

    def addresses(self, account: str) -> Sequence[str]:
        """Return the addresses of the account's coordinators."""
        return project_leads({account: self._users(account)}, self._book).get(account, ())

    def without_address(self, account: str) -> Sequence[str]:
        """Return the account's coordinators who have none."""
        users = self._users(account)
        return tuple(user for user in users if self._book.address_of(user) is None)

    def _users(self, account: str) -> Sequence[str]:
        if self._users_of is None:
            self._users_of = self._asked()
        if isinstance(self._users_of, AddressesUnavailableError):
            raise self._users_of
        return self._users_of.get(account, ())

    def _asked(self) -> Mapping[str, Sequence[str]] | AddressesUnavailableError:
        """Ask Slurm, on every cluster that is asked with sacct."""
        from auditor.collect.errors import CollectError  # noqa: PLC0415  (few sites ask)
        from auditor.collect.slurm_people import ask_people  # noqa: PLC0415
        from auditor.wiring.collecting import slurm_host  # noqa: PLC0415

        found: dict[str, list[str]] = {}
        asked = [one for one in self._settings.clusters if one.collect == "sacct"]
        hosts = [slurm_host(self._settings, one) for one in asked]
        try:
            people = [(host, one) for host in hosts for one in ask_people(host).coordinators]
        except CollectError as error:
            msg = f"Slurm could not be asked for coordinators: {error}"
            return AddressesUnavailableError(msg, hint=error.hint)
        who = identity(self._settings)
        for host, one in people:
            user = who.user(one.user, host.cluster)
            leads = found.setdefault(who.project(one.account, host.cluster), [])
            if self._frequency_of.get(user) != _NEVER and user not in leads:
                leads.append(user)
        return found
