"""Whose ledger it is: a stranger is told so, and root leaves no files behind in it."""

import os
import pwd
from pathlib import Path

from auditor.errors import LedgerError


class LedgerNotPermittedError(LedgerError):
    """The ledger belongs to another user."""

    exit_code = 4


def is_anything_there(folder: Path) -> bool:
    """Say whether a folder holds a ledger, as far as this user may look.

    Raises
    ------
    LedgerNotPermittedError
        The user may not look into the folder, or not read what is in it.
    """
    desk = folder / "desk.sqlite"
    try:
        is_there = desk.exists() and (folder / "book").exists()
    except PermissionError as error:
        raise not_permitted(folder) from error
    if is_there and not os.access(desk, os.R_OK, effective_ids=True):
        raise not_permitted(folder)
    return is_there


def not_permitted(folder: Path) -> LedgerNotPermittedError:
    """Return the error for a user who may not open the ledger in a folder."""
    msg = f"the ledger in {folder} is the auditor's own: this user may not open it"
    return LedgerNotPermittedError(
        msg, hint="Run it as the user of the auditor, or ask who runs the auditor here."
    )


def refuse_root_of_others(folder: Path) -> None:
    """Keep root from writing into a folder of another user, who could not write there after it.

    Raises
    ------
    LedgerNotPermittedError
        We are root, and the folder belongs to somebody else.
    """
    if os.geteuid() != 0 or not folder.is_dir():
        return
    owner = folder.stat().st_uid
    if owner == 0:
        return
    msg = f"root does not write to the ledger in {folder}, which belongs to {name_of(owner)}"
    raise LedgerNotPermittedError(msg, hint=f"`{_as_user(owner)} auditor ...`")


def opening_failed(folder: Path, error: OSError) -> LedgerError:
    """Return the error for a ledger that the system does not let us open or make."""
    if isinstance(error, PermissionError) and folder.exists():
        return not_permitted(folder)
    msg = f"the ledger in {folder} cannot be opened: {error}"
    return LedgerError(msg, hint="Check who owns the folder and what is free.")


def lock_refused(path: Path) -> LedgerNotPermittedError:
    """Return the error for a lock file that this user may not open."""
    caller = os.geteuid()
    if not path.exists() or path.parent.stat().st_uid != caller:
        return not_permitted(path.parent)
    whose, mine = name_of(path.stat().st_uid), name_of(caller)
    msg = f"{path} belongs to {whose}, and {mine} may not write to it"
    return LedgerNotPermittedError(msg, hint=f"As root: `chown -R {mine}: {path.parent}`")


def name_of(uid: int) -> str:
    """Return the name of a user, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _as_user(uid: int) -> str:
    name = name_of(uid)
    if name.isdecimal():
        return f"setpriv --reuid={uid} --clear-groups"
    return f"runuser -u {name} --"
