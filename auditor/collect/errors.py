"""Why a source gave no answer that can be trusted."""

import re
from typing import ClassVar

from auditor.errors import AuditorError

_N_MOST = 400
# The login in an address (RFC 3986, 3.2.1): all from the slashes to the last @ before a path.
_LOGIN_IN_ADDRESS = re.compile(r"(?<=://)[^\s/?#]*@")


class CollectError(AuditorError):
    """A source could not be asked, or its answer cannot be believed.

    `code` is a word for programs, and the code of the incident that is made of it.
    """

    exit_code: ClassVar[int] = 75

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class CollectRightsError(CollectError):
    """The caller does not see the runs of everybody."""

    exit_code = 4


class LoginFileError(CollectRightsError):
    """A file of the login that the configuration names is not there, or holds no login."""

    exit_code = 6


class WrongAddressError(CollectError):
    """What answers at the address of the configuration is something else than it should be."""

    exit_code = 6


class CollectStoppedError(CollectError):
    """Somebody asked to stop before the answer was whole: nothing is wrong with the source."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="stopped", hint="What was not asked for is due next time.")


def one_line(text: str) -> str:
    """Return what a program said as one line of printable text, cut where it is long.

    Logins in addresses are left out: what is said lands in journals and on pages.
    """
    line = "; ".join(part for part in (one.strip() for one in text.splitlines()) if part)
    line = without_login(line)
    clean = "".join(letter if letter.isprintable() else "?" for letter in line)
    return clean if len(clean) <= _N_MOST else clean[: _N_MOST - 1] + "…"


def without_login(text: str) -> str:
    """Return text with `***@` for every login that stands in an address."""
    return _LOGIN_IN_ADDRESS.sub("***@", text)
