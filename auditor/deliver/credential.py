"""The login at a mail server; its password is read from a file and shown nowhere."""

import base64
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from auditor.errors import AuditorError

_FOLDER_VARIABLE = "CREDENTIALS_DIRECTORY"
_N_MOST = 4096
_HINT = "It holds the password and nothing else, belongs to the user of auditor, and has mode 0600."


class CredentialError(AuditorError):
    """The file with the password is missing, open to others or not a password."""

    exit_code = 6
    hint = _HINT


@dataclass(frozen=True)
class Login:
    """Who logs in. The password is no part of its text."""

    username: str
    password: str = field(repr=False)

    def hidden_in(self, text: str) -> str:
        """Return a text of the server without the password, as it is and as it was sent."""
        plain = f"\0{self.username}\0{self.password}"
        sent = (base64.b64encode(word.encode()).decode() for word in (plain, self.password))
        for word in (*sent, self.password):
            text = text.replace(word, "***")
        return text


def read_password(path: Path, environment: Mapping[str, str] = os.environ) -> str:
    """Read a password from its file, or from the file of that name in $CREDENTIALS_DIRECTORY.

    One line end after it is dropped.

    Raises
    ------
    CredentialError
        The file is missing, not a plain file, of another user, open to group or others, or holds
        anything but one line of printable ASCII. The message never holds what was read.
    """
    folder = environment.get(_FOLDER_VARIABLE)
    given = Path(folder) / path.name if folder else None
    is_given = given is not None and given.exists()
    # systemd grants its service user by an access list, which shows as the group's bits.
    forbidden = stat.S_IRWXO if is_given else stat.S_IRWXG | stat.S_IRWXO
    return _checked(_read(given if given is not None and is_given else path, forbidden))


def _read(path: Path, forbidden: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        msg = f"the password file {path} cannot be read: {error.strerror}"
        raise CredentialError(msg) from error
    try:
        _check_file(path, os.fstat(descriptor), forbidden)
        return os.read(descriptor, _N_MOST)
    finally:
        os.close(descriptor)


def _check_file(path: Path, status: os.stat_result, forbidden: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        msg = f"the password file {path} is not a plain file"
        raise CredentialError(msg)
    if status.st_mode & forbidden:
        msg = f"the password file {path} is open to others (mode {status.st_mode & 0o777:04o})"
        raise CredentialError(msg)
    if status.st_uid not in (0, os.geteuid()):
        msg = f"the password file {path} belongs to another user"
        raise CredentialError(msg)


def _checked(content: bytes) -> str:
    password = content.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")
    if not password or not password.isascii() or not password.isprintable():
        msg = "the password file does not hold one line of printable ASCII"
        raise CredentialError(msg)
    return password
