"""`auditor subscribe` and `auditor unsubscribe`: how often a user gets mail."""

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.state import now_utc, state_of
from auditor.errors import LedgerError, NotPermittedError, UsageError
from auditor.settings.load import UnreadableSystemFileError

if TYPE_CHECKING:
    from auditor.settings.models import Settings

_N_MOST = 256

UserName = Annotated[
    str | None, typer.Option("-u", "--user", metavar="USER", help="Whose mail; default the caller.")
]


def subscribe(
    context: typer.Context,
    user: UserName = None,
    weekly: Annotated[bool, typer.Option("--weekly", help="Mail every week (default).")] = False,
    monthly: Annotated[bool, typer.Option("--monthly", help="Mail once a month.")] = False,
) -> None:
    """Get mail about your jobs, every week or once a month."""
    if weekly and monthly:
        msg = "choose --weekly or --monthly"
        raise UsageError(msg)
    settings = _settings(context)
    name = _choose(settings, user, "monthly" if monthly else "weekly")
    typer.echo(f"{name} gets mail {'once a month' if monthly else 'every week'} from now on")


def unsubscribe(context: typer.Context, user: UserName = None) -> None:
    """Get no more mail about your jobs; the reports stay."""
    settings = _settings(context)
    typer.echo(f"{_choose(settings, user, 'never')} gets no more mail")


def _settings(context: typer.Context) -> "Settings":
    """Read the configuration; whoever may not read it may not write to the ledger either."""
    try:
        return state_of(context).load().settings
    except UnreadableSystemFileError as error:
        msg = f"only the site can change who gets mail: {error}"
        raise NotPermittedError(
            msg, hint="Answer one of the mails, or ask who runs the auditor here."
        ) from error


def _choose(settings: "Settings", user: str | None, frequency: str) -> str:
    """Remember what a user chose; return whose choice it was."""
    from auditor.wiring.store import open_ledger  # noqa: PLC0415  (start-up time)

    name = _caller() if user is None else user
    if not name or not name.isprintable() or len(name) > _N_MOST:
        msg = f"{name!r} is not a user name"
        raise UsageError(msg)
    _check_rights(settings, name)
    with open_ledger(settings, create=False) as ledger:
        ledger.preferences.set_frequency(name, frequency, now_utc())
    return name


def _caller() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        msg = f"user id {os.geteuid()} has no name here"
        raise UsageError(msg, hint="Name the user with --user.") from error


def _contact(settings: "Settings") -> str | None:
    """Return the address at which somebody can change what a user chose."""
    mail = settings.mail
    ways = (mail.unsubscribe_mailto, mail.reply_to, mail.sender, *mail.operators)
    return next((way for way in ways if way is not None), None)


def _check_rights(settings: "Settings", user: str) -> None:
    """Let users speak for themselves, and the owner of the ledger and root for everybody.

    Raises
    ------
    NotPermittedError
        The caller is somebody else, or may not write to the ledger.
    LedgerError
        There is no ledger.
    """
    folder = Path(settings.ledger.path)
    try:
        owner = folder.stat().st_uid
    except FileNotFoundError as error:
        msg = f"there is no ledger in {folder}"
        raise LedgerError(msg, hint="`auditor ingest FILE` makes one from an export.") from error
    except PermissionError:
        owner = -1
    is_for_all = os.geteuid() in (0, owner)
    if not is_for_all and user != _caller():
        msg = f"only {user}, the owner of the ledger or root can choose the mail of {user}"
        raise NotPermittedError(msg)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        contact = _contact(settings)
        msg = f"you may not write to the ledger in {folder}"
        hint = f"Write to {contact}, who can." if contact else "Ask who runs the auditor here."
        raise NotPermittedError(msg, hint=hint)
