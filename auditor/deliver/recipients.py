"""Who gets mail: the addresses of users, and those of the leads of projects."""

import csv
import io
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.deliver.address import is_plain_address
from auditor.deliver.reply import reply_text
from auditor.errors import AuditorError

_COMMAND_S = 10.0
_N_FAILURES = 3
_PASSWD_FIELDS = 7
# Nothing that an option, a folder, an LDAP filter or a shell could be made of.
_USER = re.compile(r"[^\W_][\w.@+$-]*|_[\w.@+$-]*")
_LOCAL_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_+-]|\.(?=[A-Za-z0-9_+-]))*")
_BETWEEN_WORDS = re.compile(r"[\s<>,;:\"'()\[\]]+")


class AddressBookError(AuditorError):
    """A file or command that should know addresses cannot be used."""

    exit_code = 6


@dataclass(frozen=True)
class Answer:
    """What one source says of a user: an address, or why it has none."""

    address: str | None
    reason: str = ""


class AddressSource(Protocol):
    """Something that knows addresses of users."""

    def answer(self, user: str) -> Answer:
        """Return the user's address, or why there is none here."""


class FileAddresses:
    """Addresses in a CSV file with the columns user and address; other columns are passed over.

    Raises
    ------
    AddressBookError
        The file cannot be read, lacks a column, or names something that is no address.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._address_of = {user: found[-1] for user, found in _addresses_by("user", path).items()}

    def answer(self, user: str) -> Answer:
        """Return the address on the user's line; the last one where there are several."""
        address = self._address_of.get(user)
        return Answer(address, "" if address else f"{self._path.name} has no line for this user")


class CommandAddresses:
    """Addresses that a command prints: the first on its standard output, whatever is around it.

    It is run without a shell, with the user's name in the place of `{user}`. It knows a user not
    if it prints no address and no error. If it fails for several users in a row it is the command
    that is broken: mail that is not written for a user now is never written.
    """

    def __init__(self, command: Sequence[str], timeout_s: float = _COMMAND_S) -> None:
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._n_failures = 0

    def answer(self, user: str) -> Answer:
        """Ask the command.

        Raises
        ------
        AddressBookError
            It cannot be run at all, or fails again and again.
        """
        if not _USER.fullmatch(user):
            return Answer(None, "the name holds characters that are not passed to a command")
        name = self._command[0]
        try:
            done = self._run(user)
        except subprocess.TimeoutExpired:
            return self._failed(f"{name} did not answer within {self._timeout_s:g} s")
        if done.returncode < 0 or (done.returncode > 0 and done.stderr):
            said = reply_text(done.stderr)
            return self._failed(f"{name} ended with status {done.returncode}: {said}")
        self._n_failures = 0
        return self._read(user, done.stdout.decode("utf-8", "replace"))

    def _run(self, user: str) -> subprocess.CompletedProcess[bytes]:
        words = [self._command[0], *(word.replace("{user}", user) for word in self._command[1:])]
        try:
            return subprocess.run(  # noqa: S603  (the site's own command, without a shell)
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout_s,
                check=False,
            )
        except OSError as error:
            msg = f"the command for addresses cannot be run: {words[0]}: {error.strerror}"
            raise AddressBookError(msg, hint="See [mail.addresses] in the configuration.") from None

    def _failed(self, reason: str) -> Answer:
        self._n_failures += 1
        if self._n_failures >= _N_FAILURES:
            msg = f"the command for addresses failed {self._n_failures} times in a row: {reason}"
            raise AddressBookError(
                msg, hint="For users that it does not know it should print nothing, and no error."
            )
        return Answer(None, reason)

    def _read(self, user: str, output: str) -> Answer:
        # Users write the text in a passwd line themselves (chfn): it is no proof of an address.
        if output.startswith(f"{user}:") and output.count(":") == _PASSWD_FIELDS - 1:
            return Answer(None, f"{self._command[0]} printed a passwd line, which has no address")
        found = next(filter(is_plain_address, _BETWEEN_WORDS.split(output)), None)
        return Answer(found, "" if found else f"{self._command[0]} printed no address")


@dataclass(frozen=True)
class PatternAddresses:
    """Addresses that follow from the name: `{user}` in the pattern is the user."""

    pattern: str

    def answer(self, user: str) -> Answer:
        """Return the pattern with the name in it, where the name fits into an address."""
        address = self.pattern.replace("{user}", user)
        if _LOCAL_PART.fullmatch(user) and is_plain_address(address):
            return Answer(address)
        return Answer(None, f"the name does not fit into {self.pattern}")


class AddressBook:
    """Sources of addresses, asked in turn; the first that knows a user is taken.

    Each user is looked up once in the life of a book.
    """

    def __init__(self, sources: Sequence[AddressSource]) -> None:
        self._sources = tuple(sources)
        self._address_of: dict[str, str | None] = {}
        self._missing: dict[str, str] = {}

    @property
    def missing(self) -> Mapping[str, str]:
        """Users who were asked for and have no address, with the reason."""
        return self._missing

    def address_of(self, user: str) -> str | None:
        """Return the user's address, None where no source knows it.

        Raises
        ------
        AddressBookError
            A command cannot be run, or fails again and again.
        """
        if user not in self._address_of:
            self._address_of[user] = self._look_up(user)
        return self._address_of[user]

    def _look_up(self, user: str) -> str | None:
        reasons = []
        for source in self._sources:
            answer = source.answer(user)
            if answer.address is not None:
                return answer.address
            reasons.append(answer.reason)
        self._missing[user] = "; ".join(reasons) or "no source of addresses is configured"
        return None


def address_book(
    file: Path | None = None, command: tuple[str, ...] | None = None, pattern: str | None = None
) -> AddressBook:
    """Return a book that asks the file, then the command, then the pattern; those that are stated.

    Raises
    ------
    AddressBookError
        The file cannot be used.
    """
    sources: list[AddressSource] = []
    if file is not None:
        sources.append(FileAddresses(file))
    if command is not None:
        sources.append(CommandAddresses(command))
    if pattern is not None:
        sources.append(PatternAddresses(pattern))
    return AddressBook(sources)


def project_leads(
    users_of: Mapping[str, Sequence[str]], book: AddressBook
) -> dict[str, tuple[str, ...]]:
    """Return the addresses of each account's leads, by the leads' user names.

    Accounts of whose leads none has an address are left out; `book.missing` says who has none.
    """
    found = {
        account: tuple(
            dict.fromkeys(
                address for user in users if (address := book.address_of(user)) is not None
            )
        )
        for account, users in users_of.items()
    }
    return {account: addresses for account, addresses in found.items() if addresses}


def leads_in_file(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the addresses of each account's leads from a CSV with the columns account, address.

    An account may have several lines. Errors as for `FileAddresses`.
    """
    return {
        account: tuple(dict.fromkeys(found))
        for account, found in _addresses_by("account", path).items()
    }


def _addresses_by(key_column: str, path: Path) -> dict[str, list[str]]:
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        rows = [(table.line_num, row) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not CSV in UTF-8"
        msg = f"the addresses in {path} cannot be read: {reason}"
        raise AddressBookError(msg) from error
    lacking = {key_column, "address"} - set(table.fieldnames or ())
    if lacking:
        msg = f"{path} has no column {' and no column '.join(sorted(lacking))}"
        raise AddressBookError(msg, hint=f"Its first line is {key_column},address.")
    found: dict[str, list[str]] = {}
    for line, row in rows:
        key, address = ((row[column] or "").strip() for column in (key_column, "address"))
        if not key or not is_plain_address(address):
            msg = f"line {line} of {path} holds no {key_column} with a plain address"
            raise AddressBookError(msg, hint="Write it as in ml,carbon@example.org.")
        found.setdefault(key, []).append(address)
    return found
